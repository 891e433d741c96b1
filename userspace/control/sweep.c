/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "control/sweep.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"

/**
 * What a worker does for a batch at most: steps of its walk, and work to end peers, which takes
 * some 5 us each, and allocations. So a worker is held for less than a millisecond, even by an
 * allocation with thousands of channels.
 */
#define STEPS_MAX       1024
#define WORK_MAX        128
#define ALLOCATION_WORK 16

/* The account is the end of the username. */
static void add_session(struct sweep *sweep, const struct turn_allocation_info *info)
{
	struct sweep_item *item = &sweep->items[sweep->n++];
	struct sweep_session *session = &item->session;

	item->is_peer = false;
	session->info = *info;
	strcpy(session->username, info->username);
	session->info.username = session->username;
	session->info.account = session->username + strlen(info->username) - strlen(info->account);
}

/* Returns whether there may be more. */
static bool list_one(struct sweep *sweep, const struct turn_allocation_info *info)
{
	add_session(sweep, info);
	sweep->in_session = true;
	return true;
}

static bool step_to_session(struct sweep *sweep)
{
	struct turn_allocation_info info;

	if (!turn_walk_next(&sweep->walk, &info))
		return false;
	if (!session_filter_matches(&sweep->filter, &info))
		return true;
	if (!sweep->ends)
		return list_one(sweep, &info);
	sweep->is_ending = true;
	sweep->peers_left = (uint64_t)info.channels + info.pairs;
	return true;
}

/*
 * Ends the peers of an allocation first, as far as the batch has time for them. Those that its
 * client adds meanwhile do not prolong its life.
 */
static void end_session(struct sweep *sweep)
{
	const uint64_t max = sweep->peers_left < WORK_MAX - sweep->work ? sweep->peers_left
									: WORK_MAX - sweep->work;
	size_t n = 0;

	/* It may have ended between two batches. */
	sweep->is_ending = turn_walk_is_at_allocation(&sweep->walk);
	if (sweep->is_ending)
		n = turn_walk_end_peers(&sweep->walk, max);
	sweep->work += n;
	sweep->peers_left -= n;
	if (!sweep->is_ending || (n == max && sweep->peers_left))
		return;
	turn_walk_end_allocation(&sweep->walk, sweep->ends, clock_now());
	sweep->work += ALLOCATION_WORK;
	sweep->n_ended++;
	sweep->is_ending = false;
}

/* Returns whether there are more. */
static bool step(struct sweep *sweep)
{
	struct sweep_item *item = &sweep->items[sweep->n];

	if (sweep->is_ending) {
		end_session(sweep);
		return true;
	}
	if (!sweep->in_session)
		return step_to_session(sweep);
	item->is_peer = true;
	sweep->in_session = turn_walk_peer(&sweep->walk, &item->peer);
	sweep->n += sweep->in_session;
	return true;
}

/* Returns whether there are more. */
static bool read_batch(struct sweep *sweep)
{
	sweep->work = 0;
	for (unsigned int i = 0; i < STEPS_MAX && sweep->n < SWEEP_BATCH; i++) {
		if (sweep->work >= WORK_MAX)
			break;
		if (!step(sweep))
			return false;
	}
	return true;
}

static void visit(struct turn_io *io, void *arg)
{
	struct sweep *sweep = arg;

	if (!turn_walk_is_open(&sweep->walk) && !sweep->is_cancelled)
		turn_walk_begin(&sweep->walk, turn_io_server(io));
	sweep->max_pairs = turn_server_limits(turn_io_server(io))->max_channels;
	sweep->tour.is_interrupted = !sweep->is_cancelled && read_batch(sweep);
	if (sweep->tour.is_interrupted)
		return;
	turn_walk_end(&sweep->walk);
	if (sweep->at_end && !sweep->is_cancelled)
		sweep->at_end(sweep, io);
}

static void on_done(void *arg)
{
	struct sweep *sweep = arg;

	sweep->has_batch = true;
	sweep->is_complete = !sweep->tour.is_interrupted;
	control_ready(&sweep->answer);
}

void *sweep_new(size_t size, const struct report_source *source,
		int (*next)(struct control_answer *answer, struct evbuffer *output),
		void (*free)(struct control_answer *answer))
{
	struct sweep *sweep = calloc(1, size);

	if (!sweep)
		return NULL;
	sweep->source = source;
	sweep->answer.next = next;
	sweep->answer.free = free;
	return sweep;
}

void sweep_free(struct control_answer *answer)
{
	free(answer);
}

void sweep_begin(struct sweep *sweep, void (*first)(void *sweep))
{
	sweep->answer.is_ready = true;
	sweep->answer.leave = sweep_leave;
	sweep->tour = (struct workers_tour){ .first = first,
					     .each = visit,
					     .done = on_done,
					     .arg = sweep,
					     .home = sweep->source->loop };
}

static void start(struct sweep *sweep)
{
	sweep->answer.is_ready = false;
	sweep->n = 0;
	if (sweep->tour.is_interrupted)
		workers_tour_resume(&sweep->tour);
	else
		workers_tour(sweep->source->workers, &sweep->tour);
}

enum sweep_result sweep_next(struct sweep *sweep)
{
	if (!sweep->has_batch) {
		start(sweep);
		return SWEEP_WAITS;
	}
	sweep->has_batch = false;
	return sweep->is_complete ? SWEEP_COMPLETE : SWEEP_BATCH_READY;
}

enum sweep_result sweep_to_end(struct sweep *sweep)
{
	enum sweep_result result;

	do {
		result = sweep_next(sweep);
	} while (result == SWEEP_BATCH_READY);
	return result;
}

/* A walk is part of its worker's state until it ends there. */
bool sweep_leave(struct control_answer *answer)
{
	struct sweep *sweep = (struct sweep *)answer;

	if (!answer->is_ready)
		return false;
	if (!turn_walk_is_open(&sweep->walk))
		return true;
	sweep->is_cancelled = true;
	start(sweep);
	return false;
}
