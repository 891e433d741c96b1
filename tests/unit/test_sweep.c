/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sweeps over the allocations of two workers, whose loops are played here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "control/sweep.h"
#include "sweep_clients.h"

#define WORK_MAX 128 /* of control/sweep.c: what a worker ends at a time, at most */

/* @visits: how often a worker was held. @before: called before each visit. */
static struct {
	unsigned int visits;
	unsigned int ready;
	size_t most_ended;
	void (*before)(void);
} all;

/* Its address stands for that of the worker's. */
static char ios[WORKERS];

struct turn_server *turn_io_server(const struct turn_io *io)
{
	return clients_server((size_t)((const char *)io - ios));
}

void control_ready(struct control_answer *answer)
{
	answer->is_ready = true;
	all.ready++;
}

static void note_ended(size_t before)
{
	if (before - clients_flows() > all.most_ended)
		all.most_ended = before - clients_flows();
}

static void go_on(struct workers_tour *tour)
{
	size_t before;

	tour->is_interrupted = false;
	while (tour->at < WORKERS && !tour->is_interrupted) {
		if (all.before)
			all.before();
		before = clients_flows();
		clients_clear(tour->at);
		tour->each((struct turn_io *)&ios[tour->at], tour->arg);
		note_ended(before);
		all.visits++;
		tour->at += !tour->is_interrupted;
	}
	tour->done(tour->arg);
}

void workers_tour(struct workers *workers, struct workers_tour *tour)
{
	(void)workers;
	tour->at = 0;
	go_on(tour);
}

void workers_tour_resume(struct workers_tour *tour)
{
	go_on(tour);
}

static int setup(void **state)
{
	(void)state;
	memset(&all, 0, sizeof(all));
	clients_open();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	clients_close();
	return 0;
}

static const struct report_source source;

static struct sweep *new_sweep(const char *user, const char *ends)
{
	struct sweep *sweep = sweep_new(sizeof(*sweep), &source, NULL, sweep_free);

	assert_non_null(sweep);
	strcpy(sweep->filter.user, user);
	sweep->ends = ends;
	sweep_begin(sweep, NULL);
	return sweep;
}

/* The next batch, as the thread of the control socket asks for it; it finds no batch at first. */
static enum sweep_result next_batch(struct sweep *sweep)
{
	const enum sweep_result result = sweep_next(sweep);

	return result == SWEEP_WAITS ? sweep_next(sweep) : result;
}

/* What a sweep has listed. */
struct listed {
	size_t sessions, peers, batches;
};

static struct listed list_all(struct sweep *sweep)
{
	struct listed listed = { 0 };
	enum sweep_result result;

	do {
		result = next_batch(sweep);
		assert_true(sweep->n <= SWEEP_BATCH);
		listed.batches++;
		for (size_t i = 0; i < sweep->n; i++) {
			listed.peers += sweep->items[i].is_peer;
			listed.sessions += !sweep->items[i].is_peer;
		}
	} while (result == SWEEP_BATCH_READY);
	assert_int_equal(result, SWEEP_COMPLETE);
	return listed;
}

static void expect_listed(const char *user, size_t sessions)
{
	struct sweep *sweep = new_sweep(user, NULL);
	const struct listed listed = list_all(sweep);

	assert_int_equal(listed.sessions, sessions);
	assert_int_equal(listed.peers, sessions * CHANNELS);
	assert_int_equal(listed.batches, all.ready);
	assert_true(sweep_leave(&sweep->answer));
	sweep_free(&sweep->answer);
}

/* All of them, in batches, before each of which the worker serves its clients. */
static void test_lists_all(void **state)
{
	(void)state;
	expect_listed("", WORKERS * SESSIONS);
	assert_true(all.visits > WORKERS * SESSIONS);
}

static void test_lists_user(void **state)
{
	(void)state;
	expect_listed("alice", WORKERS * SESSIONS);
	all.ready = 0;
	expect_listed("bob", 0);
}

