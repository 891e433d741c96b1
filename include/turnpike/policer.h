/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file policer.h
 * Token buckets that programs and servers share: a packet is charged alike on the fast path and on
 * the slow path.
 *
 * A bucket is kept as the time at which it will be full again (the generic cell rate algorithm,
 * ITU-T I.371). That is one word, changed by compare-and-swap, without a lock.
 *
 * Buckets nest: that of an allocation, those of its user (bytes and packets), and the server's. A
 * packet is charged to every level or to none.
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
#define TURNPIKE_POLICER_LEVELS 4

/** What a bucket holds. */
enum turnpike_policer_unit {
	TURNPIKE_POLICER_BYTES,   /* a packet takes its data and TURNPIKE_POLICER_OVERHEAD */
	TURNPIKE_POLICER_PACKETS, /* a packet takes one */
};

/**
 * Bytes that a packet costs besides its application data, so that small and empty ones are not
 * free: all that an Ethernet can carry around the data, without VLAN tags. That is the preamble,
 * header, check sequence and gap (8 + 14 + 4 + 12), IPv6 and UDP headers (40 + 8), and the header
 * of ChannelData (4). It is also more than the shortest frame with its preamble and gap (84).
 */
#define TURNPIKE_POLICER_OVERHEAD 90u

/**
 * struct turnpike_policer - a token bucket: an element of the map policers
 * @full:   CLOCK_MONOTONIC, ns: when the bucket will be full, if nothing else is charged
 * @cost:   ns to regain one unit, with TURNPIKE_POLICER_SHIFT fraction bits; 0: no limit
 * @burst:  ns to fill an empty bucket
 * @parent: index of the bucket one level up; 0: none
 * @unit:   enum turnpike_policer_unit
 */
struct turnpike_policer {
	__u64 full;
	__u64 cost;
	__u64 burst;
	__u32 parent;
	__u32 unit;
};

/** The least default burst, bytes: any datagram fits, however low the rate. */
#define TURNPIKE_POLICER_BURST (65536ull + TURNPIKE_POLICER_OVERHEAD)

/** The least default burst, packets: a few frames of video, each of a dozen packets. */
#define TURNPIKE_POLICER_PACKET_BURST 64ull

/** 128 Gbit/s in bytes/s. A higher rate is no limit; up to it the arithmetic cannot overflow. */
#define TURNPIKE_POLICER_RATE 16000000000ull

/** The longest time to fill a bucket: an hour, in ns. Below 19 bytes/s it shortens the burst. */
#define TURNPIKE_POLICER_FILL 3600000000000ull

/** turnpike_policer_read() - read a word that others may change */
static inline __attribute__((always_inline)) __u64 turnpike_policer_read(const __u64 *word)
{
#ifdef __bpf__
	/* clang has no atomic loads for BPF; there, each load of a word is one instruction. */
	return *(const volatile __u64 *)word;
#else
	return __atomic_load_n(word, __ATOMIC_RELAXED);
#endif
}

/** turnpike_policer_ns() - time to regain @units at @rate a second: ns, TURNPIKE_POLICER_FILL at
 * most
 */
static inline __u64 turnpike_policer_ns(__u64 rate, __u64 units)
{
	const __u64 second = 1000000000ull;

	if (units / rate >= TURNPIKE_POLICER_FILL / second)
		return TURNPIKE_POLICER_FILL;
	return units / rate * second + units % rate * second / rate;
}

/** turnpike_policer_burst() - the default burst: a quarter of a second at @rate, or the least */
static inline __u64 turnpike_policer_burst(__u32 unit, __u64 rate)
{
	const __u64 least = unit == TURNPIKE_POLICER_PACKETS ? TURNPIKE_POLICER_PACKET_BURST
							     : TURNPIKE_POLICER_BURST;

	return rate / 4 > least ? rate / 4 : least;
}

/**
 * turnpike_policer_make() - make a full bucket without a parent
 * @unit:  enum turnpike_policer_unit
 * @rate:  units a second; 0: no limit
 * @burst: units; 0: turnpike_policer_burst()
 */
static inline struct turnpike_policer turnpike_policer_make(__u32 unit, __u64 rate, __u64 burst)
{
	struct turnpike_policer policer = { 0, 0, 0, 0, unit };

	if (!rate || rate > TURNPIKE_POLICER_RATE)
		return policer;
	policer.cost = (1000000000ull << TURNPIKE_POLICER_SHIFT) / rate;
	policer.burst =
		turnpike_policer_ns(rate, burst ? burst : turnpike_policer_burst(unit, rate));
	return policer;
}

/**
 * turnpike_policer_lack() - ns that a bucket lacks, in another burst
 * @lack: what it lacks of the burst @from
 * @from: ns; 0: it never had a limit
 * @to:   ns
 *
 * A bucket of which a third is missing lacks a third again, so that no sequence of changes fills
 * one. In microseconds, of which an hour's square fits in a word.
 */
