/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "framings.h"
#include "private/array_len.h"
#include "runs.h"

#define WORD_STEP    4093 /* prime, so that all bits vary */
#define TRANSACTIONS 4

/* Run @like in all framings but that of channels alone, with its @other_relays. */
static int run_framings(const struct vector *like)
{
	struct vector vector = *like;
	int failed = 0;
	size_t i;

	for (i = 1; i < FRAMINGS; i++) {
		vector.framings = framings[i];
		if (vector.framings.other_relays == like->framings.other_relays)
			failed += run_lengths(&vector, 0);
	}
	return failed;
}

void test_indication_lengths(void **state)
{
	static const struct vector likes[] = {
		{ .name = "length" },
		{ .name = "length, other relays, poisoned",
		  .framings.other_relays = true,
		  .in.filler = 0x20,
		  .room = ROOM_POISONED },
		{ .name = "length, Ethernet padding, poisoned",
		  .in.filler = 0x20,
		  .in.min_len = 99,
		  .room = ROOM_POISONED },
		{ .name = "length, wrong checksum",
		  .in.filler = 0xff,
		  .in.checksum = CHECKSUM_WRONG },
		{ .name = "length, partial checksum, poisoned",
		  .in.checksum = CHECKSUM_PARTIAL,
		  .in.filler = 0x20,
		  .in.min_len = 150,
		  .room = ROOM_POISONED },
	};
	int failed = 0;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(likes); i++)
		failed += run_framings(&likes[i]);
	assert_int_equal(failed, 0);
}

void test_indication_complete(void **state)
{
	static const struct vector like = { .name = "CHECKSUM_COMPLETE", .complete = true };

	(void)state;
	if (!testbed_has_complete(opened))
		skip();
	assert_int_equal(run_framings(&like), 0);
}

/* Sums of all magnitudes, with and without carries. */
void test_indication_sums(void **state)
{
	struct vector vector = { .name = "sums", .verdict = TURNPIKE_RELAYED };
	int failed = 0;
	__u32 word;
	size_t i, j;

	(void)state;
	for (i = 0; i < DIRECTIONS; i++) {
		for (j = 1; j < FRAMINGS; j++) {
			if (!vector_may_have(directions[i], framings[j]))
				continue;
			vector.flow = directions[i];
			vector.framings = framings[j];
			vector.in = vector_plain(directions[i], framings[j]);
			vector.in.data_len = 21;
			for (word = 1; word <= 0xffff; word += WORD_STEP) {
				vector.in.word = (__u16)word;
				failed += vector_run(opened, &vector);
			}
		}
	}
	assert_int_equal(failed, 0);
}

/* A Send indication with attributes in this order, with data and padding of many lengths. */
static int run_order(const char *order, __u8 filler, enum room room)
{
	static const __u16 lengths[] = { 0, 1, 2, 3, 4, 17, 50, 1200, 1417 };
	struct vector vector = { .name = order,
				 .verdict = TURNPIKE_RELAYED,
				 .flow = TURNPIKE_DIR_TO_PEER,
				 .room = room,
				 .mtu = MTU_FITS };
	int failed = 0;
	size_t i, j;

	vector.framings.in = FRAMING_INDICATION;
	vector.in = vector_plain(vector.flow, vector.framings);
	vector.in.attrs = order;
	vector.in.filler = filler;
	vector.in.frag_off = 0x4000;
	for (i = 0; i < ARRAY_LEN(lengths); i++) {
		vector.in.data_len = lengths[i];
		for (j = 1; j < FRAMINGS; j++) {
			vector.flow = vector_may_have(TURNPIKE_DIR_TO_PEER, framings[j])
					      ? TURNPIKE_DIR_TO_PEER
					      : TURNPIKE_DIR_HAIRPIN;
			vector.framings = framings[j];
			if (framings[j].in == FRAMING_INDICATION)
				failed += vector_run(opened, &vector);
		}
	}
	return failed;
}

void test_indication_orders(void **state)
{
	static const char *const orders[] = { "PD",  "DP",   "PDF",  "DPF",  "PDSF", "DPSF",
					      "PDS", "SPDF", "PSDF", "SDPF", "DSPF", "DOPO" };
	int failed = 0;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(orders); i++) {
		failed += run_order(orders[i], 0, ROOM_AMPLE);
		failed += run_order(orders[i], 0x20, ROOM_POISONED);
	}
	assert_int_equal(failed, 0);
}

void test_indication_egress(void **state)
{
	(void)state;
	assert_int_equal(run_table(&relayed_indications), 0);
	assert_int_equal(run_other_relays(&relayed_indications), 0);
}

void test_indication_room(void **state)
{
	(void)state;
	assert_int_equal(run_table(&made_room_indications), 0);
}

void test_indication_truncated(void **state)
{
	const struct framings sends = { .in = FRAMING_INDICATION };

	(void)state;
	assert_int_equal(run_truncated(TURNPIKE_DIR_TO_PEER, sends), 0);
	assert_int_equal(run_truncated(TURNPIKE_DIR_HAIRPIN, sends), 0);
}

void test_sends(void **state)
{
	(void)state;
	assert_int_equal(run_table(&relayed_sends), 0);
	assert_int_equal(run_poisoned(&relayed_sends), 0);
	assert_int_equal(run_table(&passed_unusual), 0);
}

/* A flow whose key differs in any byte is not that of the packet. */
void test_send_keys(void **state)
{
	struct vector vector = { .name = "another key",
				 .verdict = TURNPIKE_NO_FLOW,
				 .flow = TURNPIKE_DIR_TO_PEER };
	int failed = 0;

	(void)state;
	vector.framings.in = FRAMING_INDICATION;
	vector.in = vector_plain(vector.flow, vector.framings);
	vector.in.data_len = 50;
	for (vector.other_key = 1; vector.other_key <= sizeof(struct turnpike_send_key);
	     vector.other_key++)
		failed += vector_run(opened, &vector);
	assert_int_equal(failed, 0);
}

/* No word of a transaction ID is that of another, in the same message or in the next ones. */
void test_transactions(void **state)
{
	struct vector vector = { .name = "transaction",
				 .verdict = TURNPIKE_RELAYED,
				 .flow = TURNPIKE_DIR_TO_CLIENT,
				 .only = ON_IPV6 | ON_SAME };
	__u32 words[TRANSACTIONS * TRANSACTION_LEN / sizeof(__u32)];
	size_t i, j;

	(void)state;
	vector.framings.out = FRAMING_INDICATION;
	vector.in = vector_plain(vector.flow, vector.framings);
	vector.in.data_len = 50;
	for (i = 0; i < TRANSACTIONS; i++) {
		assert_int_equal(vector_run(opened, &vector), 0);
		memcpy((__u8 *)words + i * TRANSACTION_LEN, vector_transaction(), TRANSACTION_LEN);
	}
	for (i = 0; i < ARRAY_LEN(words); i++)
		for (j = 0; j < i; j++)
			assert_int_not_equal(words[i], words[j]);
}

void test_reframed(void **state)
{
	(void)state;
	assert_int_equal(run_reframed(&relayed_fields), 0);
	assert_int_equal(run_reframed(&relayed_checksum), 0);
	assert_int_equal(run_reframed(&passed_foreign), 0);
	assert_int_equal(run_reframed(&passed_late), 0);
}

void test_reframed_confirmation(void **state)
{
	(void)state;
	if (!testbed_variant(opened)->confirms)
		skip();
	assert_int_equal(run_reframed(&passed_unconfirmed), 0);
	assert_int_equal(run_reframed(&passed_checked), 0);
}
