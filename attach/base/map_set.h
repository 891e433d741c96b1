/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps of a handle. Their skeleton also holds the programs that the library calls itself
 * (call.h). loader.c loads the programs that packets run, each on its own, with these maps.
 */
#ifndef TURNPIKE_ATTACH_BASE_MAP_SET_H
#define TURNPIKE_ATTACH_BASE_MAP_SET_H

#include <stddef.h>
#include <turnpike/abi.h>

struct privileged;
struct turnpike_bpf;

struct maps {
	struct turnpike_bpf *skeleton;
	__u32 max_flows; /* of each family */
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

/** struct map_options - numbers of elements, and the time between two checks of a flow */
struct map_options {
	__u32 flows; /* of each family */
	__u32 nexthops;
	__u32 policers;
	__u64 confirm_ns; /* see struct turnpike_config */
};

/** maps_open() - create the maps. Return: 0, or a negative errno; nothing is left then. */
int maps_open(const struct map_options *options, struct maps *ret);

/** maps_close() - unmap and release the maps; a zeroed struct is allowed */
void maps_close(struct maps *maps);

/** maps_set_interval() - for all devices: see struct turnpike_device */
void maps_set_interval(const struct maps *maps, __u64 interval);

/** maps_set_may_be_decrypted() - for all devices: see struct turnpike_device */
void maps_set_may_be_decrypted(const struct maps *maps, bool may);

/** More than there are descriptors of maps, of programs to call, and of the BTF. */
#define MAPS_FILES_MAX 64

/**
 * maps_files() - list the descriptors that belong to @maps
 * @ret: at most @max of them
 *
 * Return: their number.
 */
size_t maps_files(const struct maps *maps, int *ret, size_t max);

/** maps_close_programs() - keep the maps only, when another process calls the programs */
void maps_close_programs(struct maps *maps);

/** maps_try() - look an element up. Return: 0, or a negative errno of bpf(2). */
int maps_try(const struct maps *maps);

/** maps_events_fd() - file descriptor of the map events; it belongs to @maps */
int maps_events_fd(const struct maps *maps);

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
