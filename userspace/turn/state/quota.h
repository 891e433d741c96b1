/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file quota.h
 * A count that several threads claim from, up to a limit.
 */
#ifndef TURNPIKE_TURN_STATE_QUOTA_H
#define TURNPIKE_TURN_STATE_QUOTA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/** struct turn_quota - a count of claims, initially 0 */
struct turn_quota {
	atomic_uint used;
};

/** turn_quota_claim() - claim @n unless the total would exceed @max; 0: no limit */
static inline bool turn_quota_claim(struct turn_quota *quota, uint32_t n, uint32_t max)
{
	if (atomic_fetch_add(&quota->used, n) + n <= max || max == 0)
		return true;
	atomic_fetch_sub(&quota->used, n);
	return false;
}

/** turn_quota_return() - return @n that were claimed */
static inline void turn_quota_return(struct turn_quota *quota, uint32_t n)
{
	atomic_fetch_sub(&quota->used, n);
}

/** turn_quota_used() - how many are claimed */
static inline uint32_t turn_quota_used(const struct turn_quota *quota)
{
	return atomic_load(&quota->used);
}

#endif /* TURNPIKE_TURN_STATE_QUOTA_H */
