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
#include "privileged/message.h"

#define PAUSE_NS (2 * 1000 * 1000)
#define END_NS   (PRIVILEGED_SECONDS * 1000000000ull)
#define REPLY_MS (PRIVILEGED_SECONDS * 1000)
#define MS_IN_NS 1000000u

/* Its end detaches what it has attached: the kernel closes links, and guardians do the rest. */
static int lose(struct privileged *privileged, const char *why)
{
	privileged->lost = why;
	/* Not permitted if it has another user; then the closed socket ends it. */
	kill(privileged->helper, SIGKILL);
	close(privileged->socket);
	privileged->socket = -1;
	return -EOWNERDEAD;
}

static int send_request(const struct privileged *privileged, const struct operation *operation,
			const void *args)
{
	struct request request = { .operation = operation->id };
	ssize_t n;

	memcpy(request.args, args, operation->args_size);
	do
		n = send(privileged->socket, &request, sizeof(request), MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n == sizeof(request) ? 0 : -EPIPE;
}

/* Return: 0, -ETIMEDOUT, or -EPIPE. */
static int wait_for_reply(const struct privileged *privileged)
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

static int read_fd(struct msghdr *msg)
{
	const struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg);
	int fd = -1;

	if (cmsg && cmsg->cmsg_level == SOL_SOCKET && cmsg->cmsg_type == SCM_RIGHTS &&
	    cmsg->cmsg_len == CMSG_LEN(sizeof(fd)))
		memcpy(&fd, CMSG_DATA(cmsg), sizeof(fd));
	return fd;
}

static int receive(const struct privileged *privileged, struct reply *reply, int *fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = { reply, sizeof(*reply) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	ssize_t n;

	do
		n = recvmsg(privileged->socket, &msg, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n != sizeof(*reply))
		return -EPIPE;
	*fd = read_fd(&msg);
	return 0;
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
		err = wait_for_reply(privileged);
	if (err == -ETIMEDOUT)
		return lose(privileged, "it did not answer in time");
	if (!err)
		err = receive(privileged, &reply, &received);
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

/* Return: has it ended? */
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

void privileged_close(struct privileged *privileged)
{
	const struct timespec pause = { .tv_nsec = PAUSE_NS };
	const __u64 end = clock_ns() + END_NS;

	if (privileged->socket >= 0)
		close(privileged->socket);
	privileged->socket = -1;
	if (privileged->helper <= 0)
		return;
	while (!has_ended(privileged->helper) && clock_ns() < end)
		nanosleep(&pause, NULL);
	if (clock_ns() >= end)
		kill(privileged->helper, SIGKILL);
	privileged->helper = 0;
}
