/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The helper and a server that an attacker has taken over: whatever it sends, the helper does only
 * what the operations are for, and ends at what is no request. Each test runs with a child of the
 * server, and with a process that it has connected to. Needs root.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/monotonic.h"
#include "fixture.h"
#include "hooks/attachment.h"
#include "hooks/instances.h"
#include "net/link.h"
#include "net/netlink.h"
#include "net/notifications.h"
#include "operations.h"
#include "private/array_len.h"
#include "private/fd_message.h"
#include "privileged/child.h"
#include "privileged/helper.h"
#include "privileged/message.h"
#include "privileged/shared_maps.h"

/* Long enough for any answer here; the helper's end is noticed at once. */
#define PATIENCE_MS 20000

static struct maps maps;
static struct nl_sock *sock;
static struct privileged server;
static __u32 ifindex;
static int kept = -1; /* the service manager's copy of that helper's socket */
static pid_t peer;    /* the helper that is no child of the server's; 0: it is one */

static int open_requests(struct nl_sock **ret)
{
	return netlink_open(NETLINK_ROUTE, ret);
}

static const struct helper_plan plan = {
	.operations = operations,
	.end = operations_end,
	.open = open_requests,
	.capabilities = ~0ull,
};

static const struct map_options sizes = { 16, 16, 16, 0, 0 };

static int open_network(void)
{
	struct link_facts link;

	maps = MAPS_NONE;
	server = PRIVILEGED_NONE;
	peer = 0;
	if (open_requests(&sock) || netlink_link(sock, 0, "eth0", &link))
		return -1;
	server.sock = sock;
	ifindex = link.ifindex;
	return 0;
}

/* Without maps. */
static int start_child(void **state)
{
	(void)state;
	return open_network() ? -1 : helper_start(&server, &plan);
}

/* The parent has forked a helper by itself, as a service manager would. */
static void serve_other(int connection, int unused)
{
	close(unused);
	_exit(helper_serve(&plan, connection) ? EXIT_FAILURE : EXIT_SUCCESS);
}

static int start_other(void **state)
{
	struct greeting greeting;
	int sockets[2];

	(void)state;
	if (open_network() || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets))
		return -1;
	peer = fork();
	if (peer == 0)
		serve_other(sockets[1], sockets[0]);
	kept = sockets[1];
	return helper_join(&server, sockets[0], &greeting);
}

static int start(void **state)
{
	return start_child(state) || shared_maps_open(&server, &sizes, &maps);
}

static int start_joined(void **state)
{
	return start_other(state) || shared_maps_open(&server, &sizes, &maps);
}

/* As the service manager does when the helper has ended. */
static void forget_other(void)
{
	if (kept >= 0)
		close(kept);
	kept = -1;
}

static int stop(void **state)
{
	(void)state;
	privileged_close(&server);
	if (peer)
		waitpid(peer, NULL, 0);
	forget_other();
	nl_socket_free(sock);
	maps_close(&maps);
	return 0;
}

/* Sends words as arguments, behind any checks of ours. Return: the helper's answer. */
static int ask(__u32 operation, const __u32 *words, size_t n)
{
	struct request request = { .operation = operation };
	struct pollfd answer = { .fd = server.socket, .events = POLLIN };
	struct reply reply;

	memcpy(request.args, words, n * sizeof(*words));
	assert_int_equal(send(server.socket, &request, sizeof(request), MSG_NOSIGNAL),
			 sizeof(request));
	assert_int_equal(poll(&answer, 1, PATIENCE_MS), 1);
	assert_int_equal(recv(server.socket, &reply, sizeof(reply), 0), sizeof(reply));
	return reply.err;
}

#define ASK(operation, ...)                                        \
	ask(OPERATION_##operation, (const __u32[]){ __VA_ARGS__ }, \
	    sizeof((const __u32[]){ __VA_ARGS__ }) / sizeof(__u32))

static void attach(struct attachment *ret)
{
	assert_int_equal(attachment_load(&server, &attach_points[ATTACH_POINT_XDP_GENERIC_XDP],
					 TURNPIKE_MOVES_HEAD, ifindex, 0, ret),
			 0);
	assert_int_equal(attachment_attach(&server, ret), 0);
	assert_true(attachment_is_attached(&server, ret));
}

static __u32 attached_program(void)
{
	struct link_facts link;

	assert_int_equal(netlink_link(sock, (int)ifindex, "", &link), 0);
	return link.xdp_generic;
}

