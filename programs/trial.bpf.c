// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Attached for a moment before the relay: does a program run on this device at all, and how much room
 * do frames have? Each end is moved and moved back, and the frame goes on as it came. The kernel has no
 * other way to tell before 6.2, and drivers' claims are not proof.
 */
#include "maps.h"

struct trials_map trials SEC(".maps");

static __always_inline void count_trial(__u64 *counter)
{
	__sync_fetch_and_add(counter, 1);
}

SEC("xdp")
int try_room(struct xdp_md *ctx)
{
	const __u32 key = 0;
	struct turnpike_trial *trial = bpf_map_lookup_elem(&trials, &key);

	if (!trial)
		return XDP_PASS;
	count_trial(&trial->frames);
	if (!bpf_xdp_adjust_head(ctx, -TURNPIKE_ROOM_MAX)) {
		count_trial(&trial->head);
		/* It cannot fail, since more room is left in front than before; a torn frame is not passed. */
		if (bpf_xdp_adjust_head(ctx, TURNPIKE_ROOM_MAX))
			return XDP_DROP;
	}
	if (!bpf_xdp_adjust_tail(ctx, TURNPIKE_ROOM_MAX)) {
		count_trial(&trial->tail);
		if (bpf_xdp_adjust_tail(ctx, -TURNPIKE_ROOM_MAX))
			return XDP_DROP;
	}
	return XDP_PASS;
}
