/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Messages in a stream: RFC 8656 section 12.5. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "private/array_len.h"
#include "turn/framing.h"

/* Copies to the heap, so that ASan finds overreads. */
static int frame_of(const void *data, size_t len, size_t *frame)
{
	uint8_t *exact = malloc(len > 0 ? len : 1);
	int err;

	assert_non_null(exact);
	if (len > 0)
		memcpy(exact, data, len);
	err = turn_frame(exact, len, frame);
	free(exact);
	return err;
}

/* Every partial message gives -EAGAIN, a complete one its length, even if more data follows. */
static void expect_frame(const uint8_t *start, size_t start_len, size_t whole)
{
	uint8_t *data = calloc(1, whole + 1);
	size_t frame = 0;

	assert_non_null(data);
	memcpy(data, start, start_len);
	for (size_t len = 0; len < whole; len++) {
		assert_int_equal(frame_of(data, len, &frame), -EAGAIN);
		assert_in_range(frame, len + 1, whole);
	}
	assert_int_equal(frame_of(data, whole, &frame), 0);
	assert_int_equal(frame, whole);
	data[whole] = 0xff;
	assert_int_equal(frame_of(data, whole + 1, &frame), 0);
	assert_int_equal(frame, whole);
	free(data);
}

static void test_stun(void **state)
{
	static const uint8_t empty[] = { 0, 3, 0, 0, 0x21, 0x12, 0xa4, 0x42 };
	static const uint8_t some[] = { 1, 1, 0, 8, 0x21, 0x12, 0xa4, 0x42 };

	(void)state;
	expect_frame(empty, sizeof(empty), 20);
	expect_frame(some, sizeof(some), 28);
}

static void test_channel_data(void **state)
{
	static const size_t wholes[] = { 4, 8, 8, 8, 8, 12 };

	(void)state;
	for (uint8_t len = 0; len < 6; len++) {
		const uint8_t lowest[] = { 0x40, 0, 0, len };
		const uint8_t highest[] = { 0x7f, 0xff, 0, len };

		expect_frame(lowest, sizeof(lowest), wholes[len]);
		expect_frame(highest, sizeof(highest), wholes[len]);
	}
}

static void test_longest(void **state)
{
	static const uint8_t stun[] = { 0, 3, 0xff, 0xfc, 0x21, 0x12, 0xa4, 0x42 };
	static const uint8_t channel[] = { 0x40, 0, 0xff, 0xff };
	size_t frame;

	(void)state;
	assert_int_equal(frame_of(stun, sizeof(stun), &frame), -EAGAIN);
	assert_int_equal(frame, TURN_FRAME_MAX);
	assert_int_equal(frame_of(channel, sizeof(channel), &frame), -EAGAIN);
	assert_int_equal(frame, 4 + 65536);
}

/* Garbage is reported at the first wrong byte. */
static void test_garbage(void **state)
{
	static const struct {
		uint8_t data[8];
		size_t shows;
	} rows[] = {
		{ { 4 }, 1 },
		{ { 0x3f }, 1 },
		{ { 0x80 }, 1 },
		{ { 0xff }, 1 },
		{ "GET / HT", 0 }, /* looks like ChannelData */
		{ { 0x16, 3, 1 }, 1 },
		{ { 0, 1, 0, 1 }, 4 },
		{ { 0, 1, 0, 0, 0x21, 0x12, 0xa4, 0x43 }, 8 },
	};
	size_t frame;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		for (size_t len = 0; len <= sizeof(rows[i].data); len++) {
			int err = frame_of(rows[i].data, len, &frame);
			bool shows = rows[i].shows > 0 && len >= rows[i].shows;

			assert_int_equal(err, shows ? -EBADMSG : -EAGAIN);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stun),
		cmocka_unit_test(test_channel_data),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_garbage),
	};

	return cmocka_run_group_tests_name("framing", tests, NULL, NULL);
}
