/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file limits.h
 * How much application data may be relayed: of each allocation, of all of a user's, and of all
 * there are, each direction by itself. What the kernel relays and what user space relays is charged
 * to the same.
 *
 * For one thread at a time, but for limits_charge().
 */
#ifndef TURNPIKE_DATAPATH_LIMITS_H
#define TURNPIKE_DATAPATH_LIMITS_H

#include <stdbool.h>
#include <turnpike/turnpike.h>

#include "turn/turn.h"

/** struct limits_rates - bytes a second in each direction; 0: no limit */
struct limits_rates {
	uint64_t allocation;
	uint64_t user;
	uint64_t total;
};

/** All limits of a server. */
struct limits;

/** Those of one allocation. */
struct limit;

/**
 * limits_open() - get ready to limit
 * @tp: where the limits are kept, which must outlive them; NULL: in memory of our own
 *
 * Return: 0, -ENOMEM, or -ENOSPC: @tp has no more.
 */
int limits_open(struct turnpike *tp, const struct limits_rates *rates, struct limits **ret);

/** limits_close() - after all of its limits; NULL is fine */
void limits_close(struct limits *limits);

/**
 * limits_set_rates() - other rates, for what is limited already, too
 *
 * What was made while there were no limits at all stays without.
 */
void limits_set_rates(struct limits *limits, const struct limits_rates *rates);

/** limits_rates() - as they were last set */
const struct limits_rates *limits_rates(const struct limits *limits);

/**
 * limits_new() - limit an allocation
 * @account: its user; allocations of one user share that one's limit
 * @ret:     NULL if there are no limits
 *
 * Return: as limits_open().
 */
int limits_new(struct limits *limits, const char *account, struct limit **ret);

/** limits_free() - no binding must bear @limit any more; NULL is fine */
void limits_free(struct limits *limits, struct limit *limit);

/** limits_charge() - take @len bytes, if there are as many; whether there were. Any thread. */
bool limits_charge(struct limit *limit, enum turn_direction direction, size_t len);

/** limits_policer() - the number for struct turnpike_binding; 0 without a limit */
uint32_t limits_policer(const struct limit *limit, enum turn_direction direction);

#endif /* TURNPIKE_DATAPATH_LIMITS_H */
