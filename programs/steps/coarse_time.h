/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The time at the last tick, a few ms old at most.
 *
 * bpf_ktime_get_coarse_ns() says the same, but a call that returns costs 10 ns and more where the
 * kernel must keep returns from being predicted (retbleed, SRSO), and this one calls another. The
 * verifier makes one load of bpf_jiffies64() (Linux 5.6).
 */
#ifndef TURNPIKE_PROGRAMS_STEPS_COARSE_TIME_H
#define TURNPIKE_PROGRAMS_STEPS_COARSE_TIME_H

#include "maps.h"

/* CLOCK_MONOTONIC, ns. */
static __always_inline __u64 coarse_now(void)
{
	const __u32 slot = config.slot;
	const struct turnpike_device *device = bpf_map_lookup_elem(&devices, &slot);

	/* Always there, and if not, then all flows have expired. */
	return device ? bpf_jiffies64() * config.tick_ns + device->tick_zero : ~0ull;
}

#endif /* TURNPIKE_PROGRAMS_STEPS_COARSE_TIME_H */
