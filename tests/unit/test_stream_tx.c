/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What a stream has to send, while the socket takes a part of it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "net/stream_tx.h"

#define STREAM_MAX (1 << 20)

/** struct kernel - takes @room bytes, and fails then with @error */
static struct kernel {
	uint8_t taken[STREAM_MAX];
	size_t len;
	size_t room;
	int error;
	unsigned int calls;
} kernel;

ssize_t __wrap_send(int fd, const void *data, size_t len, int flags);

ssize_t __wrap_send(int fd, const void *data, size_t len, int flags)
{
	const size_t here = len < kernel.room ? len : kernel.room;

	assert_int_equal(fd, 7);
	assert_int_equal(flags, MSG_NOSIGNAL);
	kernel.calls++;
	if (here == 0) {
		errno = kernel.error;
		return -1;
	}
	memcpy(kernel.taken + kernel.len, data, here);
	kernel.len += here;
	kernel.room -= here;
	return (ssize_t)here;
}

static uint8_t pattern(size_t at)
{
	return (uint8_t)(at * 31 >> 3);
}

/* Adds @len bytes, which continue the pattern from byte @at on. */
static void add(struct stream_tx *tx, size_t at, size_t len)
{
	uint8_t data[5000];

	for (size_t i = 0; i < len; i++)
		data[i] = pattern(at + i);
	assert_int_equal(stream_tx_add(tx, data, len), 0);
}

static int set_up(void **state)
{
	(void)state;
	kernel = (struct kernel){ .error = EAGAIN };
	return 0;
}

static void expect_all(size_t len)
{
	assert_int_equal(kernel.len, len);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(kernel.taken[i], pattern(i));
}

static void test_one_call(void **state)
{
	struct stream_tx tx = { 0 };

	(void)state;
	kernel.room = STREAM_MAX;
	for (size_t at = 0; at < 100000; at += 1000)
		add(&tx, at, 1000);
	assert_int_equal(stream_tx_len(&tx), 100000);
	assert_int_equal(stream_tx_send(&tx, 7), 0);
	assert_int_equal(kernel.calls, 1);
	expect_all(100000);
	/* No memory is held. */
	assert_null(tx.data);
	assert_int_equal(stream_tx_send(&tx, 7), 0);
	assert_int_equal(kernel.calls, 1);
}

static void test_slow_client(void **state)
{
	struct stream_tx tx = { 0 };
	size_t at = 0;

	(void)state;
	srandom(1);
	for (int i = 0; i < 200; i++) {
		const size_t len = 1 + (size_t)random() % 5000;

		add(&tx, at, len);
		at += len;
		kernel.room = (size_t)random() % 5000;
		stream_tx_send(&tx, 7);
		assert_int_equal(kernel.len + stream_tx_len(&tx), at);
	}
	kernel.room = STREAM_MAX;
	assert_int_equal(stream_tx_send(&tx, 7), 0);
	expect_all(at);
}

static void test_errors(void **state)
{
	struct stream_tx tx = { 0 };

	(void)state;
	add(&tx, 0, 3000);
	kernel.room = 1000;
	assert_int_equal(stream_tx_send(&tx, 7), -EAGAIN);
	assert_int_equal(stream_tx_len(&tx), 2000);
	kernel.error = ECONNRESET;
	assert_int_equal(stream_tx_send(&tx, 7), -ECONNRESET);
	assert_int_equal(stream_tx_len(&tx), 2000);
	stream_tx_free(&tx);
	assert_int_equal(stream_tx_len(&tx), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_one_call, set_up),
		cmocka_unit_test_setup(test_slow_client, set_up),
		cmocka_unit_test_setup(test_errors, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
