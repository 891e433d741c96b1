/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* When a program is detached, and how long it stays so: health.h, proof.h and backoff.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "private/array_len.h"
#include "devices/backoff.h"
#include "devices/health.h"
#include "devices/proof.h"

static const struct health_limits limits = { .packets = 20, .percent = 1 };

static const struct {
	const char *name;
	struct health_sample before, now;
	enum health expected;
} judgements[] = {
	{ "nothing happens", { 0 }, { 0 }, HEALTH_GOOD },
	{ "all is relayed",
	  { .received = 100, .met = 100, .relayed = 100 },
	  { .received = 200, .met = 200, .relayed = 200 },
	  HEALTH_GOOD },
	{ "packets arrive, the program meets none",
	  { .met = 5 },
	  { .received = 20, .met = 5 },
	  HEALTH_NOT_RUNNING },
	{ "too few to judge", { 0 }, { .received = 19 }, HEALTH_GOOD },
	{ "the program meets one", { 0 }, { .received = 1000, .met = 1 }, HEALTH_GOOD },
	{ "the device was recreated",
	  { .received = 1000, .met = 7 },
	  { .received = 3, .met = 7 },
	  HEALTH_GOOD },
	{ "no room in any frame",
	  { 0 },
	  { .received = 20, .met = 20, .no_room = 20 },
	  HEALTH_NO_ROOM },
	{ "no room in too few to judge",
	  { 0 },
	  { .received = 19, .met = 19, .no_room = 19 },
	  HEALTH_GOOD },
	{ "no room in one percent",
	  { 0 },
	  { .received = 2000, .met = 2000, .relayed = 1980, .no_room = 20 },
	  HEALTH_GOOD },
	{ "no room in more than one percent",
	  { 0 },
	  { .received = 2000, .met = 2000, .relayed = 1979, .no_room = 21 },
	  HEALTH_NO_ROOM },
	{ "no room earlier, but not now",
	  { .received = 100, .met = 100, .no_room = 100 },
	  { .received = 200, .met = 200, .relayed = 100, .no_room = 100 },
	  HEALTH_GOOD },
	{ "moved at the other end",
	  { 0 },
	  { .received = 50, .met = 50, .relayed = 50, .wrong_end = 50 },
	  HEALTH_WRONG_END },
	{ "moved at the other end sometimes",
	  { 0 },
	  { .received = 9000, .met = 9000, .relayed = 9000, .wrong_end = 50 },
	  HEALTH_GOOD },
	{ "the driver loses all",
	  { .lost = 7 },
	  { .received = 20, .met = 20, .relayed = 20, .lost = 27 },
	  HEALTH_LOST },
	{ "the driver loses too few to judge",
	  { 0 },
	  { .received = 19, .met = 19, .relayed = 19, .lost = 19 },
	  HEALTH_GOOD },
	{ "the driver loses half",
	  { 0 },
	  { .received = 2000, .met = 2000, .relayed = 2000, .lost = 1000 },
	  HEALTH_GOOD },
	{ "the driver loses more than half, which is not a full queue",
	  { 0 },
	  { .received = 2000, .met = 2000, .relayed = 2000, .lost = 1001 },
	  HEALTH_LOST },
	{ "each loss is counted twice",
	  { 0 },
	  { .received = 50, .met = 50, .relayed = 50, .lost = 100 },
	  HEALTH_LOST },
	{ "earlier losses do not count",
	  { .relayed = 50, .lost = 50, .not_taken = 50 },
	  { .received = 50, .met = 50, .relayed = 100, .lost = 50, .not_taken = 50 },
	  HEALTH_GOOD },
	{ "another device accepts none",
	  { 0 },
	  { .received = 50, .met = 50, .relayed = 50, .not_taken = 50 },
	  HEALTH_NOT_TAKEN },
	{ "the other device is detached",
	  { .not_taken = 50 },
	  { .received = 50, .met = 50, .relayed = 50 },
	  HEALTH_GOOD },
	{ "it accepts none itself, which is the loss of others",
	  { 0 },
	  { .received = 50, .met = 50, .relayed = 50, .refused = 50 },
	  HEALTH_GOOD },
	{ "no egress", { 0 }, { .received = 50, .met = 50, .no_egress = 50 }, HEALTH_NO_EGRESS },
};

