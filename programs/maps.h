/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The maps that all programs share, defined in maps.bpf.c. docs/abi.md documents each of them.
 */
#ifndef TURNPIKE_PROGRAMS_MAPS_H
#define TURNPIKE_PROGRAMS_MAPS_H

#include "common.h"

/* For loaders other than the library, which sets the sizes of these maps itself. */
#define DEFAULT_FLOWS    65536
#define DEFAULT_NEXTHOPS 16384
#define DEFAULT_POLICERS 16384

struct ports_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct turnpike_ports);
};

struct flows4_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, DEFAULT_FLOWS);
	__type(key, struct turnpike_key4);
	__type(value, struct turnpike_flow);
};

struct flows6_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, DEFAULT_FLOWS);
	__type(key, struct turnpike_key6);
	__type(value, struct turnpike_flow);
};

struct sends_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, DEFAULT_FLOWS);
	__type(key, struct turnpike_send_key);
	__type(value, struct turnpike_flow);
};

struct nexthops_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, DEFAULT_NEXTHOPS);
	__type(key, __u32);
	__type(value, struct turnpike_nexthop);
};

struct devices_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, TURNPIKE_SLOTS);
	__type(key, __u32);
	__type(value, struct turnpike_device);
};

struct counters_map {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, TURNPIKE_COUNTERS);
	__type(key, __u32);
	__type(value, struct turnpike_counter);
};

struct policers_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, DEFAULT_POLICERS);
	__type(key, __u32);
	__type(value, struct turnpike_policer);
};

/* In bytes: room for 101 events; the library allows bursts of 100. Further events are dropped. */
struct events_map {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 17);
};

/* Samples wait for milliseconds: room for many more flows than are sampled in that time. */
struct samples_map {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 16384);
	__type(key, struct turnpike_sample_key);
	__type(value, struct turnpike_sample);
};

struct trials_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct turnpike_trial);
};

struct taken_map {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, TURNPIKE_TRIAL_ENDS);
	__type(key, __u32);
	__type(value, struct turnpike_taken);
};

extern struct ports_map ports SEC(".maps");
extern struct flows4_map flows4 SEC(".maps");
extern struct flows6_map flows6 SEC(".maps");
extern struct sends_map sends SEC(".maps");
extern struct nexthops_map nexthops SEC(".maps");
extern struct devices_map devices SEC(".maps");
extern struct counters_map counters SEC(".maps");
extern struct policers_map policers SEC(".maps");
extern struct events_map events SEC(".maps");
extern struct samples_map samples SEC(".maps");

#endif /* TURNPIKE_PROGRAMS_MAPS_H */
