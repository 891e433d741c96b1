/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Does a received frame prove that a program can grow frames: moved.h. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "devices/moved.h"

#define LEN   42
#define GROWN (LEN + TURNPIKE_ROOM_MAX)

/** An ARP reply from 02:..:02 to 02:..:01, with distinct bytes. */
static struct turnpike_taken answer(void)
{
	static const __u8 header[] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x06 };
	struct turnpike_taken taken = { .len = LEN };

	for (__u32 i = 0; i < LEN; i++)
		taken.frame[i] = (__u8)(0x10 + i);
	memcpy(taken.frame, header, sizeof(header));
	return taken;
}

/** The frame as the program writes it. */
static void grow_head(const struct turnpike_taken *taken, __u8 *frame)
{
	static const __u8 header[] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5 };

	memcpy(frame, header, sizeof(header));
	memset(frame + 14, 0xa5, 10);
	memcpy(frame + 24, taken->frame, LEN);
}

static void grow_tail(const struct turnpike_taken *taken, __u8 *frame)
{
	static const __u8 proto[] = { 0x88, 0xb5 };

	memcpy(frame, taken->frame, LEN);
	memcpy(frame + 12, proto, sizeof(proto));
	memset(frame + LEN, 0xa5, 24);
}

static void test_proven(void **state)
{
	const struct turnpike_taken taken = answer();
	__u8 frame[GROWN];

	(void)state;
	grow_head(&taken, frame);
	assert_int_equal(moved_judge(&taken, TURNPIKE_TRIAL_HEAD, frame, GROWN), MOVED_PROVEN);
	assert_int_equal(moved_judge(&taken, TURNPIKE_TRIAL_TAIL, frame, GROWN), MOVED_DISPROVEN);
	grow_tail(&taken, frame);
	assert_int_equal(moved_judge(&taken, TURNPIKE_TRIAL_TAIL, frame, GROWN), MOVED_PROVEN);
	assert_int_equal(moved_judge(&taken, TURNPIKE_TRIAL_HEAD, frame, GROWN), MOVED_DISPROVEN);
}

static void test_every_byte_counts(void **state)
{
	const struct turnpike_taken taken = answer();
	__u8 frame[GROWN];

	(void)state;
	for (size_t i = 0; i < GROWN; i++) {
		grow_head(&taken, frame);
		frame[i] ^= 1;
		assert_int_not_equal(moved_judge(&taken, TURNPIKE_TRIAL_HEAD, frame, GROWN),
				     MOVED_PROVEN);
		grow_tail(&taken, frame);
		frame[i] ^= 1;
		assert_int_not_equal(moved_judge(&taken, TURNPIKE_TRIAL_TAIL, frame, GROWN),
				     MOVED_PROVEN);
	}
}

/** The driver sends with the old length, or from the old start. */
static void test_disproven(void **state)
{
	const struct turnpike_taken taken = answer();
	__u8 frame[GROWN];

	(void)state;
	grow_head(&taken, frame);
	assert_int_equal(moved_judge(&taken, TURNPIKE_TRIAL_HEAD, frame, LEN), MOVED_DISPROVEN);
	assert_int_equal(moved_judge(&taken, TURNPIKE_TRIAL_HEAD, frame + 24, LEN),
			 MOVED_DISPROVEN);
	grow_tail(&taken, frame);
	assert_int_equal(moved_judge(&taken, TURNPIKE_TRIAL_TAIL, frame, LEN), MOVED_DISPROVEN);
	memcpy(frame, taken.frame, LEN);
	assert_int_equal(moved_judge(&taken, TURNPIKE_TRIAL_TAIL, frame, GROWN), MOVED_DISPROVEN);
}

/** Frames of other senders, and none at all, prove nothing. */
static void test_others(void **state)
{
	const struct turnpike_taken taken = answer();
	__u8 frame[GROWN] = { 0 };

	(void)state;
	memcpy(frame, taken.frame, LEN);
	frame[LEN - 1] ^= 1;
	assert_int_equal(moved_judge(&taken, TURNPIKE_TRIAL_HEAD, frame, LEN), MOVED_UNPROVEN);
	assert_int_equal(moved_judge(&taken, TURNPIKE_TRIAL_HEAD, taken.frame, LEN - 1),
			 MOVED_UNPROVEN);
	assert_int_equal(moved_judge(&taken, TURNPIKE_TRIAL_HEAD, frame, 0), MOVED_UNPROVEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proven),
		cmocka_unit_test(test_every_byte_counts),
		cmocka_unit_test(test_disproven),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests_name("moved", tests, NULL, NULL);
}