static void test_judge(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(judgements); i++) {
		enum health health =
			health_judge(&judgements[i].before, &judgements[i].now, &limits);

		if (health != judgements[i].expected)
			fail_msg("%s: %s", judgements[i].name, health_text(health));
	}
}

static void test_refuses(void **state)
{
	static const struct health_sample none = { 0 }, few = { .refused = 19 },
					  many = { .refused = 39 };

	(void)state;
	assert_false(health_refuses(&none, &few, &limits));
	assert_true(health_refuses(&few, &many, &limits));
	assert_false(health_refuses(&many, &many, &limits));
	assert_false(health_refuses(&many, &none, &limits));
}

#define ROOM                                      \
	{                                         \
		.frames = 8, .head = 8, .tail = 8 \
	}

static const struct {
	const char *name;
	struct proof proof;
	enum turnpike_moves moves;
	enum turnpike_mode wish;
	enum health expected;
} proofs[] = {
	{ "no frame arrived",
	  { .received = 0 },
	  TURNPIKE_MOVES_HEAD,
	  TURNPIKE_MODE_AUTO,
	  HEALTH_GOOD },
	{ "frames arrived, the program met none",
	  { .received = 8 },
	  TURNPIKE_MOVES_HEAD,
	  TURNPIKE_MODE_AUTO,
	  HEALTH_NOT_RUNNING },
	{ "the same if the mode was requested",
	  { .received = 8 },
	  TURNPIKE_MOVES_TAIL,
	  TURNPIKE_MODE_XDP_NATIVE,
	  HEALTH_NOT_RUNNING },
	{ "headroom",
	  { .trial = { .frames = 8, .head = 8 }, .received = 8 },
	  TURNPIKE_MOVES_HEAD,
	  TURNPIKE_MODE_AUTO,
	  HEALTH_GOOD },
	{ "no headroom, as gve",
	  { .trial = { .frames = 8, .tail = 8 }, .received = 8 },
	  TURNPIKE_MOVES_HEAD,
	  TURNPIKE_MODE_AUTO,
	  HEALTH_WRONG_END },
	{ "tailroom is enough for the tail",
	  { .trial = { .frames = 8, .tail = 8 }, .received = 8 },
	  TURNPIKE_MOVES_TAIL,
	  TURNPIKE_MODE_AUTO,
	  HEALTH_GOOD },
	{ "headroom in some frames",
	  { .trial = { .frames = 8, .head = 1 }, .received = 8 },
	  TURNPIKE_MOVES_HEAD,
	  TURNPIKE_MODE_AUTO,
	  HEALTH_GOOD },
	{ "moved frames arrive as moved",
	  { .trial = ROOM, .head = { .state = MOVED_PROVEN }, .tail = { .state = MOVED_PROVEN } },
	  TURNPIKE_MOVES_HEAD,
	  TURNPIKE_MODE_AUTO,
	  HEALTH_GOOD },
	{ "frames arrive unmoved",
	  { .trial = ROOM, .head = { .state = MOVED_DISPROVEN } },
	  TURNPIKE_MOVES_HEAD,
	  TURNPIKE_MODE_AUTO,
	  HEALTH_NOT_MOVED },
	{ "the other end is the fallback of each packet",
	  { .trial = ROOM,
	    .head = { .state = MOVED_PROVEN },
	    .tail = { .state = MOVED_DISPROVEN } },
	  TURNPIKE_MOVES_HEAD,
	  TURNPIKE_MODE_AUTO,
	  HEALTH_NOT_MOVED },
	{ "frames arrive unmoved, but the mode was requested",
	  { .trial = ROOM, .head = { .state = MOVED_DISPROVEN } },
	  TURNPIKE_MOVES_HEAD,
	  TURNPIKE_MODE_XDP_NATIVE,
	  HEALTH_GOOD },
	{ "no room, but the mode was requested",
	  { .trial = { .frames = 8 }, .received = 8 },
	  TURNPIKE_MOVES_HEAD,
	  TURNPIKE_MODE_XDP_NATIVE,
	  HEALTH_GOOD },
};