static void test_out_of_range(void **state)
{
	const __u32 tc = ATTACH_POINT_TC_TCX, top = ~0u;

	(void)state;
	/* Purpose, point, moves, device, slot. */
	assert_int_equal(ASK(LOAD, 9, tc, TURNPIKE_MOVES_HEAD, ifindex, 0), -EINVAL);
	assert_int_equal(ASK(LOAD, 0, ATTACH_POINT_USERSPACE, 1, ifindex, 0), -EINVAL);
	assert_int_equal(ASK(LOAD, 0, top, 1, ifindex, 0), -EINVAL);
	assert_int_equal(ASK(LOAD, 0, tc, TURNPIKE_MOVES_MAX, ifindex, 0), -EINVAL);
	assert_int_equal(ASK(LOAD, 0, tc, top, ifindex, 0), -EINVAL);
	assert_int_equal(ASK(LOAD, 0, tc, 1, 0, 0), -EINVAL);
	assert_int_equal(ASK(LOAD, 0, tc, 1, ifindex, TURNPIKE_SLOTS), -EINVAL);
	assert_int_equal(ASK(LOAD, 1, tc, 1, ifindex, 0), -EINVAL); /* a trial of TC */
	assert_int_equal(ASK(LOAD, 2, ATTACH_POINT_XDP_NATIVE_XDP, 1, ifindex, 0), -EINVAL);
	/* Numbers of programs. */
	assert_int_equal(ASK(ATTACH, 0), -ENOENT);
	assert_int_equal(ASK(ATTACH, 1), -ENOENT);
	assert_int_equal(ASK(ATTACH, INSTANCES_MAX + 1), -ENOENT);
	assert_int_equal(ASK(ATTACH, top), -ENOENT);
	assert_int_equal(ASK(IS_ATTACHED, top), -ENOENT);
	assert_int_equal(ASK(EXCHANGE, 0, top), -ENOENT);
	assert_int_equal(ASK(CLOSE, top), 0);
	/* Others. */
	assert_int_equal(ASK(FIND_OWNER, ATTACH_POINT_USERSPACE, ifindex), -EINVAL);
	assert_int_equal(ASK(SWEEP, 0, 0), -EINVAL);
	assert_int_equal(ASK(TRY, 12345, 1), -ENODEV);
	assert_int_equal(ASK(USE, 33), -EINVAL);
	assert_int_equal(ASK(USE, top), -EINVAL);
	assert_int_equal(ASK(MAKE_MAPS, 16, 16, 16), -EALREADY);
	assert_int_equal(ASK(SHARE_MAP, N_MAPS), -EINVAL);
	assert_int_equal(ASK(SHARE_MAP, top), -EINVAL);
	assert_int_equal(ASK(OPEN_NOTIFICATIONS, N_NOTIFICATIONS), -EINVAL);
	assert_int_equal(ASK(OPEN_NOTIFICATIONS, top), -EINVAL);
	assert_int_not_equal(ASK(READ_LINK, 12345, ifindex), 0);
	/* It is still there. */
	assert_int_equal(ASK(READ_TICKS, 0), 0);
}

/* A number is of one program on one device, which is attached once. */
static void test_order(void **state)
{
	struct attachment one = ATTACHMENT_NONE, other = ATTACHMENT_NONE;

	(void)state;
	attach(&one);
	assert_int_equal(ASK(ATTACH, one.number), -EALREADY);
	assert_int_equal(ASK(EXCHANGE, one.number, one.number), -ENOENT);
	assert_int_equal(
		attachment_load(&server, one.point, TURNPIKE_MOVES_TAIL, ifindex, 0, &other), 0);
	assert_int_equal(ASK(EXCHANGE, other.number, one.number), -EALREADY);
	assert_int_equal(attachment_exchange(&server, &one, &other), 0);
	assert_int_equal(attached_program(), one.prog_id);
	attachment_close(&server, &one);
	assert_int_equal(attached_program(), 0);
}

/* The helper closes what it has passed once the answer is sent: another one comes after that. */
static int count_files(void)
{
	char path[64];
	int n = 0;
	DIR *folder;

	assert_int_equal(ASK(READ_TICKS, 0), 0);
	snprintf(path, sizeof(path), "/proc/%d/fd", server.helper);
	folder = opendir(path);
	assert_non_null(folder);
	while (readdir(folder))
		n++;
	closedir(folder);
	return n;
}

static void send_with_file(int fd)
{
	const struct request request = { .operation = OPERATION_READ_TICKS };
	struct reply reply;

	assert_true(fd_message_send(server.socket, &request, sizeof(request), fd));
	assert_int_equal(recv(server.socket, &reply, sizeof(reply), 0), sizeof(reply));
}

