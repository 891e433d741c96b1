/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "flows/waiting.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <utlist.h>

#include "base/monotonic.h"
#include "flows/binding.h"
#include "private/hash.h"

#define NS_PER_MS 1000000ull

/* Bindings are tried in slices with a pause in between, so they take a third of one CPU at most. */
#define SLICE_NS (5 * NS_PER_MS)
#define PAUSE_NS (10 * NS_PER_MS)

/* A new binding lets older ones go first for that long. */
#define SHORT_SLICE_NS (1 * NS_PER_MS)

/* Freed next hops can be used after that time: hops.c waits for packets once a second. */
#define SETTLE_NS (1000 * NS_PER_MS)

#define ROUND_FIRST_NS   (1000 * NS_PER_MS)
#define ROUND_LONGEST_NS (30000 * NS_PER_MS)

enum queue_kind { FLOWS4, FLOWS6, NEXTHOPS, ERRORS, QUEUES };

struct queue {
	struct waiter *list; /* the longest waiting first */
	__u32 n;
	__u32 left;   /* how many of the first this round has yet to try */
	bool is_open; /* there may be room for the first */
};

struct waiter {
	struct binding_id id;
	struct turnpike_binding binding;
	struct queue *queue;
	struct waiter *prev, *next;
	UT_hash_handle hh;
};

struct waiting {
	waiting_try_fn try;
	void *arg;
	__u32 max;
	struct waiter *all;
	struct queue queues[QUEUES];
	bool is_settling; /* the last shortage of next hops was one of time */
	__u64 due;        /* 0: no binding waits */
	__u64 settle_at;  /* when freed next hops can be used; 0: no binding waits for that */
	__u64 round_at;   /* when all are tried again */
	__u64 interval;   /* from the last round to that one */
};

int waiting_open(waiting_try_fn try, void *arg, __u32 max, struct waiting **ret)
{
	struct waiting *waiting = calloc(1, sizeof(*waiting));

	if (!waiting)
		return -ENOMEM;
	waiting->try = try;
	waiting->arg = arg;
	waiting->max = max;
	*ret = waiting;
	return 0;
}

static struct waiter *find(const struct waiting *waiting, const struct turnpike_binding *binding)
{
	const struct binding_id id = binding_id(binding);
	struct waiter *waiter;

	HASH_FIND(hh, waiting->all, &id, sizeof(id), waiter);
	return waiter;
}

static void enqueue(struct queue *queue, struct waiter *waiter)
{
	waiter->queue = queue;
	DL_APPEND(queue->list, waiter);
	queue->n++;
}

static void dequeue(struct waiter *waiter)
{
	struct queue *queue = waiter->queue;

	DL_DELETE(queue->list, waiter);
	queue->n--;
	if (queue->left > queue->n)
		queue->left = queue->n;
}

static __u64 earlier(__u64 a, __u64 b)
{
	return a < b ? a : b;
}

static void wake(struct waiting *waiting, __u64 when)
{
	waiting->due = waiting->due ? earlier(waiting->due, when) : when;
}

static void forget(struct waiting *waiting, struct waiter *waiter)
{
	dequeue(waiter);
	HASH_DEL(waiting->all, waiter);
	free(waiter);
	if (!waiting->all)
		waiting->due = waiting->settle_at = 0;
}

void waiting_close(struct waiting *waiting)
{
	struct waiter *waiter, *tmp;

	if (!waiting)
		return;
	HASH_ITER(hh, waiting->all, waiter, tmp)
		forget(waiting, waiter);
	free(waiting);
}

/* Neither time nor room changes these. */
static bool is_final(int err)
{
	return err == -EINVAL || err == -EEXIST || err == -EADDRINUSE;
}

