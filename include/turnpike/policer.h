/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file policer.h
 * Token buckets that programs and servers share: a packet is charged alike on the fast path and on
 * the slow path.
 *
 * A bucket is kept as the time at which it will be full again (the generic cell rate algorithm,
 * ITU-T I.371). That is one word, changed by compare-and-swap, without a lock.
 *
 * Buckets nest: an allocation's, its user's, and the server's. A packet is charged to every level
 * or to none.
 */
#ifndef TURNPIKE_POLICER_H
#define TURNPIKE_POLICER_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

/** Fraction bits of @cost in struct turnpike_policer; at 100 Gbit/s, 12 bits of @cost are left. */
#define TURNPIKE_POLICER_SHIFT 16

/** Attempts at a compare-and-swap before a charge is added unconditionally. */
#define TURNPIKE_POLICER_TRIES 4

/** Nesting depth, the lowest bucket included. */
#define TURNPIKE_POLICER_LEVELS 3

/**
 * struct turnpike_policer - a token bucket: an element of the map policers
 * @full:   CLOCK_MONOTONIC, ns: when the bucket will be full, if nothing else is charged
 * @cost:   ns to regain one byte, with TURNPIKE_POLICER_SHIFT fraction bits; 0: no limit
 * @burst:  ns to fill an empty bucket
 * @parent: index of the bucket one level up; 0: none
 * @pad:    zero
 */
struct turnpike_policer {
	__u64 full;
	__u64 cost;
	__u64 burst;
	__u32 parent;
	__u32 pad;
};

/** The least default burst, bytes: any datagram fits, however low the rate. */
#define TURNPIKE_POLICER_BURST 65536ull

/** 128 Gbit/s in bytes/s. A higher rate is no limit; up to it the arithmetic cannot overflow. */
#define TURNPIKE_POLICER_RATE 16000000000ull

/** The longest time to fill a bucket: an hour, in ns. Below 18 bytes/s it shortens the burst. */
#define TURNPIKE_POLICER_FILL 3600000000000ull

/** turnpike_policer_ns() - time to regain @bytes at @rate bytes/s: ns, TURNPIKE_POLICER_FILL at
 * most
 */
static inline __u64 turnpike_policer_ns(__u64 rate, __u64 bytes)
{
	const __u64 second = 1000000000ull;

	if (bytes / rate >= TURNPIKE_POLICER_FILL / second)
		return TURNPIKE_POLICER_FILL;
	return bytes / rate * second + bytes % rate * second / rate;
}

/**
 * turnpike_policer_make() - make a full bucket without a parent
 * @rate:  bytes/s; 0: no limit
 * @burst: bytes; 0: a quarter of a second at @rate, and TURNPIKE_POLICER_BURST at least
 */
static inline struct turnpike_policer turnpike_policer_make(__u64 rate, __u64 burst)
{
	struct turnpike_policer policer = { 0, 0, 0, 0, 0 };

	if (!rate || rate > TURNPIKE_POLICER_RATE)
		return policer;
	if (!burst)
		burst = rate / 4 > TURNPIKE_POLICER_BURST ? rate / 4 : TURNPIKE_POLICER_BURST;
	policer.cost = (1000000000ull << TURNPIKE_POLICER_SHIFT) / rate;
	policer.burst = turnpike_policer_ns(rate, burst);
	return policer;
}

/**
 * turnpike_policer_change() - change rate and burst of a bucket in use, and fill it
 *
 * The words change one by one: a packet may be charged by the new @cost and the old @burst.
 */
static inline void turnpike_policer_change(struct turnpike_policer *policer, __u64 rate,
					   __u64 burst)
{
	const struct turnpike_policer made = turnpike_policer_make(rate, burst);

	*(volatile __u64 *)&policer->cost = made.cost;
	*(volatile __u64 *)&policer->burst = made.burst;
	*(volatile __u64 *)&policer->full = made.full;
}

/** turnpike_policer_cost() - the charge for @bytes, ns. Cannot overflow. */
static inline __u64 turnpike_policer_cost(const struct turnpike_policer *policer, __u32 bytes)
{
	return bytes * policer->cost >> TURNPIKE_POLICER_SHIFT;
}

/**
 * turnpike_policer_charge() - charge @bytes to one bucket if it holds as many
 * @now: CLOCK_MONOTONIC, ns; a coarse clock, a few ms late, is good enough
 *
 * Safe on any number of CPUs and threads.
 *
 * Return: true if the packet may pass.
 */
static inline __attribute__((always_inline)) bool
turnpike_policer_charge(struct turnpike_policer *policer, __u64 now, __u32 bytes)
{
	const __u64 cost = turnpike_policer_cost(policer, bytes);
	__u64 full, start;
	int i;

	/* The arithmetic cannot tell: @full may be ahead of a coarse clock, and @burst is 0. */
	if (!policer->cost)
		return true;
	for (i = 0; i < TURNPIKE_POLICER_TRIES; i++) {
		full = *(volatile __u64 *)&policer->full;
		start = full > now ? full : now;
		if (start + cost - now > policer->burst)
			return false;
		if (__sync_val_compare_and_swap(&policer->full, full, start + cost) == full)
			return true;
	}
	/* Others have just charged, so @full is not in the past: this grants no credit. */
	__sync_fetch_and_add(&policer->full, cost);
	return true;
}

/**
 * turnpike_policer_give_back() - undo a charge that was just granted
 *
 * A bucket never holds more than its burst, so that giving back late grants no credit.
 */
static inline __attribute__((always_inline)) void
turnpike_policer_give_back(struct turnpike_policer *policer, __u32 bytes)
{
	const __u64 cost = turnpike_policer_cost(policer, bytes);

	/* Without a limit, leave the cache line to its owner. */
	if (cost)
		__sync_fetch_and_add(&policer->full, -cost);
}

/**
 * turnpike_policers_charge() - charge @bytes to every level, or to none
 * @level: buckets from the lowest level up; NULL ends the list
 *
 * Lower levels are debited before higher ones are asked, so a concurrent packet may be dropped that
 * would have passed. See turnpike_policer_charge().
 *
 * Return: true if the packet may pass.
 */
static inline __attribute__((always_inline)) bool
turnpike_policers_charge(struct turnpike_policer *const level[TURNPIKE_POLICER_LEVELS], __u64 now,
			 __u32 bytes)
{
	if (!level[0])
		return true;
	if (!turnpike_policer_charge(level[0], now, bytes))
		return false;
	if (!level[1])
		return true;
	if (turnpike_policer_charge(level[1], now, bytes)) {
		if (!level[2] || turnpike_policer_charge(level[2], now, bytes))
			return true;
		turnpike_policer_give_back(level[1], bytes);
	}
	turnpike_policer_give_back(level[0], bytes);
	return false;
}

/** turnpike_policers_give_back() - undo a turnpike_policers_charge() that was just granted */
static inline __attribute__((always_inline)) void
turnpike_policers_give_back(struct turnpike_policer *const level[TURNPIKE_POLICER_LEVELS],
			    __u32 bytes)
{
	int i;

	for (i = 0; i < TURNPIKE_POLICER_LEVELS && level[i]; i++)
		turnpike_policer_give_back(level[i], bytes);
}

#endif /* TURNPIKE_POLICER_H */
