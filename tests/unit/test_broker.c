/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The broker of sockets: what it does for a server, and what it refuses. Needs no root. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "net/broker.h"

#define LISTED   443
#define UNLISTED 444

static struct turnpike_addr local(unsigned int port)
{
	return (struct turnpike_addr){ .family = TURNPIKE_IPV4,
				       .ip = { 127, 0, 0, 1 },
				       .port = htons((uint16_t)port) };
}

static int give_up_nothing(void *arg)
{
	(void)arg;
	return 0;
}

static int refuse(void *arg)
{
	(void)arg;
	return -EPERM;
}

static int start(void **state)
{
	struct broker_plan plan = { .ports = { [LISTED] = true }, .begin = give_up_nothing };

	(void)state;
	return broker_start(&plan);
}

static int stop(void **state)
{
	(void)state;
	broker_stop();
	return 0;
}

static int open_socket(int family, int type)
{
	const int fd = socket(family, type | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	return fd;
}

/* A listed port gets as far as the kernel's own answer to the broker, which has our privileges. */
static void test_ports(void **state)
{
	const struct turnpike_addr listed = local(LISTED), unlisted = local(UNLISTED);
	const int fd = open_socket(AF_INET, SOCK_DGRAM);
	const int expected = geteuid() == 0 ? 0 : -EACCES;

	(void)state;
	assert_int_equal(broker_bind(fd, &unlisted), -EACCES);
	assert_int_equal(broker_bind(fd, &listed), expected);
	close(fd);
}

static void test_high_port(void **state)
{
	const struct turnpike_addr any = local(0);
	const int fd = open_socket(AF_INET, SOCK_STREAM);

	(void)state;
	assert_int_equal(broker_bind(fd, &any), 0);
	close(fd);
}

/* Sockets of other families are not a server's. */
static void test_other_sockets(void **state)
{
	const struct turnpike_addr listed = local(LISTED);
	const int fd = open_socket(AF_UNIX, SOCK_STREAM);

	(void)state;
	assert_int_equal(broker_bind(fd, &listed), -EBADF);
	close(fd);
}

static int buffer_of(int fd)
{
	socklen_t len = sizeof(int);
	int bytes;

	assert_int_equal(getsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, &len), 0);
	return bytes;
}

static void test_buffers(void **state)
{
	const int fd = open_socket(AF_INET6, SOCK_DGRAM), before = buffer_of(fd);

	(void)state;
	broker_set_receive_buffer(fd, BROKER_BYTES_MAX);
	if (geteuid() == 0)
		assert_int_equal(buffer_of(fd), 2 * BROKER_BYTES_MAX); /* the kernel doubles it */
	else
		assert_true(buffer_of(fd) >= before);
	close(fd);
}

/* Without a broker the server tries it itself. */
static void test_killed(void **state)
{
	const struct turnpike_addr listed = local(LISTED);
	const int fd = open_socket(AF_INET, SOCK_DGRAM);

	(void)state;
	assert_true(broker_pid() > 0);
	assert_int_equal(kill(broker_pid(), SIGKILL), 0);
	assert_int_equal(broker_bind(fd, &listed), geteuid() == 0 ? 0 : -EACCES);
	assert_int_equal(broker_pid(), 0);
	close(fd);
}

static void test_begin_fails(void **state)
{
	const struct broker_plan plan = { .begin = refuse };

	(void)state;
	assert_int_equal(broker_start(&plan), -EPERM);
	assert_int_equal(broker_pid(), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ports, start, stop),
		cmocka_unit_test_setup_teardown(test_high_port, start, stop),
		cmocka_unit_test_setup_teardown(test_other_sockets, start, stop),
		cmocka_unit_test_setup_teardown(test_buffers, start, stop),
		cmocka_unit_test_setup_teardown(test_killed, start, stop),
		cmocka_unit_test(test_begin_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
