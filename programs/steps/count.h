/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Counts each packet once under its verdict, and notes (TURNPIKE_KIND_NOTE) besides.
 */
#ifndef TURNPIKE_PROGRAMS_STEPS_COUNT_H
#define TURNPIKE_PROGRAMS_STEPS_COUNT_H

#include "maps.h"

static __always_inline void count(enum turnpike_verdict verdict, enum turnpike_direction direction,
				  __u32 bytes)
{
	const __u32 index = turnpike_counter_index(config.slot, direction, verdict);
	struct turnpike_counter *counter = bpf_map_lookup_elem(&counters, &index);

	if (!counter)
		return;
	/* Not atomic: per CPU, and programs run in softirqs, which do not nest. */
	counter->packets++;
	counter->bytes += bytes;
}

static __always_inline void count_flow(struct turnpike_flow *flow, __u32 bytes)
{
	__sync_fetch_and_add(&flow->packets, 1);
	__sync_fetch_and_add(&flow->bytes, bytes);
}

#endif /* TURNPIKE_PROGRAMS_STEPS_COUNT_H */
