/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file host_maps.h
 * The maps on the host, and what else the programs share with the rest of the world: their
 * constants, the time, what they tell.
 */
#ifndef TURNPIKE_HOST_MAPS_H
#define TURNPIKE_HOST_MAPS_H

#include <stdbool.h>
#include <stddef.h>

#include "flows/encode.h"

#define HOST_NEXTHOPS 16
#define HOST_POLICERS 8

/** struct host_maps - but for flows, which are found by key */
struct host_maps {
	struct turnpike_ports ports;
	struct turnpike_nexthop nexthops[HOST_NEXTHOPS];
	struct turnpike_policer policers[HOST_POLICERS];
	struct turnpike_device devices[TURNPIKE_SLOTS];
	struct turnpike_counter counters[TURNPIKE_COUNTERS];
	struct turnpike_trial trial;
	struct turnpike_taken taken[TURNPIKE_TRIAL_ENDS]; /* the first n_taken */
	__u32 taken_ends[TURNPIKE_TRIAL_ENDS];            /* their keys */
	__u32 n_taken;
	struct turnpike_event_record told; /* the last of n_told */
	__u32 n_told;
};

extern struct host_maps host_maps;

/** host_configure() - the constants of the programs that run from now on, and whether at TC */
void host_configure(__u32 ifindex, __u32 slot, bool skb, bool tc);

/** host_set_now() - the time, CLOCK_MONOTONIC in ns, that programs see from now on */
void host_set_now(__u64 now);

/** host_redirected() - the device of the last bpf_redirect(); 0: none since this was called */
__u32 host_redirected(void);

/** host_set_flow() - add or replace */
void host_set_flow(const struct encoded_flow *flow);

/** host_flow() - or NULL; lent until it is set again or deleted */
struct turnpike_flow *host_flow(const struct flow_key *key);

/** host_delete_flow() - returns whether there was one */
bool host_delete_flow(const struct flow_key *key);

#endif /* TURNPIKE_HOST_MAPS_H */
