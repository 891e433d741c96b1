/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* When a program is given up, and for how long: health.h, proof.h and backoff.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

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
	{ "packets come, none is met",
	  { .met = 5 },
	  { .received = 20, .met = 5 },
	  HEALTH_NOT_RUNNING },
	{ "too few to tell", { 0 }, { .received = 19 }, HEALTH_GOOD },
	{ "one is met", { 0 }, { .received = 1000, .met = 1 }, HEALTH_GOOD },
	{ "the device was made anew",
	  { .received = 1000, .met = 7 },
	  { .received = 3, .met = 7 },
	  HEALTH_GOOD },
	{ "no room for any", { 0 }, { .received = 20, .met = 20, .no_room = 20 }, HEALTH_NO_ROOM },
	{ "no room for too few to tell",
	  { 0 },
	  { .received = 19, .met = 19, .no_room = 19 },
	  HEALTH_GOOD },
	{ "no room for one in a hundred",
	  { 0 },
	  { .received = 2000, .met = 2000, .relayed = 1980, .no_room = 20 },
	  HEALTH_GOOD },
	{ "no room for more than that",
	  { 0 },
	  { .received = 2000, .met = 2000, .relayed = 1979, .no_room = 21 },
	  HEALTH_NO_ROOM },
	{ "it was so before, and is well now",
	  { .received = 100, .met = 100, .no_room = 100 },
	  { .received = 200, .met = 200, .relayed = 100, .no_room = 100 },
	  HEALTH_GOOD },
	{ "moved at the other end",
	  { 0 },
	  { .received = 50, .met = 50, .relayed = 50, .wrong_end = 50 },
	  HEALTH_WRONG_END },
	{ "sometimes at the other end",
	  { 0 },
	  { .received = 9000, .met = 9000, .relayed = 9000, .wrong_end = 50 },
	  HEALTH_GOOD },
	{ "the driver loses all",
	  { .lost = 7 },
	  { .received = 20, .met = 20, .relayed = 20, .lost = 27 },
	  HEALTH_LOST },
	{ "the driver loses too few to tell",
	  { 0 },
	  { .received = 19, .met = 19, .relayed = 19, .lost = 19 },
	  HEALTH_GOOD },
	{ "the driver loses every second one",
	  { 0 },
	  { .received = 2000, .met = 2000, .relayed = 2000, .lost = 1000 },
	  HEALTH_GOOD },
	{ "the driver loses more than that, the queue is not just full",
	  { 0 },
	  { .received = 2000, .met = 2000, .relayed = 2000, .lost = 1001 },
	  HEALTH_LOST },
	{ "each loss is counted twice",
	  { 0 },
	  { .received = 50, .met = 50, .relayed = 50, .lost = 100 },
	  HEALTH_LOST },
	{ "what was lost before is past",
	  { .relayed = 50, .lost = 50, .not_taken = 50 },
	  { .received = 50, .met = 50, .relayed = 100, .lost = 50, .not_taken = 50 },
	  HEALTH_GOOD },
	{ "another device takes none",
	  { 0 },
	  { .received = 50, .met = 50, .relayed = 50, .not_taken = 50 },
	  HEALTH_NOT_TAKEN },
	{ "that other device is detached",
	  { .not_taken = 50 },
	  { .received = 50, .met = 50, .relayed = 50 },
	  HEALTH_GOOD },
	{ "it takes none itself, which is others' loss",
	  { 0 },
	  { .received = 50, .met = 50, .relayed = 50, .refused = 50 },
	  HEALTH_GOOD },
	{ "no way out", { 0 }, { .received = 50, .met = 50, .no_egress = 50 }, HEALTH_NO_EGRESS },
};