static void test_proof(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(proofs); i++) {
		enum health health = proof_judge(&proofs[i].proof, proofs[i].moves, proofs[i].wish);

		if (health != proofs[i].expected)
			fail_msg("%s: %s", proofs[i].name, health_text(health));
	}
}

/** Each end has its own result. The transmission of moved frames is always unproven. */
static void test_describe(void **state)
{
	const struct health_sample traffic = { .met = 90, .relayed = 80, .wrong_end = 7 };
	const struct proof silent = { .tried = false };
	const struct proof proof = { .tried = true,
				     .trial = { .frames = 9, .head = 9, .tail = 3 },
				     .head = { .state = MOVED_PROVEN },
				     .tail = { MOVED_UNPROVEN, MOVED_NO_ROOM } };
	char description[512] = "";
	struct text text = { description, sizeof(description) };

	(void)state;
	proof_describe(&proof, &traffic, &text);
	assert_string_equal(
		description,
		"proven: a program ran for 9 frames, 9 with 24 bytes of headroom and 3 of tailroom; "
		"proven: a frame grown in front arrives intact; unproven: whether a frame grown "
		"behind arrives intact, as there is no room; unproven: whether frames are sent as "
		"moved, which only receivers see");
	description[0] = '\0';
	proof_describe(&silent, &(struct health_sample){ 0 }, &text);
	assert_string_equal(description, "unproven: whether programs run, and how much room frames "
					 "have, as no frames came in");
	description[0] = '\0';
	proof_describe(&silent, &traffic, &text);
	assert_string_equal(description, "proven: the program has seen 90 packets, and relayed 80, "
					 "7 without room at the preferred end");
}

/** Most packets come merged, by whatever merged them. */
static void test_merged(void **state)
{
	const struct health_sample before = { .relayed = 5, .merged = 5 };

	(void)state;
	assert_false(health_merges(&before, &(struct health_sample){ .relayed = 5, .merged = 24 },
				   &limits));
	assert_true(health_merges(&before, &(struct health_sample){ .relayed = 5, .merged = 25 },
				  &limits));
	assert_false(health_merges(&before, &(struct health_sample){ .relayed = 30, .merged = 30 },
				   &limits));
}

static void test_backoff(void **state)
{
	const struct backoff_limits pauses = { .first = 10, .longest = 35 };
	struct backoff backoff = { 0 };

	(void)state;
	assert_false(backoff_blocks(&backoff, 0));
	backoff_fail(&backoff, &pauses, 100);
	assert_true(backoff_blocks(&backoff, 109));
	assert_false(backoff_blocks(&backoff, 110));
	backoff_fail(&backoff, &pauses, 110);
	assert_true(backoff_blocks(&backoff, 129));
	assert_false(backoff_blocks(&backoff, 130));
	backoff_fail(&backoff, &pauses, 130);
	backoff_fail(&backoff, &pauses, 165);
	/* 80 exceeds the longest pause. */
	assert_true(backoff_blocks(&backoff, 199));
	assert_false(backoff_blocks(&backoff, 200));
	/* Success for the longest pause resets the back-off. */
	backoff_fail(&backoff, &pauses, 235);
	assert_true(backoff_blocks(&backoff, 244));
	assert_false(backoff_blocks(&backoff, 245));
	/* After backoff_end() a retry is allowed, but the next pause is still longer. */
	backoff_end(&backoff, 240);
	assert_false(backoff_blocks(&backoff, 240));
	backoff_fail(&backoff, &pauses, 240);
	assert_true(backoff_blocks(&backoff, 259));
	assert_false(backoff_blocks(&backoff, 260));
	backoff_end(&backoff, 300);
	assert_int_equal(backoff.until, 260);
	backoff_forbid(&backoff);
	backoff_end(&backoff, 300);
	backoff_fail(&backoff, &pauses, 245);
	assert_true(backoff_blocks(&backoff, UINT64_MAX - 1));
	backoff_reset(&backoff);
	assert_false(backoff_blocks(&backoff, 246));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_judge),  cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_proof),  cmocka_unit_test(test_describe),
		cmocka_unit_test(test_merged), cmocka_unit_test(test_backoff),
	};

	return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
