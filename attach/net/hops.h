/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The map `nexthops`: allocation of its elements, and updates while programs read them.
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
	__u32 first; /* of the ring: the least recently freed */
	__u32 n_free;
	bool *unsettled; /* by index: a program may still read the previous value */
	__u64 waited;    /* last wait for programs to end, ns; 0: never */
};

/**
 * hops_open() - start with all elements free
 * @map: the mapped array with @max elements, at least 1; must live as long as @ret
 *
 * Return: 0 or -ENOMEM.
 */
int hops_open(struct turnpike_nexthop *map, __u32 max, struct hops *ret);

/** hops_close() - free the memory; also allowed if hops_open() failed or was not called. */
void hops_close(struct hops *hops);

/**
 * hops_prepare() - prepare @n elements for hops_take()
 *
 * Programs that still run with an index that was given back must end before that index is used
 * again. Waiting for them takes some 30 ms on a busy machine. One wait is enough for all elements,
 * and there is at most one a second, because clients decide how often pairs come and go.
 *
 * @now: CLOCK_MONOTONIC, ns
 *
 * Return: 0; -ENOSPC if fewer are free; -EAGAIN if programs may still use them, and the last wait
 * was less than a second ago.
 */
int hops_prepare(struct hops *hops, __u32 n, __u64 now);

/**
 * hops_take() - allocate an element, not resolved
 *
 * Reuses the least recently freed one, because packets in flight may hold its index.
 *
 * Return: 0; an error of hops_prepare(); -EIO without random numbers.
 */
int hops_take(struct hops *hops, __u64 now, __u32 *ret);

/** hops_give() - free an index that no flow has. Packets in flight may still use it. */
void hops_give(struct hops *hops, __u32 index);

/**
 * hops_set() - change a hop atomically: packets see the old one or all of @hop
 *
 * Unless it is equal, this ends the confirmation of all flows that use it, as hops_renew() does.
 */
void hops_set(struct hops *hops, __u32 index, const struct turnpike_hop *hop);

/** hops_renew() - end the confirmation of all flows that use a hop; the hop stays. */
void hops_renew(struct hops *hops, __u32 index);

/** hops_get() - get the hop that packets see. */
const struct turnpike_hop *hops_get(const struct hops *hops, __u32 index);

#endif /* TURNPIKE_ATTACH_NET_HOPS_H */
