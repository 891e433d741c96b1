/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sends messages of several sockets over the loopback device. Skipped where io_uring is forbidden.
 */
#include <errno.h>
#include <linux/io_uring.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/udp_ring.h"

#define SOCKETS 8

static struct udp_ring *ring;
static int ring_fd, receiver, senders[SOCKETS];
static struct sockaddr_in to = { .sin_family = AF_INET };

/** struct outgoing - a message of one byte */
struct outgoing {
	uint8_t byte;
	struct iovec iov;
	struct msghdr message;
};

static int bound_socket(void)
{
	const struct sockaddr_in any = { .sin_family = AF_INET,
					 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(bind(fd, (const struct sockaddr *)&any, sizeof(any)), 0);
	return fd;
}

static int setup(void **state)
{
	socklen_t len = sizeof(to);

	(void)state;
	receiver = bound_socket();
	assert_int_equal(getsockname(receiver, (struct sockaddr *)&to, &len), 0);
	for (int i = 0; i < SOCKETS; i++)
		senders[i] = bound_socket();
	ring_fd = senders[SOCKETS - 1] + 1; /* the lowest free number */
	ring = udp_ring_new(SOCKETS);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	udp_ring_free(ring);
	for (int i = 0; i < SOCKETS; i++)
		close(senders[i]);
	close(receiver);
	return 0;
}

static void need_ring(void)
{
	if (!ring)
		skip();
}

static void add(int fd, struct outgoing *outgoing, uint8_t byte)
{
	*outgoing = (struct outgoing){
		.byte = byte,
		.iov = { &outgoing->byte, 1 },
		.message = { .msg_name = &to, .msg_namelen = sizeof(to), .msg_iovlen = 1 },
	};
	outgoing->message.msg_iov = &outgoing->iov;
	udp_ring_add(ring, fd, &outgoing->message);
}

/* The next datagram has this byte, and comes from this socket. */
static void expect(uint8_t byte, int from)
{
	struct sockaddr_in source, wanted;
	socklen_t len = sizeof(source);
	uint8_t received = 0;

	assert_int_equal(getsockname(from, (struct sockaddr *)&wanted, &len), 0);
	assert_int_equal(recvfrom(receiver, &received, 1, 0, (struct sockaddr *)&source, &len), 1);
	assert_int_equal(received, byte);
	assert_int_equal(source.sin_port, wanted.sin_port);
}

static void sends_in_order_from_all_sockets(void **state)
{
	struct outgoing outgoing[SOCKETS];
	int results[SOCKETS];
	uint8_t byte = 0;

	(void)state;
	need_ring();
	for (int round = 0; round < 100; round++) {
		const int n = 1 + round % SOCKETS;

		for (int i = 0; i < n; i++)
			add(senders[(i + round) % SOCKETS], &outgoing[i], byte++);
		udp_ring_send(ring, results);
		for (int i = 0; i < n; i++) {
			assert_int_equal(results[i], 1);
			expect((uint8_t)(byte - n + i), senders[(i + round) % SOCKETS]);
		}
	}
}

/* Also a failure before it could have been sent: the others are sent. */
static void reports_each_failure(void **state)
{
	struct outgoing outgoing[4];
	int results[4];

	(void)state;
	need_ring();
	add(senders[0], &outgoing[0], 1);
	add(-1, &outgoing[1], 2);
	add(senders[1], &outgoing[2], 3);
	outgoing[2].message.msg_namelen = 1;
	add(senders[2], &outgoing[3], 4);
	udp_ring_send(ring, results);
	assert_int_equal(results[0], 1);
	assert_int_equal(results[1], -EBADF);
	assert_int_equal(results[2], -EINVAL);
	assert_int_equal(results[3], 1);
	expect(1, senders[0]);
	expect(4, senders[2]);
}

static void sends_again_after_the_kernel_took_nothing(void **state)
{
	const int copy = dup(ring_fd);
	struct outgoing outgoing[2];
	int results[2];

	(void)state;
	need_ring();
	assert_int_equal(dup2(receiver, ring_fd), ring_fd); /* as if the call were forbidden */
	add(senders[0], &outgoing[0], 1);
	add(senders[1], &outgoing[1], 2);
	udp_ring_send(ring, results);
	assert_int_equal(results[0], -ECANCELED);
	assert_int_equal(results[1], -ECANCELED);
	assert_int_equal(dup2(copy, ring_fd), ring_fd);
	close(copy);
	add(senders[1], &outgoing[0], 3);
	udp_ring_send(ring, results);
	assert_int_equal(results[0], 1);
	expect(3, senders[1]);
}

/* Whoever takes over the process must not gain system calls that its filter refuses. */
static void registers_nothing(void **state)
{
	(void)state;
	need_ring();
	assert_int_equal(
		syscall(SYS_io_uring_register, ring_fd, IORING_REGISTER_FILES, &receiver, 1), -1);
	assert_int_equal(errno, EACCES);
}

static void is_absent_without_descriptors(void **state)
{
	struct rlimit before, none;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_null(udp_ring_new(SOCKETS));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sends_in_order_from_all_sockets, setup, teardown),
		cmocka_unit_test_setup_teardown(reports_each_failure, setup, teardown),
		cmocka_unit_test_setup_teardown(sends_again_after_the_kernel_took_nothing, setup,
						teardown),
		cmocka_unit_test_setup_teardown(registers_nothing, setup, teardown),
		cmocka_unit_test(is_absent_without_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