/* Where a binding waits after the refusal @err. All other errors are taken to be transient. */
static struct queue *queue_for(struct waiting *waiting, int err)
{
	switch (err) {
	case SHORT_OF_FLOWS4:
		return &waiting->queues[FLOWS4];
	case SHORT_OF_FLOWS6:
		return &waiting->queues[FLOWS6];
	case SHORT_OF_NEXTHOPS:
	case SHORT_OF_TIME:
		return &waiting->queues[NEXTHOPS];
	default:
		return &waiting->queues[ERRORS];
	}
}

/* For the first waiting binding, and for errors, which end without an event. */
static void begin_intervals(struct waiting *waiting, __u64 now)
{
	const __u64 first = now + ROUND_FIRST_NS;

	waiting->interval = ROUND_FIRST_NS;
	waiting->round_at = waiting->all ? earlier(waiting->round_at, first) : first;
	wake(waiting, waiting->round_at);
}

static void note_refusal(struct waiting *waiting, int err, __u64 now)
{
	if (err == SHORT_OF_NEXTHOPS || err == SHORT_OF_TIME)
		waiting->is_settling = err == SHORT_OF_TIME;
	if (err == SHORT_OF_TIME && !waiting->settle_at) {
		waiting->settle_at = now + SETTLE_NS;
		wake(waiting, waiting->settle_at);
	}
}

static bool has_expired(const struct turnpike_binding *binding, __u64 now)
{
	return binding->channel_expires <= now && binding->permission_expires <= now;
}

/* Returns whether it makes sense to try the next one in the queue. */
static bool try_first(struct waiting *waiting, struct queue *queue, __u64 now)
{
	struct waiter *waiter = queue->list;
	const bool is_round = queue->left > 0;
	struct queue *to;
	int err;

	if (is_round)
		queue->left--;
	if (has_expired(&waiter->binding, now)) {
		forget(waiting, waiter);
		return true;
	}
	err = waiting->try(waiting->arg, &waiter->binding);
	if (err == 0 || is_final(err)) {
		forget(waiting, waiter);
		return true;
	}
	to = queue_for(waiting, err);
	note_refusal(waiting, err, now);
	if (to != queue && err < 0)
		begin_intervals(waiting, now);
	/* Once a round is complete, the order is the same as before. */
	if (to != queue || is_round) {
		dequeue(waiter);
		enqueue(to, waiter);
	}
	return to != queue;
}

/* Returns false if the time is up. */
static bool serve_queue(struct waiting *waiting, struct queue *queue, __u64 until)
{
	__u64 now;

	while (queue->list && (queue->is_open || queue->left)) {
		now = clock_ns();
		if (now >= until)
			return false;
		if (!try_first(waiting, queue, now))
			queue->is_open = false;
	}
	queue->is_open = false;
	queue->left = 0;
	return true;
}

static void begin_round(struct waiting *waiting, __u64 now)
{
	int i;

	for (i = 0; i < QUEUES; i++)
		waiting->queues[i].left = waiting->queues[i].n;
	waiting->interval = earlier(2 * waiting->interval, ROUND_LONGEST_NS);
	waiting->round_at = now + waiting->interval;
}

static void serve(struct waiting *waiting, __u64 now, __u64 slice)
{
	bool is_finished = true;
	int i;

	if (waiting->settle_at && waiting->settle_at <= now) {
		waiting->settle_at = 0;
		waiting->queues[NEXTHOPS].is_open = true;
	}
	if (waiting->round_at <= now)
		begin_round(waiting, now);
	for (i = 0; i < QUEUES && is_finished; i++)
		is_finished = serve_queue(waiting, &waiting->queues[i], now + slice);
	if (!waiting->all)
		return;
	waiting->due = waiting->round_at;
	if (waiting->settle_at)
		wake(waiting, waiting->settle_at);
	if (!is_finished)
		wake(waiting, clock_ns() + PAUSE_NS);
}

void waiting_poll(struct waiting *waiting)
{
	const __u64 now = clock_ns();

	if (waiting->due && waiting->due <= now)
		serve(waiting, now, SLICE_NS);
}

