/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Flows are listed in pieces, while bindings come and go.
 */
#include <errno.h>
#include <string.h>

#include "bindings.h"

#define BINDINGS 20

/* How often each binding was listed, by its number. */
struct seen {
	int times[2 * BINDINGS];
};

static int note(const struct turnpike_flow_info *flow, void *arg)
{
	struct seen *seen = arg;

	/* binding_of() numbers the last byte from 1. */
	if (flow->direction == TURNPIKE_DIR_TO_PEER)
		seen->times[flow->src.ip[3] - 1]++;
	else
		assert_int_equal(seen->times[flow->new_dst.ip[3] - 1], 1);
	return 0;
}

static void bind_from(int first, int end)
{
	int i;

	for (i = first; i < end; i++)
		assert_int_equal(bind_one(i), 0);
}

static struct turnpike_walk *begin(void)
{
	struct turnpike_walk *walk;

	assert_int_equal(turnpike_walk_begin(tp, &walk), 0);
	return walk;
}

static void test_pieces(void **state)
{
	struct seen seen = { 0 };
	struct turnpike_walk *walk;
	int i, pieces = 0;

	(void)state;
	open_with(4 * BINDINGS, 0, 0);
	bind_from(0, BINDINGS);
	walk = begin();
	while (turnpike_walk_next(walk, 3, note, &seen))
		pieces++;
	assert_int_equal(pieces, BINDINGS / 3);
	for (i = 0; i < BINDINGS; i++)
		assert_int_equal(seen.times[i], 1);
	assert_int_equal(turnpike_walk_next(walk, 3, note, &seen), 0);
	turnpike_walk_end(walk);
	turnpike_walk_end(NULL);
}

/* What was listed, what is next, a run of the next ones, and the last one may go. */
static void test_unbound_meanwhile(void **state)
{
	static const int gone[] = { 0, 4, 5, 6, 9, BINDINGS - 1 };
	struct seen seen = { 0 };
	struct turnpike_walk *walk;
	size_t i;

	(void)state;
	open_with(4 * BINDINGS, 0, 0);
	bind_from(0, BINDINGS);
	walk = begin();
	assert_int_equal(turnpike_walk_next(walk, 4, note, &seen), 1);
	for (i = 0; i < ARRAY_LEN(gone); i++) {
		assert_int_equal(unbind_one(gone[i]), 0);
		seen.times[gone[i]]++;
	}
	assert_int_equal(turnpike_walk_next(walk, UINT32_MAX, note, &seen), 0);
	turnpike_walk_end(walk);
	assert_int_equal(seen.times[0], 2);
	for (i = 1; i < BINDINGS; i++)
		assert_int_equal(seen.times[i], 1);
}

/* Otherwise a list would never end where clients bind faster than it is read. */
static void test_bound_meanwhile(void **state)
{
	struct seen seen = { 0 };
	struct turnpike_walk *walk;
	int i;

	(void)state;
	open_with(8 * BINDINGS, 0, 0);
	bind_from(0, BINDINGS);
	walk = begin();
	assert_int_equal(turnpike_walk_next(walk, BINDINGS / 2, note, &seen), 1);
	bind_from(BINDINGS, 2 * BINDINGS);
	/* A binding that is made again is a new one, too. */
	assert_int_equal(unbind_one(BINDINGS - 1), 0);
	assert_int_equal(bind_one(BINDINGS - 1), 0);
	assert_int_equal(turnpike_walk_next(walk, UINT32_MAX, note, &seen), 0);
	turnpike_walk_end(walk);
	for (i = 0; i < 2 * BINDINGS; i++)
		assert_int_equal(seen.times[i], i < BINDINGS - 1);
}

static void test_several(void **state)
{
	struct seen one = { 0 }, other = { 0 };
	struct turnpike_walk *first, *second;
	int i;

	(void)state;
	open_with(4 * BINDINGS, 0, 0);
	bind_from(0, BINDINGS);
	first = begin();
	second = begin();
	assert_int_equal(turnpike_walk_next(first, 5, note, &one), 1);
	assert_int_equal(turnpike_walk_next(second, 5, note, &other), 1);
	/* Both would list it next. */
	assert_int_equal(unbind_one(5), 0);
	turnpike_walk_end(first);
	assert_int_equal(unbind_one(6), 0);
	assert_int_equal(turnpike_walk_next(second, UINT32_MAX, note, &other), 0);
	turnpike_walk_end(second);
	for (i = 0; i < BINDINGS; i++)
		assert_int_equal(other.times[i], i != 5 && i != 6);
}

static int refuse(const struct turnpike_flow_info *flow, void *arg)
{
	(void)flow;
	(void)arg;
	return -ECANCELED;
}

static void test_callback(void **state)
{
	struct turnpike_walk *walk;

	(void)state;
	open_with(4 * BINDINGS, 0, 0);
	walk = begin();
	assert_int_equal(turnpike_walk_next(walk, 1, refuse, NULL), 0);
	turnpike_walk_end(walk);
	bind_from(0, 1);
	walk = begin();
	assert_int_equal(turnpike_walk_next(walk, 1, refuse, NULL), -ECANCELED);
	turnpike_walk_end(walk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_pieces, close_it),
		cmocka_unit_test_teardown(test_unbound_meanwhile, close_it),
		cmocka_unit_test_teardown(test_bound_meanwhile, close_it),
		cmocka_unit_test_teardown(test_several, close_it),
		cmocka_unit_test_teardown(test_callback, close_it),
	};

	return run_in_namespace("walks", tests, ARRAY_LEN(tests));
}
