/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A helper that is lost while the devices are looked after is lost for all of them at once. Between
 * the library and the helper is a process that ends at a chosen request. Needs root.
 */
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "fixture.h"
#include "private/fd_message.h"
#include "privileged/message.h"

#define POLLS_MAX 20 /* with a pause of a second at most; two are enough */

/* How many questions whether a program is attached are still answered; below 0: all. Shared. */
static int *answers;
static pid_t helper, between;

static void make_pair(int sockets[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets), 0);
}

/* Return: false: one of them has ended. */
static bool pass_on(int from, int to, void *message, size_t size)
{
	int fd;
	bool sent;

	if (fd_message_receive(from, message, size, &fd) != (ssize_t)size)
		return false;
	sent = fd_message_send(to, message, size, fd);
	if (fd >= 0)
		close(fd);
	return sent;
}

static bool is_the_last(const struct request *request)
{
	return request->operation == OPERATION_IS_ATTACHED && *answers >= 0 && !(*answers)--;
}

static void be_between(int program, int served)
{
	struct greeting greeting;
	struct request request;
	struct reply reply;
	bool goes_on = pass_on(served, program, &greeting, sizeof(greeting));

	while (goes_on && recv(program, &request, sizeof(request), 0) == sizeof(request) &&
	       !is_the_last(&request))
		goes_on = fd_message_send(served, &request, sizeof(request), -1) &&
			  pass_on(served, program, &reply, sizeof(reply));
	_exit(EXIT_SUCCESS);
}

static struct turnpike *open_between(void)
{
	TURNPIKE_OPTS(turnpike_open_opts, opts);
	int outer[2], inner[2];
	struct turnpike *tp;

	make_pair(outer);
	make_pair(inner);
	helper = fork();
	if (helper == 0) {
		close(outer[0]);
		close(outer[1]);
		close(inner[0]);
		_exit(turnpike_helper_serve(inner[1], NULL) ? EXIT_FAILURE : EXIT_SUCCESS);
	}
	close(inner[1]);
	between = fork();
	if (between == 0) {
		close(outer[0]);
		be_between(outer[1], inner[0]);
	}
	close(inner[0]);
	close(outer[1]);
	opts.connection = outer[0];
	assert_int_equal(turnpike_open(&opts, &tp), 0);
	return tp;
}

static int count_in_kernel(const struct turnpike_status *status, void *n)
{
	*(int *)n += status->mode != TURNPIKE_MODE_USERSPACE;
	return 0;
}

static int in_kernel(const struct turnpike *tp)
{
	int n = 0;

	assert_int_equal(turnpike_for_each_device(tp, count_in_kernel, &n), 0);
	return n;
}

static void test_lost(void **state)
{
	TURNPIKE_OPTS(turnpike_attach_opts, tc, .mode = TURNPIKE_MODE_TC);
	struct turnpike *tp;
	struct pollfd fd = { .events = POLLIN };
	int i;

	*answers = -1;
	tp = open_between();
	fd.fd = turnpike_fd(tp);
	assert_int_equal(turnpike_attach(tp, "eth0", &tc), 0);
	assert_int_equal(turnpike_attach(tp, "far0", &tc), 0);
	*answers = *(const int *)*state;
	for (i = 0; i < POLLS_MAX && in_kernel(tp) == 2; i++) {
		poll(&fd, 1, 1000);
		turnpike_poll(tp);
	}
	assert_int_equal(in_kernel(tp), 0);
	turnpike_close(tp);
	waitpid(helper, NULL, 0);
	waitpid(between, NULL, 0);
}

/* Each device has two programs, so the last of four questions is about the second device. */
static int counts[] = { 0, 1, 2, 3 };

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(test_lost, &counts[0]),
		cmocka_unit_test_prestate(test_lost, &counts[1]),
		cmocka_unit_test_prestate(test_lost, &counts[2]),
		cmocka_unit_test_prestate(test_lost, &counts[3]),
	};
	const int status = make_network();

	if (status)
		return status;
	answers = mmap(NULL, sizeof(*answers), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	return answers == MAP_FAILED ? EXIT_FAILURE : cmocka_run_group_tests(tests, NULL, NULL);
}
