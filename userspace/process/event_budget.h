/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file event_budget.h
 * How many lines of the log each client can cause. Any thread.
 *
 * Sources are IPv4 addresses and IPv6 /64 prefixes. They share EVENT_BUDGET_BUCKETS budgets by a
 * keyed hash, so that the memory and the length of the log are bounded, and a client silences at
 * most one of so many others.
 */
#ifndef TURNPIKE_PROCESS_EVENT_BUDGET_H
#define TURNPIKE_PROCESS_EVENT_BUDGET_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/addr.h"

#define EVENT_BUDGET_BUCKETS 256

/** struct event_budget - for events of one kind; @suppressed: those that found no budget */
struct event_budget {
	pthread_mutex_t lock;
	unsigned int logged[EVENT_BUDGET_BUCKETS];
	uint64_t suppressed;
};

#define EVENT_BUDGET_INIT                         \
	{                                         \
		.lock = PTHREAD_MUTEX_INITIALIZER \
	}

/** event_budget_take() - whether an event of @client may be logged, of which there are @max a
 * period */
bool event_budget_take(struct event_budget *budget, const struct turnpike_addr *client,
		       unsigned int max);

/** event_budget_renew() - begin a period; return: how many events were suppressed in the last one
 */
uint64_t event_budget_renew(struct event_budget *budget);

#endif /* TURNPIKE_PROCESS_EVENT_BUDGET_H */
