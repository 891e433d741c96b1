/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file limits.h
 * Rate limits of each allocation, of each user and in total, per direction. Kernel and user space
 * charge the same token buckets.
 *
 * A limit outlives what it limits until its bucket is full again: a user who gives an allocation
 * back and makes a new one goes on with the same buckets, and has no second burst. The bucket of a
 * new allocation lacks what that of an earlier one of its user still would. If all of them were
 * remembered, memory would grow with each allocation; so the emptiest stands for all.
 *
 * One thread at a time, except limits_charge().
 */
#ifndef TURNPIKE_DATAPATH_LIMITS_H
#define TURNPIKE_DATAPATH_LIMITS_H

#include <stdbool.h>
#include <turnpike/turnpike.h>

#include "turn/turn.h"

/**
 * struct limits_rates - per second and direction; 0: no limit
 * @allocation, @user, @total: bytes, of which a packet takes its application data and
 *                TURNPIKE_POLICER_OVERHEAD
 * @user_packets: packets
 */
struct limits_rates {
	uint64_t allocation;
	uint64_t user;
	uint64_t user_packets;
	uint64_t total;
};

/**
 * Users without allocations whose buckets are not full yet. When there are more, who has waited
 * longest starts anew: with so many accounts, one has that many times the limit anyhow.
 */
#define LIMITS_RESTING_MAX 16384

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
 * limits_set_rates() - change the rates of existing and future limits; they stay as full as they
 * are
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

/** limits_charge() - charge a packet with @len bytes of application data. Any thread.
 *
 * Return: false if a limit is exceeded.
 */
bool limits_charge(struct limit *limit, enum turn_direction direction, size_t len);

/** limits_policer() - policer for struct turnpike_binding; 0 without a limit */
uint32_t limits_policer(const struct limit *limit, enum turn_direction direction);

#endif /* TURNPIKE_DATAPATH_LIMITS_H */
