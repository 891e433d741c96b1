/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file host_maps.h
 * Maps, constants, time and events of the programs on the host.
 */
#ifndef TURNPIKE_TESTS_HOST_HOST_MAPS_H
#define TURNPIKE_TESTS_HOST_HOST_MAPS_H

#include <stdbool.h>
#include <stddef.h>

#include "flows/encode.h"

#define HOST_NEXTHOPS 16
#define HOST_POLICERS 10
#define HOST_SAMPLES  8

/* Time stands still. What the clocks of a device show is this later than their zero. ns. */
#define HOST_JIFFIES 4321
#define HOST_TICK_NS 4000000
#define HOST_UPTIME  ((__u64)HOST_JIFFIES * HOST_TICK_NS)

/** struct host_sample - element of samples */
struct host_sample {
	struct turnpike_sample_key key;
	struct turnpike_sample sample;
};

/** struct host_maps - all maps but the flows, which are looked up by key */
struct host_maps {
	struct turnpike_ports ports;
	struct turnpike_nexthop nexthops[HOST_NEXTHOPS];
	struct turnpike_policer policers[HOST_POLICERS];
	struct turnpike_device devices[TURNPIKE_SLOTS];
	struct turnpike_counter counters[TURNPIKE_COUNTERS];
	struct turnpike_trial trial;
	struct turnpike_taken taken[TURNPIKE_TRIAL_ENDS]; /* n_taken values */
	__u32 taken_ends[TURNPIKE_TRIAL_ENDS];            /* and their keys */
	__u32 n_taken;
	struct turnpike_event_record event; /* the last of n_events */
	__u32 n_events;
	struct host_sample samples[HOST_SAMPLES]; /* n_samples, the oldest first */
	__u32 n_samples;
	__u32 random; /* what bpf_get_prandom_u32() returns next */
};

extern struct host_maps host_maps;

/** host_after() - the number that bpf_get_prandom_u32() returns after @random */
static inline __u32 host_after(__u32 random)
{
	return random * 1103515245 + 12345;
}

/** host_configure() - set the constants of the programs, and whether they run in TC */
void host_configure(__u32 ifindex, __u32 slot, bool skb, bool tc, bool confirms);

/** host_redirected() - device of the last bpf_redirect() since the last call; 0: none */
__u32 host_redirected(void);

/** host_set_flow() - add or replace a flow */
void host_set_flow(const struct encoded_flow *flow);

/** host_set_sample() - add or replace a sample */
void host_set_sample(const struct turnpike_sample_key *key, const struct turnpike_sample *value);

/** host_flow() - look up a flow. Return: NULL, or a flow valid until it is replaced or deleted */
struct turnpike_flow *host_flow(const struct flow_key *key);

/** host_delete_flow() - delete a flow. Return: false if there was none */
bool host_delete_flow(const struct flow_key *key);

#endif /* TURNPIKE_TESTS_HOST_HOST_MAPS_H */
