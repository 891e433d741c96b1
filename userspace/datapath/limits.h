/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file limits.h
 * Rate limits of each allocation, of each user and in total, per direction. Kernel and user space
 * charge the same token buckets.
 *
 * One thread at a time, except limits_charge().
 */
#ifndef TURNPIKE_DATAPATH_LIMITS_H
#define TURNPIKE_DATAPATH_LIMITS_H

#include <stdbool.h>
#include <turnpike/turnpike.h>

#include "turn/turn.h"

/** struct limits_rates - bytes of application data per second and direction; 0: no limit */
struct limits_rates {
	uint64_t allocation;
	uint64_t user;
	uint64_t total;
};

/** All limits of a server. */
struct limits;

/** The limit of one allocation. */
struct limit;

/**
 * limits_open() - create the limits of a server
 * @tp: holds the token buckets, and must outlive the limits; NULL: they are in private memory
 *
 * Return: 0, -ENOMEM, or -ENOSPC if @tp has no policer left.
 */
int limits_open(struct turnpike *tp, const struct limits_rates *rates, struct limits **ret);

/** limits_close() - call it after limits_free() of every limit; accepts NULL */
void limits_close(struct limits *limits);

/**
 * limits_set_rates() - change the rates of existing and future limits
 *
 * Allocations made while all rates were 0 stay without a limit.
 */
void limits_set_rates(struct limits *limits, const struct limits_rates *rates);

/** limits_rates() - the rates last set */
const struct limits_rates *limits_rates(const struct limits *limits);

/**
 * limits_new() - create the limit of an allocation
 * @account: the user, whose allocations share one limit
 * @ret:     NULL if all rates are 0
 *
 * Return: as limits_open().
 */
int limits_new(struct limits *limits, const char *account, struct limit **ret);

/** limits_free() - free a limit that no binding uses any more; accepts NULL */
void limits_free(struct limits *limits, struct limit *limit);

/** limits_charge() - charge @len bytes; Return: false if a limit is exceeded. Any thread. */
bool limits_charge(struct limit *limit, enum turn_direction direction, size_t len);

/** limits_policer() - policer for struct turnpike_binding; 0 without a limit */
uint32_t limits_policer(const struct limit *limit, enum turn_direction direction);

#endif /* TURNPIKE_DATAPATH_LIMITS_H */