/* The first item is an allocation, with a name that stays, and its peers follow. */
static void test_order(void **state)
{
	struct sweep *sweep = new_sweep("", NULL);

	(void)state;
	assert_int_equal(next_batch(sweep), SWEEP_BATCH_READY);
	assert_int_equal(sweep->n, SWEEP_BATCH);
	assert_false(sweep->items[0].is_peer);
	assert_string_equal(sweep->items[0].session.info.username, "alice");
	assert_string_equal(sweep->items[0].session.info.account, "alice");
	assert_ptr_equal(sweep->items[0].session.info.username, sweep->items[0].session.username);
	for (uint16_t i = 1; i < SWEEP_BATCH; i++) {
		assert_true(sweep->items[i].is_peer);
		assert_int_equal(sweep->items[i].peer.channel, 0x4000 + i - 1);
	}
	assert_int_equal(next_batch(sweep), SWEEP_BATCH_READY);
	assert_true(sweep->items[0].is_peer);
	assert_int_equal(sweep->items[0].peer.channel, 0x4000 + SWEEP_BATCH - 1);
	list_all(sweep);
	sweep_free(&sweep->answer);
}

/* Whoever leaves in the middle ends the walk, in the thread of its worker. */
static void test_leaves(void **state)
{
	struct sweep *sweep = new_sweep("", NULL);
	unsigned int visits;

	(void)state;
	assert_int_equal(next_batch(sweep), SWEEP_BATCH_READY);
	assert_true(turn_walk_is_open(&sweep->walk));
	visits = all.visits;
	assert_false(sweep_leave(&sweep->answer));
	assert_int_equal(all.visits, visits + WORKERS);
	assert_false(turn_walk_is_open(&sweep->walk));
	assert_true(sweep_leave(&sweep->answer));
	sweep_free(&sweep->answer);
}

static void end_all(struct sweep *sweep)
{
	while (sweep_to_end(sweep) != SWEEP_COMPLETE)
		continue;
}

/* Large allocations end in pieces. */
static void test_ends_all(void **state)
{
	struct sweep *sweep = new_sweep("alice", "kicked");

	(void)state;
	end_all(sweep);
	assert_int_equal(sweep->n_ended, WORKERS * SESSIONS);
	assert_int_equal(clients_allocations(), 0);
	assert_int_equal(clients_flows(), 0);
	assert_in_range(all.most_ended, CHANNELS, WORK_MAX);
	assert_true(all.visits > WORKERS);
	sweep_free(&sweep->answer);
}

static void test_ends_nobody(void **state)
{
	struct sweep *sweep = new_sweep("bob", "kicked");

	(void)state;
	end_all(sweep);
	assert_int_equal(sweep->n_ended, 0);
	assert_int_equal(clients_flows(), WORKERS * SESSIONS * CHANNELS);
	assert_int_equal(all.visits, WORKERS);
	sweep_free(&sweep->answer);
}

/* Before the second visit, the client ends the allocation that is ending. */
static void refresh_before_second_visit(void)
{
	if (all.visits == 1)
		clients_release(0, 1);
}

static void test_ends_by_itself(void **state)
{
	struct sweep *sweep = new_sweep("", "kicked");

	(void)state;
	all.before = refresh_before_second_visit;
	end_all(sweep);
	assert_int_equal(sweep->n_ended, WORKERS * SESSIONS - 1);
	assert_int_equal(clients_flows(), 0);
	sweep_free(&sweep->answer);
}

static size_t n_at_end;

static void count_end(struct sweep *sweep, struct turn_io *io)
{
	(void)sweep;
	assert_ptr_equal(io, &ios[n_at_end]);
	n_at_end++;
}

/* The end of each worker's allocations is told once, in its turn. */
static void test_at_end(void **state)
{
	struct sweep *sweep = new_sweep("", NULL);

	(void)state;
	n_at_end = 0;
	sweep->at_end = count_end;
	list_all(sweep);
	assert_int_equal(n_at_end, WORKERS);
	sweep_free(&sweep->answer);
}

#define SWEEP_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SWEEP_TEST(test_lists_all),      SWEEP_TEST(test_lists_user),
		SWEEP_TEST(test_order),          SWEEP_TEST(test_leaves),
		SWEEP_TEST(test_ends_all),       SWEEP_TEST(test_ends_nobody),
		SWEEP_TEST(test_ends_by_itself), SWEEP_TEST(test_at_end),
	};

	return cmocka_run_group_tests_name("sweep", tests, NULL, NULL);
}
