/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE
#include "hooks/guardian.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define WATCH_MS 1000

/** struct pipes - the child's ends: of the pipe to wait at, and of that to report to */
struct pipes {
	int wait;
	int report;
};

static void close_between(int above, int below)
{
	if (below - above > 1)
		close_range((unsigned int)above + 1, (unsigned int)below - 1, 0);
}

static int compare_fds(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/*
 * Close all that belongs to the parent, above all its bpf_links: they must be closed when the
 * parent ends.
 */
static void close_parents_files(const struct pipes *pipes, int fd)
{
	int keep[] = { STDERR_FILENO, pipes->wait, pipes->report, fd >= 0 ? fd : STDERR_FILENO };
	const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	size_t i;
	int each;

	for (each = 0; each <= STDERR_FILENO && null >= 0; each++)
		dup2(null, each);
	qsort(keep, 4, sizeof(keep[0]), compare_fds);
	for (i = 1; i < 4; i++)
		close_between(keep[i - 1], keep[i]);
	close_range((unsigned int)keep[3] + 1, ~0u, 0);
}

static void leave_parent(void)
{
	/* Ctrl-C, or a signal to the process group, is for the parent; its end reaches us. */
	setsid();
	signal(SIGINT, SIG_IGN);
	signal(SIGTERM, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	/* Another name, so that 'pkill turnpike' spares the guardian. */
	prctl(PR_SET_NAME, "tp-guardian");
}

/* The parent may run as root, and drop its privileges only later. */
static void keep_capabilities(__u64 mask)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { 0 } };
	size_t i;

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	syscall(SYS_capget, &header, data);
	for (i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].permitted &= (__u32)(mask >> 32 * i);
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	syscall(SYS_capset, &header, data);
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

	close_parents_files(pipes, duty->fd);
	leave_parent();
	libbpf_set_print(NULL);
	err = duty->begin ? duty->begin(duty->arg) : 0;
	n = write(pipes->report, &err, sizeof(err));
	if (err || n != sizeof(err))
		_exit(1);
	keep_capabilities(duty->capabilities);
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