void waiting_has_room(struct waiting *waiting)
{
	if (!waiting->all)
		return;
	waiting->queues[FLOWS4].is_open = true;
	waiting->queues[FLOWS6].is_open = true;
	waiting->queues[NEXTHOPS].is_open = true;
	/* One sweep serves all who leave within the pause. */
	wake(waiting, clock_ns() + PAUSE_NS);
}

/* Otherwise new bindings could take all the room that others wait for. */
static void let_others_go_first(struct waiting *waiting, __u64 now)
{
	if (waiting->all && (waiting->due <= now || waiting->queues[FLOWS4].is_open ||
			     waiting->queues[FLOWS6].is_open || waiting->queues[NEXTHOPS].is_open))
		serve(waiting, now, SHORT_SLICE_NS);
}

/* Queues a new binding after the refusal @err. */
static int add(struct waiting *waiting, const struct turnpike_binding *binding, int err, __u64 now)
{
	struct waiter *waiter = NULL;

	if (HASH_COUNT(waiting->all) < waiting->max)
		waiter = calloc(1, sizeof(*waiter));
	if (!waiter)
		return err > 0 ? -ENOSPC : err;
	if (!waiting->all || err < 0)
		begin_intervals(waiting, now);
	waiter->id = binding_id(binding);
	waiter->binding = *binding;
	HASH_ADD(hh, waiting->all, id, sizeof(waiter->id), waiter);
	if (!waiter->hh.tbl) {
		free(waiter);
		return err > 0 ? -ENOSPC : err;
	}
	enqueue(queue_for(waiting, err), waiter);
	note_refusal(waiting, err, now);
	return -EAGAIN;
}

/* Updates times and limits. The binding keeps its place in the queue. */
static int refresh(struct waiter *waiter, const struct turnpike_binding *binding)
{
	if (memcmp(&waiter->binding.relay, &binding->relay, sizeof(binding->relay)) ||
	    memcmp(&waiter->binding.peer, &binding->peer, sizeof(binding->peer)))
		return -EEXIST;
	waiter->binding = *binding;
	return -EAGAIN;
}

int waiting_bind(struct waiting *waiting, const struct turnpike_binding *binding)
{
	struct waiter *waiter = find(waiting, binding);
	const __u64 now = clock_ns();
	int err;

	if (waiter)
		return refresh(waiter, binding);
	let_others_go_first(waiting, now);
	err = waiting->try(waiting->arg, binding);
	return err == 0 || is_final(err) ? err : add(waiting, binding, err, now);
}

int waiting_unbind(struct waiting *waiting, const struct turnpike_binding *binding)
{
	struct waiter *waiter = find(waiting, binding);

	if (!waiter)
		return -ENOENT;
	forget(waiting, waiter);
	return 0;
}

static enum turnpike_wait kind_of(const struct waiting *waiting, const struct queue *queue)
{
	if (queue == &waiting->queues[ERRORS])
		return TURNPIKE_WAIT_ERROR;
	if (queue != &waiting->queues[NEXTHOPS])
		return TURNPIKE_WAIT_FLOWS;
	return waiting->is_settling ? TURNPIKE_WAIT_SETTLING : TURNPIKE_WAIT_NEXTHOPS;
}

int waiting_find(const struct waiting *waiting, const struct turnpike_binding *binding,
		 enum turnpike_wait *ret)
{
	const struct waiter *waiter = find(waiting, binding);

	if (!waiter)
		return -ENOENT;
	*ret = kind_of(waiting, waiter->queue);
	return 0;
}

__u64 waiting_due(const struct waiting *waiting)
{
	return waiting->due;
}

__u32 waiting_count(const struct waiting *waiting, enum turnpike_wait what)
{
	__u32 n = 0;

	for (int i = 0; i < QUEUES; i++) {
		if (kind_of(waiting, &waiting->queues[i]) == what)
			n += waiting->queues[i].n;
	}
	return n;
}