static void test_judge(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(judgements) / sizeof(judgements[0]); i++) {
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
	{ "nothing came", { .received = 0 }, TURNPIKE_MOVES_HEAD, TURNPIKE_MODE_AUTO, HEALTH_GOOD },
	{ "frames came, none was met",
	  { .received = 8 },
	  TURNPIKE_MOVES_HEAD,
	  TURNPIKE_MODE_AUTO,
	  HEALTH_NOT_RUNNING },
	{ "that is nobody's wish",
	  { .received = 8 },
	  TURNPIKE_MOVES_TAIL,
	  TURNPIKE_MODE_XDP_NATIVE,
	  HEALTH_NOT_RUNNING },
	{ "room in front",
	  { .trial = { .frames = 8, .head = 8 }, .received = 8 },
	  TURNPIKE_MOVES_HEAD,
	  TURNPIKE_MODE_AUTO,
	  HEALTH_GOOD },
	{ "gve's 2 bytes in front",
	  { .trial = { .frames = 8, .tail = 8 }, .received = 8 },
	  TURNPIKE_MOVES_HEAD,
	  TURNPIKE_MODE_AUTO,
	  HEALTH_WRONG_END },
	{ "and then the tail",
	  { .trial = { .frames = 8, .tail = 8 }, .received = 8 },
	  TURNPIKE_MOVES_TAIL,
	  TURNPIKE_MODE_AUTO,
	  HEALTH_GOOD },
	{ "room in front of some",
	  { .trial = { .frames = 8, .head = 1 }, .received = 8 },
	  TURNPIKE_MOVES_HEAD,
	  TURNPIKE_MODE_AUTO,
	  HEALTH_GOOD },
	{ "moved frames come out so",
	  { .trial = ROOM, .head = { .state = MOVED_PROVEN }, .tail = { .state = MOVED_PROVEN } },
	  TURNPIKE_MOVES_HEAD,
	  TURNPIKE_MODE_AUTO,
	  HEALTH_GOOD },
	{ "frames come out as they came",
	  { .trial = ROOM, .head = { .state = MOVED_DISPROVEN } },
	  TURNPIKE_MOVES_HEAD,
	  TURNPIKE_MODE_AUTO,
	  HEALTH_NOT_MOVED },
	{ "the other end is the second choice for each packet",
	  { .trial = ROOM,
	    .head = { .state = MOVED_PROVEN },
	    .tail = { .state = MOVED_DISPROVEN } },
	  TURNPIKE_MOVES_HEAD,
	  TURNPIKE_MODE_AUTO,
	  HEALTH_NOT_MOVED },
	{ "frames come out as they came, but asked for",
	  { .trial = ROOM, .head = { .state = MOVED_DISPROVEN } },
	  TURNPIKE_MOVES_HEAD,
	  TURNPIKE_MODE_XDP_NATIVE,
	  HEALTH_GOOD },
	{ "no room, but asked for",
	  { .trial = { .frames = 8 }, .received = 8 },
	  TURNPIKE_MOVES_HEAD,
	  TURNPIKE_MODE_XDP_NATIVE,
	  HEALTH_GOOD },
};

static void test_proof(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(proofs) / sizeof(proofs[0]); i++) {
		enum health health = proof_judge(&proofs[i].proof, proofs[i].moves, proofs[i].wish);

		if (health != proofs[i].expected)
			fail_msg("%s: %s", proofs[i].name, health_text(health));
	}
}

/** Each end has its own result, and what cannot be observed is never proven. */
static void test_describe(void **state)
{
	const struct proof proof = { .trial = { .frames = 9, .head = 9, .tail = 3 },
				     .head = { MOVED_PROVEN, NULL },
				     .tail = { MOVED_UNPROVEN, "as there is no room" } };
	char told[512] = "";
	struct text text = { told, sizeof(told) };

	(void)state;
	proof_describe(&proof, &text);
	assert_string_equal(
		told,
		"proven: a program ran for 9 frames, 9 with 24 bytes of headroom and 3 of tailroom; "
		"proven: a frame grown in front arrives intact; unproven: whether a frame grown "
		"behind arrives intact, as there is no room; unproven: whether frames are sent as "
		"moved, which only receivers see");
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
	/* 80 would be longer than the longest. */
	assert_true(backoff_blocks(&backoff, 199));
	assert_false(backoff_blocks(&backoff, 200));
	/* It has stood the test for the longest pause: from the beginning. */
	backoff_fail(&backoff, &pauses, 235);
	assert_true(backoff_blocks(&backoff, 244));
	assert_false(backoff_blocks(&backoff, 245));
	/* Lifted, it may be tried, and the next pause is longer all the same. */
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
		cmocka_unit_test(test_judge),   cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_proof),   cmocka_unit_test(test_describe),
		cmocka_unit_test(test_backoff),
	};

	return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
