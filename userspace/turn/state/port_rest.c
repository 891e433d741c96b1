/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdlib.h>
#include <utlist.h>

#include "turn/state/port_rest.h"

_Static_assert(TURN_REST_NS >= TURN_ACCOUNT_FILL_NS, "an account outlives its bucket's charges");

static void update_next_until(struct turn_rests *rests)
{
	const struct turn_rest *first = rests->queue;

	atomic_store(&rests->next_until, first ? first->until : TURN_NEVER);
}

void turn_rests_init(struct turn_rests *rests)
{
	rests->queue = NULL;
	atomic_store(&rests->n, 0);
	atomic_store(&rests->next_until, TURN_NEVER);
	pthread_mutex_init(&rests->lock, NULL);
}

void turn_rests_destroy(struct turn_rests *rests)
{
	turn_rests_end(rests, TURN_NEVER - 1);
	pthread_mutex_destroy(&rests->lock);
}

void turn_rest_begin(struct turn_rests *rests, struct turn_rest *rest, uint64_t now)
{
	rest->until = now + TURN_REST_NS;
	atomic_fetch_add(&rests->n, 1);
	pthread_mutex_lock(&rests->lock);
	DL_APPEND(rests->queue, rest);
	update_next_until(rests);
	pthread_mutex_unlock(&rests->lock);
}

/** Returns NULL if none has ended, in most cases without the lock. */
static struct turn_rest *take_ended(struct turn_rests *rests, uint64_t now)
{
	struct turn_rest *first;

	if (atomic_load(&rests->next_until) > now)
		return NULL;
	pthread_mutex_lock(&rests->lock);
	first = rests->queue;
	if (first && first->until > now)
		first = NULL;
	if (first) {
		DL_DELETE(rests->queue, first);
		update_next_until(rests);
	}
	pthread_mutex_unlock(&rests->lock);
	return first;
}

static void end(struct turn_rests *rests, struct turn_rest *rest)
{
	turn_ports_give(rest->pool->ports, rest->port);
	turn_pool_put(rest->pool);
	if (rest->account) {
		turn_account_return(rest->account, rest->claims);
		turn_account_put(rest->account);
	}
	free(rest);
	atomic_fetch_sub(&rests->n, 1);
}

void turn_rests_end(struct turn_rests *rests, uint64_t now)
{
	struct turn_rest *ended;

	while ((ended = take_ended(rests, now)))
		end(rests, ended);
}

uint32_t turn_rests_n(const struct turn_rests *rests)
{
	return atomic_load(&rests->n);
}
