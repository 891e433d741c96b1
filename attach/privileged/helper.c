/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Its only input are messages of its parent and answers of the kernel. A request that is not one of
 * the parent's own code ends the helper, and with it everything that it has attached.
 */
#include "privileged/helper.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "privileged/child.h"
#include "privileged/message.h"

static bool send_reply(int socket, const struct reply *reply, int fd)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec iov = { (void *)reply, sizeof(*reply) };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;

	if (fd >= 0) {
		msg.msg_control = control.bytes;
		msg.msg_controllen = sizeof(control.bytes);
		cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	}
	return sendmsg(socket, &msg, MSG_NOSIGNAL) == sizeof(*reply);
}

/* Operations get aligned copies, with zeros behind the arguments. */
static bool serve(struct privileged *privileged, const struct operation *operation,
		  const struct request *request, int socket)
{
	struct reply reply = { 0 };
	int fd = -1;
	bool ok;

	reply.err = operation->run(privileged, request->args, reply.result, &fd);
	ok = send_reply(socket, &reply, reply.err ? -1 : fd);
	if (fd >= 0)
		close(fd);
	return ok;
}

/* Descriptors that come with a request are discarded by the kernel: there is no room for them. */
static bool receive(int socket, struct request *request)
{
	ssize_t n;

	do
		n = recv(socket, request, sizeof(*request), 0);
	while (n < 0 && errno == EINTR);
	return n == sizeof(*request) && request->operation < N_OPERATIONS && !request->pad;
}

static void run(const struct helper_plan *plan, struct privileged *privileged, int socket)
{
	struct request request;

	while (receive(socket, &request))
		if (!serve(privileged, plan->operations[request.operation], &request, socket))
			break;
	plan->end(privileged);
}

/* What it inherits: the maps, and the socket. */
static int keep_files(const struct helper_plan *plan, int socket)
{
	int *keep = calloc(plan->n_keep + 1, sizeof(*keep));

	if (!keep)
		return -ENOMEM;
	memcpy(keep, plan->keep, plan->n_keep * sizeof(*keep));
	keep[plan->n_keep] = socket;
	child_close_others(keep, plan->n_keep + 1);
	free(keep);
	return 0;
}

static int begin(const struct helper_plan *plan, struct privileged *privileged, int socket)
{
	int err = keep_files(plan, socket);

	child_leave("tp-helper");
	libbpf_set_print(NULL);
	if (!err)
		err = plan->open(&privileged->sock);
	if (!err && plan->begin)
		err = plan->begin(plan->arg);
	return err;
}

static void __attribute__((noreturn))
be_helper(const struct helper_plan *plan, struct privileged *privileged, int socket)
{
	struct greeting greeting = { .err = begin(plan, privileged, socket) };

	greeting.capabilities = child_keep_capabilities(plan->capabilities);
	if (send(socket, &greeting, sizeof(greeting), MSG_NOSIGNAL) == sizeof(greeting) &&
	    !greeting.err)
		run(plan, privileged, socket);
	_exit(0);
}

static int greet(struct privileged *privileged)
{
	struct greeting greeting;
	ssize_t n;

	do
		n = recv(privileged->socket, &greeting, sizeof(greeting), 0);
	while (n < 0 && errno == EINTR);
	if (n != sizeof(greeting))
		return -EIO;
	privileged->capabilities = greeting.capabilities;
	return greeting.err;
}

/* Where the standard descriptors are closed, sockets may be in their place. */
static bool make_sockets(int sockets[2])
{
	int i, moved;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		return false;
	for (i = 0; i < 2; i++) {
		if (sockets[i] > STDERR_FILENO)
			continue;
		moved = fcntl(sockets[i], F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
		if (moved < 0)
			break;
		close(sockets[i]);
		sockets[i] = moved;
	}
	if (i == 2)
		return true;
	close(sockets[0]);
	close(sockets[1]);
	return false;
}

int helper_start(struct privileged *privileged, const struct helper_plan *plan)
{
	int sockets[2], err;
	pid_t helper;

	if (!make_sockets(sockets))
		return -EMFILE;
	helper = fork();
	if (helper == 0)
		be_helper(plan, privileged, sockets[1]);
	close(sockets[1]);
	if (helper < 0) {
		close(sockets[0]);
		return -EAGAIN;
	}
	privileged->socket = sockets[0];
	privileged->helper = helper;
	err = greet(privileged);
	if (err)
		privileged_close(privileged);
	return err;
}
