/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* try_room must report the room of a frame correctly and pass the frame unchanged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "host_frame.h"
#include "host_maps.h"

#define LEN 60
#define MAX (TURNPIKE_ROOM_MAX + 3)

static void try(__u32 head, __u32 tail)
{
	struct turnpike_trial *trial = &host_maps.trial;
	struct host_frame frame;
	__u8 bytes[LEN], after[LEN + 2 * MAX];
	__u32 i;

	for (i = 0; i < LEN; i++)
		bytes[i] = (__u8)(i * 5 + 1);
	*trial = (struct turnpike_trial){ 0 };
	host_xdp_frame(&frame, bytes, LEN, head, tail);
	assert_int_equal(try_room(&frame.ctx.xdp), XDP_PASS);
	assert_int_equal(frame.ctx.xdp.data, head);
	assert_int_equal(host_frame_bytes(&frame, after, sizeof(after)), LEN);
	assert_memory_equal(after, bytes, LEN);
	assert_true(host_frame_is_whole(&frame));
	host_frame_free(&frame);
	assert_int_equal(trial->frames, 1);
	assert_int_equal(trial->head, head >= TURNPIKE_ROOM_MAX);
	assert_int_equal(trial->tail, tail >= TURNPIKE_ROOM_MAX);
}

static void test_rooms(void **state)
{
	__u32 head, tail;

	(void)state;
	for (head = 0; head <= MAX; head++)
		for (tail = 0; tail <= MAX; tail++)
			try(head, tail);
}

/* A driver that leaves less headroom than the kernel reserves: the head cannot move. */
static void test_no_head(void **state)
{
	struct host_frame frame;
	const __u8 bytes[LEN] = { 0 };

	(void)state;
	host_maps.trial = (struct turnpike_trial){ 0 };
	host_xdp_frame(&frame, bytes, LEN, 2, MAX);
	frame.floor = 40;
	assert_int_equal(try_room(&frame.ctx.xdp), XDP_PASS);
	host_frame_free(&frame);
	assert_int_equal(host_maps.trial.frames, 1);
	assert_int_equal(host_maps.trial.head, 0);
	assert_int_equal(host_maps.trial.tail, 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = { cmocka_unit_test(test_rooms),
						   cmocka_unit_test(test_no_head) };

	return cmocka_run_group_tests_name("try_room", tests, NULL, NULL);
}
