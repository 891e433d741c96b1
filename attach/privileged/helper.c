/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Its only input are messages of the other process and answers of the kernel. A request that is not
 * one of the library's own code ends the helper, and with it everything that it has attached.
 */
#include "privileged/helper.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <turnpike/abi.h>
#include <turnpike/version.h>
#include <unistd.h>

#include "base/netns.h"
#include "private/fd_message.h"
#include "privileged/child.h"
#include "privileged/message.h"

/* Operations get aligned copies, with zeros behind the arguments. */
static bool serve(struct privileged *privileged, const struct operation *operation,
		  const struct request *request, int socket)
{
	struct reply reply = { 0 };
	int fd = -1;
	bool ok;

	reply.err = operation->run(privileged, request->args, reply.result, &fd);
	ok = fd_message_send(socket, &reply, sizeof(reply), reply.err ? -1 : fd);
	if (fd >= 0)
		close(fd);
	return ok;
}

/* Nothing can be done before there are maps. */
static bool is_request(const struct privileged *privileged, const struct request *request,
		       ssize_t n)
{
	return n == sizeof(*request) && request->operation < N_OPERATIONS && !request->pad &&
	       (privileged->maps || request->operation == OPERATION_MAKE_MAPS);
}

/*
 * Descriptors that come with a request are discarded by the kernel: there is no room for them.
 *
 * Return: the length of the message; 0: the end.
 */
static ssize_t receive(int socket, struct request *request)
{
	ssize_t n;

	do
		n = recv(socket, request, sizeof(*request), MSG_TRUNC);
	while (n < 0 && errno == EINTR);
	return n;
}

static int run(const struct helper_plan *plan, struct privileged *privileged, int socket)
{
	struct request request;
	ssize_t n = receive(socket, &request);

	while (is_request(privileged, &request, n) &&
	       serve(privileged, plan->operations[request.operation], &request, socket))
		n = receive(socket, &request);
	plan->end(privileged);
	return n > 0 && !is_request(privileged, &request, n) ? -EBADMSG : 0;
}

/* A connected socket belongs to the network namespace of the process that has connected. */
static bool is_same_network(int connection)
{
	__u64 here, there;

	return netns_here(&here) || netns_of_socket(connection, &there) || here == there;
}

static int begin(const struct helper_plan *plan, struct privileged *privileged, int socket)
{
	int err = is_same_network(socket) ? plan->open(&privileged->sock) : -EXDEV;

	libbpf_set_print(NULL);
	if (!err && plan->begin)
		err = plan->begin(plan->arg);
	return err;
}

int helper_serve(const struct helper_plan *plan, int connection)
{
	struct privileged privileged = PRIVILEGED_NONE;
	struct greeting greeting = { .abi = TURNPIKE_ABI_VERSION,
				     .version = TURNPIKE_VERSION_NUM,
				     .n_operations = N_OPERATIONS,
				     .pid = getpid() };

	greeting.err = begin(plan, &privileged, connection);
	greeting.capabilities = child_keep_capabilities(plan->capabilities);
	if (fd_message_send(connection, &greeting, sizeof(greeting), -1) && !greeting.err)
		greeting.err = run(plan, &privileged, connection);
	nl_socket_free(privileged.sock);
	/* A service manager may have a copy of the descriptor, with which it would stay open. */
	shutdown(connection, SHUT_RDWR);
	close(connection);
	return greeting.err;
}

static void __attribute__((noreturn)) be_child(const struct helper_plan *plan, int socket)
{
	child_close_others(&socket, 1);
	child_leave("tp-helper");
	helper_serve(plan, socket);
	_exit(0);
}

/* Of a negative number, kill(2) would take another meaning. */
static bool is_compatible(const struct greeting *greeting)
{
	return greeting->abi == TURNPIKE_ABI_VERSION && greeting->version == TURNPIKE_VERSION_NUM &&
	       greeting->n_operations == N_OPERATIONS && greeting->pid > 1;
}

int helper_join(struct privileged *privileged, int connection, struct greeting *greeting)
{
	int fd = -1;
	int err = -EIO;

	privileged->socket = connection;
	*greeting = (struct greeting){ 0 };
	if (!privileged_receive(privileged, greeting, sizeof(*greeting), &fd))
		err = is_compatible(greeting) ? greeting->err : -EPROTO;
	if (fd >= 0)
		close(fd);
	if (err) {
		privileged_close(privileged);
		return err;
	}
	privileged->helper = greeting->pid;
	privileged->capabilities = greeting->capabilities;
	return 0;
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
	struct greeting greeting;
	int sockets[2];
	pid_t helper;

	if (!make_sockets(sockets))
		return -EMFILE;
	helper = fork();
	if (helper == 0)
		be_child(plan, sockets[1]);
	close(sockets[1]);
	if (helper < 0) {
		close(sockets[0]);
		return -EAGAIN;
	}
	privileged->helper = helper;
	return helper_join(privileged, sockets[0], &greeting);
}
