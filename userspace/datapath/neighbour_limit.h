/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file neighbour_limit.h
 * How many neighbours that do not answer one user may make the host's kernel look for, by datagrams
 * that are relayed in user space.
 *
 * Each takes an entry of the kernel's table until the kernel gives up. If the table is full, no
 * program of the host reaches a host on its networks that it has not talked to before.
 *
 * One thread at a time.
 */
#ifndef TURNPIKE_DATAPATH_NEIGHBOUR_LIMIT_H
#define TURNPIKE_DATAPATH_NEIGHBOUR_LIMIT_H

#include <stdbool.h>
#include <stdint.h>
#include <turnpike/turnpike.h>

/** How long Linux keeps an entry while it waits for an answer: three probes, one each second. */
#define NEIGHBOUR_PROBE_NS 3000000000ull

struct neighbour_limit;

/** neighbour_limit_new() - no limit until neighbour_limit_set(). NULL: no memory. */
struct neighbour_limit *neighbour_limit_new(void);

/** neighbour_limit_free() - accepts NULL */
void neighbour_limit_free(struct neighbour_limit *limit);

/**
 * neighbour_limit_set() - change the limit; what a user has used up stays used up
 * @ipv4, @ipv6: entries of the kernel's table that one user may have at a time; 0: no limit
 * @now:         CLOCK_MONOTONIC, ns
 */
void neighbour_limit_set(struct neighbour_limit *limit, uint32_t ipv4, uint32_t ipv6, uint64_t now);

/**
 * neighbour_limit_probe() - may a user make the kernel look for a peer, for NEIGHBOUR_PROBE_NS?
 * @now: CLOCK_MONOTONIC, ns
 */
bool neighbour_limit_probe(struct neighbour_limit *limit, const char *user,
			   enum turnpike_family family, uint64_t now);

#endif /* TURNPIKE_DATAPATH_NEIGHBOUR_LIMIT_H */
