/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Packet vectors, compared byte by byte, for every program in every configuration. Vectors are
 * tables or ranges of lengths, and describe their frames (build.h).
 *
 * BPF_PROG_TEST_RUN cannot show by which device a frame leaves, checksums that the kernel
 * completes, and frames larger than a page; netns-tests covers those.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "framings.h"
#include "private/array_len.h"
#include "runs.h"

#define SKIPPED   77  /* CTest's SKIP_RETURN_CODE */
#define WORD_STEP 251 /* prime, so that all bits vary */

static const enum room rooms[] = { ROOM_AMPLE, ROOM_POISONED };

static const struct variant *variant;

static int open_variant(void **state)
{
	(void)state;
	if (testbed_open(variant, &opened))
		return -1;
	vector_prepare(opened);
	return 0;
}

static int close_variant(void **state)
{
	(void)state;
	testbed_close(opened);
	opened = NULL;
	return 0;
}

static void test_lengths(void **state)
{
	static const struct vector likes[] = {
		{ .name = "length" },
		{ .name = "length, Ethernet padding", .in.min_len = 60 },
		{ .name = "length, long padding", .in.min_len = 1500 },
		{ .name = "length, wrong checksum", .in.checksum = CHECKSUM_WRONG },
	};
	struct vector like;
	int failed = 0;
	size_t i, j;

	(void)state;
	for (i = 0; i < ARRAY_LEN(likes); i++) {
		for (j = 0; j < ARRAY_LEN(rooms); j++) {
			like = likes[i];
			like.room = rooms[j];
			failed += run_lengths(&like, 0);
		}
	}
	assert_int_equal(failed, 0);
}

/* Only for these do the programs sum the data. */
static void test_summed_lengths(void **state)
{
	static const struct vector likes[] = {
		{ .name = "partial checksum", .in.checksum = CHECKSUM_PARTIAL },
		{ .name = "partial checksum, Ethernet padding",
		  .in.checksum = CHECKSUM_PARTIAL,
		  .in.min_len = 100 },
		{ .name = "partial checksum, poisoned",
		  .in.checksum = CHECKSUM_PARTIAL,
		  .room = ROOM_POISONED },
	};
	static const struct vector lookalike = { .name = "full checksum that looks partial",
						 .craft = CRAFT_IN_PSEUDO };
	int failed = 0;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(likes); i++)
		failed += run_lengths(&likes[i], 0);
	failed += run_lengths(&lookalike, 2);
	assert_int_equal(failed, 0);
}

/* Sums of all magnitudes, with and without carries. */
static void test_sums(void **state)
{
	struct vector vector = { .name = "sums", .verdict = TURNPIKE_RELAYED };
	int failed = 0;
	__u32 word;
	size_t i;

	(void)state;
	for (i = 0; i < DIRECTIONS; i++) {
		vector.flow = directions[i];
		vector.in = vector_plain(directions[i], framings[0]);
		vector.in.data_len = 20;
		for (word = 1; word <= 0xffff; word += WORD_STEP) {
			vector.in.word = (__u16)word;
			failed += vector_run(opened, &vector);
		}
	}
	assert_int_equal(failed, 0);
}

static void test_fields(void **state)
{
	(void)state;
	assert_int_equal(run_table(&relayed_fields), 0);
	assert_int_equal(run_poisoned(&relayed_fields), 0);
}

static void test_checksums(void **state)
{
	(void)state;
	assert_int_equal(run_table(&relayed_checksum), 0);
	assert_int_equal(run_poisoned(&relayed_checksum), 0);
}

static void test_egress(void **state)
{
	(void)state;
	assert_int_equal(run_table(&relayed_egress), 0);
}

static void test_room(void **state)
{
	(void)state;
	assert_int_equal(run_table(&made_room), 0);
}

static void test_foreign(void **state)
{
	(void)state;
	assert_int_equal(run_table(&passed_foreign), 0);
}

static void test_broken(void **state)
{
	(void)state;
	assert_int_equal(run_table(&passed_broken), 0);
}

static void test_late(void **state)
{
	(void)state;
	assert_int_equal(run_table(&passed_late), 0);
}

static void test_truncated(void **state)
{
	int failed = 0;
	size_t i;

	(void)state;
	for (i = 0; i < DIRECTIONS; i++)
		failed += run_truncated(directions[i], framings[0]);
	assert_int_equal(failed, 0);
}

/*
 * A CHECKSUM_COMPLETE must be updated with every change. Frames that are trimmed are left out: the
 * kernel then drops the checksum, but BPF_PROG_TEST_RUN compares it anyway.
 */
