/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The time at the last tick, at most a few ms ago, and the check clock, which tells how old a
 * confirmation is: see struct turnpike_device.
 *
 * bpf_ktime_get_coarse_ns() returns the same, but costs two calls, and a call costs 10 ns and more
 * on CPUs whose return predictor is mitigated (retbleed, SRSO). The verifier turns bpf_jiffies64()
 * into a single load (Linux 5.6).
 */
#ifndef TURNPIKE_PROGRAMS_STEPS_COARSE_TIME_H
#define TURNPIKE_PROGRAMS_STEPS_COARSE_TIME_H

#include "maps.h"

/* Return: CLOCK_MONOTONIC in ns. */
static __always_inline __u64 coarse_now(void)
{
	const __u32 slot = config.slot;
	const struct turnpike_device *device = bpf_map_lookup_elem(&devices, &slot);

	/* The lookup cannot fail; if it did, all flows would have expired. */
	return device ? bpf_jiffies64() * config.tick_ns + device->tick_zero : ~0ull;
}

/* Return: the check clock, ns. */
static __always_inline __u64 check_now(void)
{
	const __u32 slot = config.slot;
	const struct turnpike_device *device = bpf_map_lookup_elem(&devices, &slot);

	return device ? bpf_jiffies64() * config.tick_ns + device->check_zero : ~0ull;
}

/* Return: the time between two checks of a flow, ns. */
static __always_inline __u64 check_interval(void)
{
	const __u32 slot = config.slot;
	const struct turnpike_device *device = bpf_map_lookup_elem(&devices, &slot);

	return device ? device->interval : config.confirm_ns;
}

#endif /* TURNPIKE_PROGRAMS_STEPS_COARSE_TIME_H */