static inline __u64 turnpike_policer_lack(__u64 lack, __u64 from, __u64 to)
{
	const __u64 part = (lack / 1000 + 1) * (to / 1000 + 1) / (from / 1000 + 1) * 1000;

	if (from && lack < from)
		lack = part;
	else if (from)
		lack = to;
	return lack < to ? lack : to;
}

/**
 * turnpike_policer_continue() - let a bucket that was just made lack what another one did
 * @now:  CLOCK_MONOTONIC, ns
 * @full: of the other one; 0: it is full
 *
 * At most, the bucket is empty: the other one may have had a longer burst.
 */
static inline void turnpike_policer_continue(struct turnpike_policer *policer, __u64 now,
					     __u64 full)
{
	const __u64 empty = now + policer->burst;

	policer->full = policer->cost && full > empty ? empty : full;
}

/**
 * turnpike_policer_change() - change rate and burst of a bucket in use; it stays as full as it is
 * @now: CLOCK_MONOTONIC, ns
 *
 * Only one thread at a time may change it. The words change one by one: a packet may be charged by
 * the new @cost and the old @burst. When the limit is removed, @full and @burst keep their values,
 * in case a limit is set again.
 */
static inline void turnpike_policer_change(struct turnpike_policer *policer, __u64 now, __u64 rate,
					   __u64 burst)
{
	const struct turnpike_policer made = turnpike_policer_make(policer->unit, rate, burst);
	const __u64 from = policer->burst;
	__u64 full, to;

	__atomic_store_n(&policer->cost, made.cost, __ATOMIC_RELAXED);
	if (!made.cost)
		return;
	__atomic_store_n(&policer->burst, made.burst, __ATOMIC_RELAXED);
	do {
		full = turnpike_policer_read(&policer->full);
		if (full <= now)
			return;
		to = now + turnpike_policer_lack(full - now, from, made.burst);
	} while (__sync_val_compare_and_swap(&policer->full, full, to) != full);
}

/** turnpike_policer_cost() - @units at @cost: the charge, ns. Cannot overflow for a packet. */
static inline __u64 turnpike_policer_cost(__u64 cost, __u32 units)
{
	return units * cost >> TURNPIKE_POLICER_SHIFT;
}

/** turnpike_policer_units() - what a packet with @bytes of application data takes */
static inline __u32 turnpike_policer_units(const struct turnpike_policer *policer, __u32 bytes)
{
	return policer->unit == TURNPIKE_POLICER_PACKETS ? 1 : bytes + TURNPIKE_POLICER_OVERHEAD;
}

/**
 * turnpike_policer_charge() - charge @units to one bucket if it holds as many
 * @now: CLOCK_MONOTONIC, ns; a coarse clock, a few ms late, is good enough
 *
 * Safe on any number of CPUs and threads.
 *
 * Return: true if the packet may pass.
 */
static inline __attribute__((always_inline)) bool
turnpike_policer_charge(struct turnpike_policer *policer, __u64 now, __u32 units)
{
	const __u64 each = turnpike_policer_read(&policer->cost);
	const __u64 cost = turnpike_policer_cost(each, units);
	__u64 full, start;
	int i;

	/* The arithmetic cannot tell: @full may be ahead of a coarse clock, and @burst is 0. */
	if (!each)
		return true;
	for (i = 0; i < TURNPIKE_POLICER_TRIES; i++) {
		full = turnpike_policer_read(&policer->full);
		start = full > now ? full : now;
		if (start + cost - now > turnpike_policer_read(&policer->burst))
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
turnpike_policer_give_back(struct turnpike_policer *policer, __u32 units)
{
	const __u64 cost = turnpike_policer_cost(turnpike_policer_read(&policer->cost), units);

	/* Without a limit, leave the cache line to its owner. */
	if (cost)
		__sync_fetch_and_add(&policer->full, -cost);
}

/** turnpike_policers_give_back() - undo turnpike_policers_charge() at the first @n levels */
static inline __attribute__((always_inline)) void
turnpike_policers_give_back(struct turnpike_policer *const level[TURNPIKE_POLICER_LEVELS], int n,
			    __u32 bytes)
{
	int i;

	for (i = 0; i < n && level[i]; i++)
		turnpike_policer_give_back(level[i], turnpike_policer_units(level[i], bytes));
}

/**
 * turnpike_policers_charge() - charge a packet to every level, or to none
 * @level: buckets from the lowest level up; NULL ends the list
 * @bytes: of application data
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
	int i;

	for (i = 0; i < TURNPIKE_POLICER_LEVELS && level[i]; i++) {
		if (turnpike_policer_charge(level[i], now, turnpike_policer_units(level[i], bytes)))
			continue;
		turnpike_policers_give_back(level, i, bytes);
		return false;
	}
	return true;
}

#endif /* TURNPIKE_POLICER_H */