static void test_complete(void **state)
{
	static const struct vector like = { .name = "CHECKSUM_COMPLETE", .complete = true };

	(void)state;
	if (!testbed_has_complete(opened)) {
		print_message("SKIPPED: the kernel lacks BPF_F_TEST_SKB_CHECKSUM_COMPLETE\n");
		skip();
	}
	assert_int_equal(run_lengths(&like, 0), 0);
}

static void test_unconfirmed(void **state)
{
	(void)state;
	if (!variant->confirms)
		skip();
	assert_int_equal(run_table(&passed_unconfirmed), 0);
}

static void test_checked(void **state)
{
	(void)state;
	if (!variant->confirms)
		skip();
	assert_int_equal(run_table(&passed_checked), 0);
}

static void expect_expiry(const struct encoded_flow *flow)
{
	struct turnpike_flow after;

	assert_int_equal(testbed_set_expiry(opened, &flow->key, flow->flow.expires), 0);
	testbed_get_flow(opened, &flow->key, &after);
	assert_memory_equal(&after, &flow->flow, sizeof(after));
}

static void change_expiry(enum turnpike_direction direction, struct framings which,
			  struct families pair)
{
	struct encoded_flow flow;

	vector_flow(direction, which, pair, &flow);
	vector_confirm(&flow.flow, 1);
	assert_int_equal(testbed_set_expiry(opened, &flow.key, 1), -ENOENT);
	testbed_set_flow(opened, &flow);
	flow.flow.expires++;
	expect_expiry(&flow);
	flow.flow.expires -= 2;
	flow.flow.check_at = 0;
	expect_expiry(&flow);
	testbed_delete_flow(opened, &flow.key);
}

/*
 * flow_expiry() sets the expiry of a flow and keeps the rest. If it shortens the life of the flow,
 * the next packet looks at it.
 */
static void test_expiry(void **state)
{
	size_t i, j, k;

	(void)state;
	for (i = 0; i < FAMILIES; i++)
		for (j = 0; j < DIRECTIONS; j++)
			for (k = 0; k < FRAMINGS; k++)
				if (vector_may_have(directions[j], framings[k]))
					change_expiry(directions[j], framings[k], families[i]);
}

/* Runs last: no test has counted under another slot. */
static void test_slot(void **state)
{
	(void)state;
	assert_int_equal(testbed_foreign_packets(opened), 0);
}

static const struct CMUnitTest tests_of_all[] = {
	cmocka_unit_test(test_lengths),
	cmocka_unit_test(test_summed_lengths),
	cmocka_unit_test(test_sums),
	cmocka_unit_test(test_fields),
	cmocka_unit_test(test_checksums),
	cmocka_unit_test(test_egress),
	cmocka_unit_test(test_room),
	cmocka_unit_test(test_foreign),
	cmocka_unit_test(test_broken),
	cmocka_unit_test(test_late),
	cmocka_unit_test(test_truncated),
	cmocka_unit_test(test_unconfirmed),
	cmocka_unit_test(test_checked),
	cmocka_unit_test(test_expiry),
	cmocka_unit_test(test_indication_lengths),
	cmocka_unit_test(test_indication_sums),
	cmocka_unit_test(test_indication_orders),
	cmocka_unit_test(test_indication_egress),
	cmocka_unit_test(test_indication_room),
	cmocka_unit_test(test_indication_truncated),
	cmocka_unit_test(test_sends),
	cmocka_unit_test(test_send_keys),
	cmocka_unit_test(test_transactions),
	cmocka_unit_test(test_reframed),
	cmocka_unit_test(test_reframed_confirmation),
	cmocka_unit_test(test_slot),
};

static const struct CMUnitTest tests_of_tc[] = {
	cmocka_unit_test(test_complete),
	cmocka_unit_test(test_indication_complete),
};

static int run_variant(void)
{
	int failed;

	failed = cmocka_run_group_tests_name(variant->name, tests_of_all, open_variant,
					     close_variant);
	if (variant->tc)
		failed += cmocka_run_group_tests_name(variant->name, tests_of_tc, open_variant,
						      close_variant);
	return failed;
}

int main(void)
{
	const char *missing = testbed_missing();
	int failed = 0;
	size_t i;

	if (missing) {
		fprintf(stderr, "SKIPPED: %s\n", missing);
		return SKIPPED;
	}
	for (i = 0; i < VARIANTS; i++) {
		variant = &variants[i];
		failed += run_variant();
	}
	printf("%d packets compared\n", vector_count());
	return failed != 0;
}
