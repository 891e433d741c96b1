/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps of one handle. The skeleton that made them also holds the programs that the library
 * calls; the programs that packets run are loaded by loader.c, each on its own, with these maps.
 */
#ifndef TURNPIKE_ATTACH_BASE_MAP_SET_H
#define TURNPIKE_ATTACH_BASE_MAP_SET_H

#include <turnpike/abi.h>

#include "flows/encode.h"

struct turnpike_bpf;

struct maps {
	struct turnpike_bpf *skeleton;
	__u32 max_flows; /* of each family */
	__u32 max_nexthops;
	__u32 max_policers;
	/* Mapped into our memory; packets read them there. */
	struct turnpike_ports *ports;
	struct turnpike_nexthop *nexthops;
	struct turnpike_device *devices; /* TURNPIKE_SLOTS */
	struct turnpike_policer *policers;
	struct turnpike_trial *trial;
};

/** How many elements the larger maps have. */
struct map_sizes {
	__u32 flows; /* of each family */
	__u32 nexthops;
	__u32 policers;
};

/** maps_open() - make the maps; 0 or a negative errno, then nothing is left. */
int maps_open(const struct map_sizes *sizes, struct maps *ret);

/** maps_close() - unmap and let go of the maps; fine on a zeroed struct. */
void maps_close(struct maps *maps);

/** maps_events_fd() - the map events; its own */
int maps_events_fd(const struct maps *maps);

/** flow_add() - -EEXIST: the key is there; -ENOSPC: the map is full. */
int flow_add(const struct maps *maps, const struct encoded_flow *encoded);

/** flow_read() - what is there for the key; -ENOENT. */
int flow_read(const struct maps *maps, const struct flow_key *key, struct turnpike_flow *ret);

/**
 * flow_replace() - another recipe for the key, whose counters and flow label go on; -ENOENT
 * Packets meet the old one or the new. What the old one counts at this very moment may be lost.
 */
int flow_replace(const struct maps *maps, const struct encoded_flow *encoded);

/** flow_set_expiry() - in place, without touching the counters; -ENOENT. */
int flow_set_expiry(const struct maps *maps, const struct flow_key *key, __u64 expires);

/** jiffies_read() - the kernel's ticks so far; 0 or a negative errno of bpf(2) */
int jiffies_read(const struct maps *maps, __u64 *ret);

/** flow_delete() - -ENOENT: it was not there. */
int flow_delete(const struct maps *maps, const struct flow_key *key);

/** taken_read() - the frame that a trial has grown at @end, as it was before; -ENOENT: none yet. */
int taken_read(const struct maps *maps, enum turnpike_trial_end end, struct turnpike_taken *ret);

/** taken_forget() - let a trial take another one */
void taken_forget(const struct maps *maps, enum turnpike_trial_end end);

/**
 * counters_for_each() - the counters of a slot that are not zero, each the sum over all CPUs
 * Returns 0, a negative errno of bpf(2), or what @fn returned other than 0, which ends it.
 */
int counters_for_each(const struct maps *maps, __u32 slot,
		      int (*fn)(enum turnpike_direction direction, enum turnpike_verdict verdict,
				const struct turnpike_counter *counter, void *arg),
		      void *arg);

#endif /* TURNPIKE_ATTACH_BASE_MAP_SET_H */
