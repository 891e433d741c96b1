/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE
#include "hooks/guardian.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "privileged/child.h"

#define WATCH_MS 1000

/** struct pipes - the child's ends: of the pipe to wait at, and of that to report to */
struct pipes {
	int wait;
	int report;
};

/* Descriptors of the parent's that the guardian keeps. */
static void keep_files(const struct pipes *pipes, int fd)
{
	int keep[] = { pipes->wait, pipes->report, fd };

	child_close_others(keep, fd >= 0 ? 3 : 2);
	dup2(STDOUT_FILENO, STDERR_FILENO);
}

/* Returns whether the parent has closed its end; otherwise the guardian is not needed any more. */
static bool wait_for_end(const struct duty *duty, int fd)
{
	struct pollfd pipe = { .fd = fd, .events = POLLIN };

	while (poll(&pipe, 1, duty->is_needed ? WATCH_MS : -1) <= 0)
		if (duty->is_needed && !duty->is_needed(duty->arg))
			return false;
	return true;
}

static void run(const struct duty *duty, const struct pipes *pipes)
{
	ssize_t n;
	int err;

	keep_files(pipes, duty->fd);
	child_leave("tp-guardian");
	libbpf_set_print(NULL);
	err = duty->begin ? duty->begin(duty->arg) : 0;
	n = write(pipes->report, &err, sizeof(err));
	if (err || n != sizeof(err))
		_exit(1);
	/* The parent may run as root, and drop its privileges only later. */
	child_keep_capabilities(duty->capabilities);
	close(pipes->report);
	if (wait_for_end(duty, pipes->wait))
		duty->end(duty->arg);
	_exit(0);
}

int guardian_start(const struct duty *duty, struct hook_state *state)
{
	int wait_pipe[2], report_pipe[2];
	struct pipes pipes;
	int err = -EIO;

	if (pipe2(wait_pipe, O_CLOEXEC))
		return -errno;
	if (pipe2(report_pipe, O_CLOEXEC)) {
		close(wait_pipe[0]);
		close(wait_pipe[1]);
		return -EMFILE;
	}
	pipes = (struct pipes){ wait_pipe[0], report_pipe[1] };
	state->fd = wait_pipe[1];
	state->guardian = fork();
	if (state->guardian == 0)
		run(duty, &pipes);
	close(wait_pipe[0]);
	close(report_pipe[1]);
	if (state->guardian > 0 && read(report_pipe[0], &err, sizeof(err)) != sizeof(err))
		err = -EIO;
	close(report_pipe[0]);
	if (err)
		guardian_stop(state);
	return err;
}

bool guardian_is_alive(const struct hook_state *state)
{
	siginfo_t ended = { 0 };

	/* It stays to be waited for by guardian_stop(). */
	return waitid(P_PID, (id_t)state->guardian, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 &&
	       ended.si_pid == 0;
}

void guardian_stop(struct hook_state *state)
{
	if (state->fd >= 0)
		close(state->fd);
	if (state->guardian > 0)
		while (waitpid(state->guardian, NULL, 0) < 0 && errno == EINTR)
			;
	*state = HOOK_STATE_NONE;
}
