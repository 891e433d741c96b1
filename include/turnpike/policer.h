/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file policer.h
 * A token bucket that programs and servers share, so that a packet is charged the same wherever it
 * is relayed. Kept as the time at which the bucket will be full again (the generic cell rate
 * algorithm, ITU-T I.371): one word, changed by compare-and-swap, without a lock.
 *
 * A bucket may have one above it, and that another: what an allocation may relay, what all of its
 * user's, and what all there are. A packet is taken from every one of them or from none.
 */
#ifndef TURNPIKE_POLICER_H
#define TURNPIKE_POLICER_H

#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>

/** The fraction bits of struct turnpike_policer's @cost: 100 Gbit/s still have 12 bits. */
#define TURNPIKE_POLICER_SHIFT 16

/** How many times a charge that others interrupt is worked out anew. */
#define TURNPIKE_POLICER_TRIES 4

/** How many buckets there are above each other, the lowest included. */
#define TURNPIKE_POLICER_LEVELS 3

/**
 * struct turnpike_policer - element of the map policers, which is mapped into the library's memory
 * @full:  CLOCK_MONOTONIC, ns: when the bucket is full, if nobody takes from it
 * @cost:  ns that a byte takes to come back, with TURNPIKE_POLICER_SHIFT fraction bits; 0: no limit
 * @burst: ns that an empty bucket takes to fill
 * @parent: index of the one above it; 0: none
 */
struct turnpike_policer {
	__u64 full;
	__u64 cost;
	__u64 burst;
	__u32 parent;
	__u32 pad; /* zero */
};

/** The burst that nobody asks for has room for the largest datagram, so that no rate is too low. */
#define TURNPIKE_POLICER_BURST 65536ull

/** 128 Gbit/s; what is faster is no limit, and the arithmetic below has no overflow. */
#define TURNPIKE_POLICER_RATE 16000000000ull

/** An hour, in ns: the longest that a bucket takes to fill. Below 18 bytes a second it is smaller.
 */
#define TURNPIKE_POLICER_FILL 3600000000000ull

static inline __u64 turnpike_policer_ns(__u64 rate, __u64 bytes)
{
	const __u64 second = 1000000000ull;

	if (bytes / rate >= TURNPIKE_POLICER_FILL / second)
		return TURNPIKE_POLICER_FILL;
	return bytes / rate * second + bytes % rate * second / rate;
}

/**
 * turnpike_policer_make() - a full bucket
 * @rate:  bytes a second; 0: no limit
 * @burst: bytes that may come at once; 0: a quarter of a second's, TURNPIKE_POLICER_BURST at least
 */
static inline struct turnpike_policer turnpike_policer_make(__u64 rate, __u64 burst)
{
	struct turnpike_policer policer = { 0 };

	if (!rate || rate > TURNPIKE_POLICER_RATE)
		return policer;
	if (!burst)
		burst = rate / 4 > TURNPIKE_POLICER_BURST ? rate / 4 : TURNPIKE_POLICER_BURST;
	policer.cost = (1000000000ull << TURNPIKE_POLICER_SHIFT) / rate;
	policer.burst = turnpike_policer_ns(rate, burst);
	return policer;
}

/**
 * turnpike_policer_change() - another rate and burst for a bucket that is in use; it is full then
 *
 * Word by word: a packet may meet the new cost with the old burst. It is one packet.
 */
static inline void turnpike_policer_change(struct turnpike_policer *policer, __u64 rate,
					   __u64 burst)
{
	const struct turnpike_policer made = turnpike_policer_make(rate, burst);

	*(volatile __u64 *)&policer->cost = made.cost;
	*(volatile __u64 *)&policer->burst = made.burst;
	*(volatile __u64 *)&policer->full = made.full;
}

/** What so many bytes are to the bucket; the product has no overflow. */
static inline __u64 turnpike_policer_cost(const struct turnpike_policer *policer, __u32 bytes)
{
	return bytes * policer->cost >> TURNPIKE_POLICER_SHIFT;
}

/**
 * turnpike_policer_charge() - take @bytes, if the bucket has as many
 * @now: CLOCK_MONOTONIC, ns; a few ms late does no harm, see bpf_ktime_get_coarse_ns()
 *
 * Any number of CPUs and threads. Returns whether the packet may pass.
 */
static inline __attribute__((always_inline)) bool
turnpike_policer_charge(struct turnpike_policer *policer, __u64 now, __u32 bytes)
{
	const __u64 cost = turnpike_policer_cost(policer, bytes);
	__u64 full, start;
	int i;

	/* Not left to the arithmetic: @full may be ahead of a coarse clock, and @burst is 0. */
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
	/* Others have just charged, so @full is not in the past: no credit is made by this. */
	__sync_fetch_and_add(&policer->full, cost);
	return true;
}

/**
 * turnpike_policer_give_back() - undo a charge that was granted a moment ago
 *
 * What has flown in meanwhile is lost to nobody: more than full the bucket does not get.
 */
static inline __attribute__((always_inline)) void
turnpike_policer_give_back(struct turnpike_policer *policer, __u32 bytes)
{
	const __u64 cost = turnpike_policer_cost(policer, bytes);

	/* Others' cache lines are left alone where there is no limit. */
	if (cost)
		__sync_fetch_and_add(&policer->full, -cost);
}

/**
 * turnpike_policers_charge() - take @bytes from every level, if all have as many, or from none
 * @level: from the lowest one up; NULL: there is none, and none above it
 *
 * As turnpike_policer_charge(). While one level is asked, those below it have @bytes less for
 * others.
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

/** turnpike_policers_give_back() - undo a turnpike_policers_charge() that was granted */
static inline __attribute__((always_inline)) void
turnpike_policers_give_back(struct turnpike_policer *const level[TURNPIKE_POLICER_LEVELS],
			    __u32 bytes)
{
	int i;

	for (i = 0; i < TURNPIKE_POLICER_LEVELS && level[i]; i++)
		turnpike_policer_give_back(level[i], bytes);
}

#endif /* TURNPIKE_POLICER_H */
