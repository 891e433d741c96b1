/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "privileged/privileged.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/monotonic.h"
#include "private/fd_message.h"
#include "privileged/message.h"

#define PAUSE_NS (2 * 1000 * 1000)
#define END_NS   (PRIVILEGED_SECONDS * 1000000000ull)
#define REPLY_MS (PRIVILEGED_SECONDS * 1000)
#define MS_IN_NS 1000000u

/* Its end detaches what it has attached: the kernel closes links, and guardians do the rest. */
static int lose(struct privileged *privileged, const char *why)
{
	privileged->lost = why;
	close(privileged->socket);
	privileged->socket = -1;
	return -EOWNERDEAD;
}

/* Not permitted if it has another user; then the closed socket ends it once it has answered. */
static int lose_late(struct privileged *privileged)
{
	kill(privileged->helper, SIGKILL);
	return lose(privileged, "it did not answer in time");
}

static int send_request(const struct privileged *privileged, const struct operation *operation,
			const void *args)
{
	struct request request = { .operation = operation->id };

	memcpy(request.args, args, operation->args_size);
	return fd_message_send(privileged->socket, &request, sizeof(request), -1) ? 0 : -EPIPE;
}

/* For a reply, or the end. Return: 0 or -ETIMEDOUT. */
static int wait_for_helper(const struct privileged *privileged)
{
	const __u64 end = clock_ns() + END_NS;
	struct pollfd readable = { .fd = privileged->socket, .events = POLLIN };
	int left = REPLY_MS, n;

	do {
		n = poll(&readable, 1, left);
		left = clock_ns() < end ? (int)((end - clock_ns()) / MS_IN_NS) : 0;
	} while (n < 0 && errno == EINTR && left > 0);
	return n > 0 ? 0 : -ETIMEDOUT;
}

int privileged_receive(const struct privileged *privileged, void *message, size_t size, int *ret)
{
	int err = wait_for_helper(privileged), fd;

	if (err)
		return err;
	if (fd_message_receive(privileged->socket, message, size, &fd) == (ssize_t)size) {
		*ret = fd;
		return 0;
	}
	if (fd >= 0)
		close(fd);
	return -EPIPE;
}

static void take_fd(int received, int *fd)
{
	if (fd)
		*fd = received;
	else if (received >= 0)
		close(received);
}

static int call_helper(struct privileged *privileged, const struct operation *operation,
		       const void *args, void *result, int *fd)
{
	struct reply reply;
	int received = -1;
	int err = send_request(privileged, operation, args);

	if (!err)
		err = privileged_receive(privileged, &reply, sizeof(reply), &received);
	if (err == -ETIMEDOUT)
		return lose_late(privileged);
	if (err)
		return lose(privileged, "it was killed");
	take_fd(received, reply.err ? NULL : fd);
	if (!reply.err)
		memcpy(result, reply.result, operation->result_size);
	return reply.err;
}

static int call_here(struct privileged *privileged, const struct operation *operation,
		     const void *args, void *result, int *fd)
{
	__u8 own[OPERATION_RESULT_MAX] __attribute__((aligned(8))) = { 0 };
	int made = -1;
	const int err = operation->run(privileged, args, own, &made);

	if (err)
		return err;
	memcpy(result, own, operation->result_size);
	take_fd(made, fd);
	return 0;
}

int privileged_call(struct privileged *privileged, const struct operation *operation,
		    const void *args, void *result, int *fd)
{
	if (privileged->lost)
		return -EOWNERDEAD;
	if (privileged->socket < 0)
		return call_here(privileged, operation, args, result, fd);
	return call_helper(privileged, operation, args, result, fd);
}

/* Return: has it ended? Of a process that is no child, only its socket tells. */
static bool has_ended(pid_t helper)
{
	const pid_t ended = waitpid(helper, NULL, WNOHANG);

	return ended == helper || (ended < 0 && errno != EINTR);
}

/* Between calls the helper sends nothing: what is readable is the end. */
bool privileged_check(struct privileged *privileged)
{
	struct pollfd readable = { .fd = privileged->socket, .events = POLLIN };

	if (privileged->socket >= 0 && poll(&readable, 1, 0) > 0)
		lose(privileged, "it was killed");
	if (privileged->lost && privileged->helper && has_ended(privileged->helper))
		privileged->helper = 0;
	return privileged->lost;
}

/* It closes its end when everything is detached. */
static void end_helper(struct privileged *privileged)
{
	shutdown(privileged->socket, SHUT_WR);
	if (privileged->helper > 0 && wait_for_helper(privileged))
		kill(privileged->helper, SIGKILL);
	close(privileged->socket);
	privileged->socket = -1;
}

void privileged_close(struct privileged *privileged)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	const __u64 end = clock_ns() + END_NS;

	if (privileged->socket >= 0)
		end_helper(privileged);
	if (privileged->helper <= 0)
		return;
	while (!has_ended(privileged->helper) && clock_ns() < end)
		nanosleep(&pause, NULL);
	if (clock_ns() >= end)
		kill(privileged->helper, SIGKILL);
	privileged->helper = 0;
}
