/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The helper and a server that an attacker has taken over: whatever it sends, the helper does only
 * what the operations are for, and ends at what is no request. Needs root.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/map_set.h"
#include "fixture.h"
#include "hooks/attachment.h"
#include "hooks/instances.h"
#include "net/link.h"
#include "net/netlink.h"
#include "operations.h"
#include "private/array_len.h"
#include "privileged/child.h"
#include "privileged/helper.h"
#include "privileged/message.h"

/* Long enough for any answer here; the helper's end is noticed at once. */
#define PATIENCE_MS 20000

static struct maps maps;
static struct nl_sock *sock;
static struct privileged server;
static __u32 ifindex;

static int open_requests(struct nl_sock **ret)
{
	return netlink_open(NETLINK_ROUTE, ret);
}

static int start(void **state)
{
	static const struct map_options sizes = { 16, 16, 16, 0 };
	int files[MAPS_FILES_MAX];
	struct helper_plan plan = { .operations = operations,
				    .end = operations_end,
				    .open = open_requests,
				    .keep = files,
				    .capabilities = ~0ull };
	struct link_facts link;

	(void)state;
	if (maps_open(&sizes, &maps) || open_requests(&sock) ||
	    netlink_link(sock, 0, "eth0", &link))
		return -1;
	ifindex = link.ifindex;
	server = PRIVILEGED_NONE;
	server.maps = &maps;
	server.sock = sock;
	plan.n_keep = maps_files(&maps, files, ARRAY_LEN(files));
	return helper_start(&server, &plan);
}

static int stop(void **state)
{
	(void)state;
	privileged_close(&server);
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

static int count_files(pid_t pid)
{
	char path[64];
	int n = 0;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	folder = opendir(path);
	assert_non_null(folder);
	while (readdir(folder))
		n++;
	closedir(folder);
	return n;
}

static void send_with_file(int fd)
{
	struct request request = { .operation = OPERATION_READ_TICKS };
	union {
		char bytes[CMSG_SPACE(sizeof(fd))];
		struct cmsghdr align;
	} control = { { 0 } };
	struct iovec iov = { &request, sizeof(request) };
	struct msghdr msg = { .msg_iov = &iov,
			      .msg_iovlen = 1,
			      .msg_control = control.bytes,
			      .msg_controllen = sizeof(control.bytes) };
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
	struct reply reply;

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	assert_int_equal(sendmsg(server.socket, &msg, 0), sizeof(request));
	assert_int_equal(recv(server.socket, &reply, sizeof(reply), 0), sizeof(reply));
}

/* It takes no descriptors, and leaves none open. */
static void test_files(void **state)
{
	const int before = count_files(server.helper);
	struct attachment attachment = ATTACHMENT_NONE;
	int i;

	(void)state;
	for (i = 0; i < 8; i++)
		send_with_file(STDERR_FILENO);
	assert_int_equal(count_files(server.helper), before);
	attach(&attachment);
	attachment_close(&server, &attachment);
	assert_int_equal(count_files(server.helper), before);
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
	char byte;

	attach(&attachment);
	if (size != sizeof(request))
		request.operation = OPERATION_READ_TICKS;
	assert_int_equal(send(server.socket, &request, size, 0), size);
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
	assert_false(attachment_is_attached(&server, &attachment));
	assert_true(privileged_check(&server));
	assert_non_null(server.lost);
	/* The kernel closes its links a moment after its socket. */
	while (attached_program())
		usleep(1000);
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

static size_t sizes[] = { 1, sizeof(struct request) - 1 };

#define ENDS(value)                                                                      \
	{                                                                                \
		.name = "test_no_request of another size", .test_func = test_no_request, \
		.setup_func = start, .teardown_func = stop, .initial_state = (value)     \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_out_of_range, start, stop),
		cmocka_unit_test_setup_teardown(test_order, start, stop),
		cmocka_unit_test_setup_teardown(test_files, start, stop),
		cmocka_unit_test_setup_teardown(test_many, start, stop),
		cmocka_unit_test_setup_teardown(test_no_request, start, stop),
		ENDS(&sizes[0]),
		ENDS(&sizes[1]),
		cmocka_unit_test_setup_teardown(test_killed, start, stop),
		cmocka_unit_test_setup_teardown(test_capabilities, start, stop),
	};
	const int status = make_network();

	return status ? status : cmocka_run_group_tests(tests, NULL, NULL);
}