/* It takes no descriptors, and leaves none open. */
static void test_files(void **state)
{
	const int before = count_files();
	struct attachment attachment = ATTACHMENT_NONE;
	int i;

	(void)state;
	for (i = 0; i < 8; i++)
		send_with_file(STDERR_FILENO);
	assert_int_equal(count_files(), before);
	attach(&attachment);
	attachment_close(&server, &attachment);
	assert_int_equal(count_files(), before);
}

/* Each descriptor of an operation that passes one is closed in the helper. */
static void test_passed(void **state)
{
	const int before = count_files();
	const struct request requests[] = {
		{ .operation = OPERATION_SHARE_MAP, .args = { MAP_FLOWS4 } },
		{ .operation = OPERATION_OPEN_ICMP, .args = { 0 } },
		{ .operation = OPERATION_OPEN_ICMP, .args = { 1 } },
		{ .operation = OPERATION_OPEN_NOTIFICATIONS, .args = { NOTIFICATIONS_ROUTES } },
	};
	struct reply reply;
	size_t i;
	int fd;

	(void)state;
	for (i = 0; i < ARRAY_LEN(requests); i++) {
		assert_true(fd_message_send(server.socket, &requests[i], sizeof(requests[i]), -1));
		assert_int_equal(fd_message_receive(server.socket, &reply, sizeof(reply), &fd),
				 sizeof(reply));
		assert_int_equal(reply.err, 0);
		assert_true(fd >= 0);
		close(fd);
	}
	assert_int_equal(count_files(), before);
}

/* More programs than slots can use are refused, and closing makes room. */
static void test_many(void **state)
{
	const __u32 tc = ATTACH_POINT_TC_TCX;
	__u32 number;

	(void)state;
	for (number = 1; number <= INSTANCES_MAX; number++)
		assert_int_equal(ASK(LOAD, 0, tc, TURNPIKE_MOVES_HEAD, ifindex, 0), 0);
	assert_int_equal(ASK(LOAD, 0, tc, TURNPIKE_MOVES_HEAD, ifindex, 0), -ENOSPC);
	assert_int_equal(ASK(CLOSE, 7), 0);
	assert_int_equal(ASK(LOAD, 0, tc, TURNPIKE_MOVES_HEAD, ifindex, 0), 0);
}

/* What is no request ends the helper, which detaches everything. */
static void test_no_request(void **state)
{
	struct request request = { .operation = N_OPERATIONS };
	struct pollfd end = { .fd = server.socket, .events = POLLIN };
	const size_t size = *state ? *(const size_t *)*state : sizeof(request);
	struct attachment attachment = ATTACHMENT_NONE;
	char message[sizeof(request) + 1] = { 0 }, byte;

	attach(&attachment);
	if (size != sizeof(request))
		request.operation = OPERATION_READ_TICKS;
	memcpy(message, &request, sizeof(request));
	assert_int_equal(send(server.socket, message, size, 0), size);
	assert_int_equal(poll(&end, 1, PATIENCE_MS), 1);
	assert_int_equal(recv(server.socket, &byte, sizeof(byte), 0), 0);
	assert_int_equal(attached_program(), 0);
	assert_true(privileged_check(&server));
	assert_int_equal(attachment_attach(&server, &attachment), -EOWNERDEAD);
}

static void test_killed(void **state)
{
	struct attachment attachment = ATTACHMENT_NONE;

	(void)state;
	attach(&attachment);
	kill(server.helper, SIGKILL);
	forget_other();
	assert_false(attachment_is_attached(&server, &attachment));
	assert_true(privileged_check(&server));
	assert_non_null(server.lost);
	/* The kernel closes its links a moment after its socket. */
	while (attached_program())
		usleep(1000);
}

/* The first operation makes the maps, whose sizes are checked; all others end a helper without. */
static void test_sizes(void **state)
{
	const __u32 over = SHARED_MAPS_MAX + 1;
	struct request request = { .operation = OPERATION_READ_KERNEL };
	char byte;

	(void)state;
	assert_int_equal(ASK(MAKE_MAPS, over, 16, 16), -E2BIG);
	assert_int_equal(ASK(MAKE_MAPS, 16, over, 16), -E2BIG);
	assert_int_equal(ASK(MAKE_MAPS, 16, 16, ~0u), -E2BIG);
	assert_int_equal(ASK(MAKE_MAPS, 0, 16, 16), -EINVAL);
	assert_int_equal(shared_maps_open(&server, &sizes, &maps), 0);
	assert_int_equal(ASK(READ_KERNEL, 0), 0);
	stop(state);
	assert_int_equal(peer ? start_other(state) : start_child(state), 0);
	assert_int_equal(send(server.socket, &request, sizeof(request), 0), sizeof(request));
	assert_int_equal(recv(server.socket, &byte, sizeof(byte), 0), 0);
}

