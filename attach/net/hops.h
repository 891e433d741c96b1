/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The map `nexthops`: which of its elements are in use, and how one changes while packets read it.
 */
#ifndef TURNPIKE_ATTACH_NET_HOPS_H
#define TURNPIKE_ATTACH_NET_HOPS_H

#include <stdbool.h>

#include <turnpike/abi.h>

/** All zero until hops_open(). */
struct hops {
	struct turnpike_nexthop *map;
	__u32 max;
	__u32 *free; /* a ring of indexes, never 0 */
	__u32 first; /* of the ring: the one that was given back first */
	__u32 n_free;
	bool *unsettled; /* by index: a packet may still be reading what was there before */
	__u64 waited; /* when somebody who took an element last waited for packets, ns; 0: never */
};

/** hops_open() - @map is the mapped array with @max elements, at least 1; lent. 0 or -ENOMEM. */
int hops_open(struct turnpike_nexthop *map, __u32 max, struct hops *ret);

/** hops_close() - fine also after hops_open() has failed, or was not called. */
void hops_close(struct hops *hops);

/**
 * hops_prepare() - get @n elements ready for hops_take()
 *
 * Programs that still run with an index that was given back must end before that index is used
 * again. Waiting for them takes some 30 ms on a busy machine. One wait is enough for all elements,
 * and there is at most one a second, because clients decide how often pairs come and go.
 *
 * @now: CLOCK_MONOTONIC, ns
 *
 * Returns 0; -ENOSPC: fewer are free; -EAGAIN: enough are free, but programs may still use them,
 * and the last wait was less than a second ago.
 */
int hops_prepare(struct hops *hops, __u32 n, __u64 now);

/**
 * hops_take() - an element for a new pair of addresses, not resolved
 *
 * The least recently freed one, because packets in flight may hold its index.
 *
 * Returns 0; an error of hops_prepare(); -EIO without random numbers.
 */
int hops_take(struct hops *hops, __u64 now, __u32 *ret);

/** hops_give() - no flow has the index any more. Packets that have it may still go that way. */
void hops_give(struct hops *hops, __u32 index);

/** hops_set() - packets from now on see all of @hop; before they saw all of another. */
void hops_set(struct hops *hops, __u32 index, const struct turnpike_hop *hop);

/** hops_get() - what packets see now. */
const struct turnpike_hop *hops_get(const struct hops *hops, __u32 index);

#endif /* TURNPIKE_ATTACH_NET_HOPS_H */
