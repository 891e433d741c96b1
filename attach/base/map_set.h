/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps of a handle: descriptors, and the memory of those that are mapped. Where they were made,
 * their skeleton holds the programs that the library calls itself (call.h). loader.c loads the
 * programs that packets run, each on its own, with these maps.
 */
#ifndef TURNPIKE_ATTACH_BASE_MAP_SET_H
#define TURNPIKE_ATTACH_BASE_MAP_SET_H

#include <stddef.h>
#include <turnpike/abi.h>

struct privileged;
struct turnpike_bpf;

/** All maps that programs share: see map_names. */
enum map_id {
	MAP_PORTS,
	MAP_FLOWS4,
	MAP_FLOWS6,
	MAP_SENDS,
	MAP_NEXTHOPS,
	MAP_DEVICES,
	MAP_COUNTERS,
	MAP_POLICERS,
	MAP_EVENTS,
	MAP_SAMPLES,
	MAP_TRIALS,
	MAP_TAKEN,
	N_MAPS,
};

/** map_names - by enum map_id, as in programs/maps.h */
extern const char *const map_names[N_MAPS];

/** struct maps - begin with MAPS_NONE */
struct maps {
	struct turnpike_bpf *skeleton; /* NULL: they were made elsewhere */
	int fds[N_MAPS];               /* -1: none */
	__u32 max_flows;               /* of each family */
	__u32 max_nexthops;
	__u32 max_policers;
	__u64 confirm_ns;              /* see struct turnpike_config */
	struct privileged *privileged; /* of the handle */
	__u64 check_offset;            /* of the check clock from CLOCK_MONOTONIC, ns */
	/* Mapped memory, shared with the programs. */
	struct turnpike_ports *ports;
	struct turnpike_nexthop *nexthops;
	struct turnpike_device *devices; /* TURNPIKE_SLOTS */
	struct turnpike_policer *policers;
	struct turnpike_trial *trial;
};

#define MAPS_NONE                                   \
	(struct maps)                               \
	{                                           \
		.fds = { [0 ... N_MAPS - 1] = -1 }, \
	}

/** struct map_options - numbers of elements, and the time between two checks of a flow */
struct map_options {
	__u32 flows; /* of each family */
	__u32 nexthops;
	__u32 policers;
	__u32 pad;
	__u64 confirm_ns; /* see struct turnpike_config */
};

/**
 * maps_map() - map the memory of maps whose descriptors are known
 * @options: by which they were made
 *
 * Return: 0 or -ENOMEM.
 */
int maps_map(struct maps *maps, const struct map_options *options);

/** maps_close() - unmap and release the maps, which become MAPS_NONE */
void maps_close(struct maps *maps);

/** maps_set_interval() - for all devices: see struct turnpike_device */
void maps_set_interval(const struct maps *maps, __u64 interval);

/** maps_set_may_be_decrypted() - for all devices: see struct turnpike_device */
void maps_set_may_be_decrypted(const struct maps *maps, bool may);

/** maps_try() - look an element up. Return: 0, or a negative errno of bpf(2). */
int maps_try(const struct maps *maps);

/** taken_read() - read the frame that a trial has grown at @end. Return: 0; -ENOENT: none yet. */
int taken_read(const struct maps *maps, enum turnpike_trial_end end, struct turnpike_taken *ret);

/** taken_forget() - delete that frame, so that a trial takes another */
void taken_forget(const struct maps *maps, enum turnpike_trial_end end);

/**
 * counters_for_each() - call @fn for each counter of a slot that is not 0, summed over all CPUs
 *
 * Return: 0, a negative errno of bpf(2), or what @fn returned other than 0, which ends the list.
 */
int counters_for_each(const struct maps *maps, __u32 slot,
		      int (*fn)(enum turnpike_direction direction, enum turnpike_verdict verdict,
				const struct turnpike_counter *counter, void *arg),
		      void *arg);

#endif /* TURNPIKE_ATTACH_BASE_MAP_SET_H */