/* The server is told the end when everything is detached. */
static void test_close(void **state)
{
	struct attachment attachment = ATTACHMENT_NONE;
	__u64 begun;

	(void)state;
	attach(&attachment);
	begun = clock_ns();
	privileged_close(&server);
	assert_true(clock_ns() - begun <
		    PRIVILEGED_SECONDS * 1000000000ull); /* it was not killed */
	assert_int_equal(attached_program(), 0);
}

/* A server that a helper of another version greets, or none at all, has no helper. */
static void test_greetings(void **state)
{
	const struct greeting good = { .abi = TURNPIKE_ABI_VERSION,
				       .version = TURNPIKE_VERSION_NUM,
				       .n_operations = N_OPERATIONS,
				       .pid = getpid() };
	struct {
		struct greeting greeting;
		size_t size;
		int err;
	} cases[] = {
		{ good, sizeof(good), 0 },
		{ good, sizeof(good), -EPROTO },
		{ good, sizeof(good), -EPROTO },
		{ good, sizeof(good), -EPROTO },
		{ good, sizeof(good), -EPROTO },
		{ good, sizeof(good), -EXDEV },
		{ good, 1, -EIO },
	};
	struct privileged joined;
	struct greeting heard;
	int sockets[2];
	size_t i;

	(void)state;
	cases[1].greeting.abi++;
	cases[2].greeting.version++;
	cases[3].greeting.n_operations++;
	cases[4].greeting.pid = -1;
	cases[5].greeting.err = -EXDEV;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		joined = PRIVILEGED_NONE;
		assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets), 0);
		assert_int_equal(send(sockets[1], &cases[i].greeting, cases[i].size, 0),
				 cases[i].size);
		close(sockets[1]);
		assert_int_equal(helper_join(&joined, sockets[0], &heard), cases[i].err);
		assert_true(cases[i].err ? joined.socket < 0 : joined.socket == sockets[0]);
		privileged_close(&joined);
	}
}

/* A helper refuses a server of another network namespace. */
static void test_other_network(void **state)
{
	struct privileged joined = PRIVILEGED_NONE;
	struct greeting greeting;
	int sockets[2], status;
	pid_t helper;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sockets), 0);
	helper = fork();
	if (helper == 0)
		_exit(unshare(CLONE_NEWNET) || helper_serve(&plan, sockets[1]) != -EXDEV ? 1 : 0);
	close(sockets[1]);
	assert_int_equal(helper_join(&joined, sockets[0], &greeting), -EXDEV);
	assert_int_equal(waitpid(helper, &status, 0), helper);
	assert_int_equal(status, 0);
}

/* It has no other capabilities than those of the plan, whoever starts it. */
static void test_capabilities(void **state)
{
	char path[64], line[128];
	FILE *file;
	int found = 0;

	(void)state;
	snprintf(path, sizeof(path), "/proc/%d/status", server.helper);
	file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		if (strncmp(line, "NoNewPrivs:\t1", 13) == 0)
			found++;
		if (strncmp(line, "CapInh:\t0000000000000000", 24) == 0)
			found++;
		if (strncmp(line, "CapAmb:\t0000000000000000", 24) == 0)
			found++;
	}
	fclose(file);
	assert_int_equal(found, 3);
	assert_int_equal(server.capabilities, child_capabilities());
}

static size_t lengths[] = { 1, sizeof(struct request) - 1, sizeof(struct request) + 1 };

/* A test of both kinds of helpers. */
#define BOTH(test, first, second, value)                                       \
	{ #test " with a child", (test), (first), stop, (value) },             \
	{                                                                      \
#test " with another process", (test), (second), stop, (value) \
	}
#define WITH_MAPS(test) BOTH(test, start, start_joined, NULL)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_MAPS(test_out_of_range),
		WITH_MAPS(test_order),
		WITH_MAPS(test_files),
		WITH_MAPS(test_passed),
		cmocka_unit_test_setup_teardown(test_many, start, stop),
		WITH_MAPS(test_no_request),
		BOTH(test_no_request, start, start_joined, &lengths[0]),
		BOTH(test_no_request, start, start_joined, &lengths[1]),
		BOTH(test_no_request, start, start_joined, &lengths[2]),
		WITH_MAPS(test_killed),
		WITH_MAPS(test_close),
		WITH_MAPS(test_capabilities),
		BOTH(test_sizes, start_child, start_other, NULL),
		cmocka_unit_test(test_greetings),
		cmocka_unit_test(test_other_network),
	};
	const int status = make_network();

	return status ? status : cmocka_run_group_tests(tests, NULL, NULL);
}
