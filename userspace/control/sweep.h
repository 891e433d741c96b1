/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file sweep.h
 * Visits the allocations of all workers for an answer, to list or to end them.
 *
 * A worker reads a batch of them, and serves its clients before it reads the next one. So it is
 * held for a fraction of a millisecond, however many there are. The answer is made from the batch
 * in the thread of the control socket, while no worker waits.
 */
#ifndef TURNPIKE_CONTROL_SWEEP_H
#define TURNPIKE_CONTROL_SWEEP_H

#include "control/control.h"
#include "control/report.h"
#include "control/session_filter.h"
#include "turn/walk.h"

/** Objects of a batch. */
#define SWEEP_BATCH 64

/** struct sweep_session - an allocation, with a copy of its username, of which the account is a
 * part */
struct sweep_session {
	struct turn_allocation_info info;
	char username[TURN_USERNAME_SIZE];
};

/** struct sweep_item - an allocation, or a peer of the one before */
struct sweep_item {
	bool is_peer;
	union {
		struct sweep_session session;
		struct turn_peer_info peer;
	};
};

/**
 * struct sweep - to be embedded in an answer
 * @answer:  its @next calls sweep_next(), its @leave is sweep_leave()
 * @filter:  which allocations
 * @ends:    why they end, see struct turn_event; NULL: they are listed
 * @at_end:  called in the thread of each worker after its last allocation; or NULL
 * @source:  of the request
 * @is_cancelled: no allocation is visited; may be set by @first
 * @n_ended: number of those that have ended
 * @max_pairs: how many pairs one allocation may have
 */
struct sweep {
	struct control_answer answer;
	struct session_filter filter;
	const char *ends;
	void (*at_end)(struct sweep *sweep, struct turn_io *io);
	const struct report_source *source;
	bool is_cancelled;
	uint64_t n_ended;
	uint32_t max_pairs;
	/* private: */
	struct workers_tour tour;
	struct turn_walk walk;
	bool in_session;
	bool is_ending;      /* the allocation at which the walk is */
	uint64_t peers_left; /* of it */
	uint64_t work;       /* for this batch */
	bool has_batch;
	bool is_complete;
	size_t n;
	struct sweep_item items[SWEEP_BATCH];
};

/**
 * sweep_new() - an answer of @size bytes that begins with a sweep; all else is 0
 * @next, @free: see struct control_answer; sweep_free() if there is nothing else to free
 *
 * Return: the answer, or NULL.
 */
void *sweep_new(size_t size, const struct report_source *source,
		int (*next)(struct control_answer *answer, struct evbuffer *output),
		void (*free)(struct control_answer *answer));

/** sweep_free() - free an answer of sweep_new() */
void sweep_free(struct control_answer *answer);

/**
 * sweep_begin() - prepare a sweep whose other members are set; it starts with sweep_next()
 * @first: called in the main thread before the first worker; or NULL
 */
void sweep_begin(struct sweep *sweep, void (*first)(void *sweep));

/** enum sweep_result - of sweep_next() */
enum sweep_result {
	SWEEP_WAITS, /* answer.next shall return, and is called again */
	SWEEP_BATCH_READY,
	SWEEP_COMPLETE, /* the same; it was the last one */
};

/** sweep_next() - the next batch, in @items, of which there are @n; see control_answer.next */
enum sweep_result sweep_next(struct sweep *sweep);

/** sweep_to_end() - the same without batches, which are of no interest: SWEEP_WAITS or
 * SWEEP_COMPLETE
 */
enum sweep_result sweep_to_end(struct sweep *sweep);

/** sweep_leave() - see control_answer.leave */
bool sweep_leave(struct control_answer *answer);

#endif /* TURNPIKE_CONTROL_SWEEP_H */
