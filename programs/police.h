/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Limits on what an allocation may send and get; a flow without any pays for one comparison.
 */
#ifndef TURNPIKE_POLICE_H
#define TURNPIKE_POLICE_H

#include "clock.h"
#include "packet.h"

/* Not inlined: see bulk.h. */
__noinline bool charge(__u32 index, __u64 now, __u32 bytes)
{
	struct turnpike_policer *policer;

	if (!index)
		return true;
	policer = bpf_map_lookup_elem(&policers, &index);
	return !policer || turnpike_policer_charge(policer, now, bytes);
}

static __always_inline bool is_policed(const struct turnpike_flow *flow)
{
	return flow->policer[0] | flow->policer[1];
}

/* The last check of all, since it takes: what is passed up after it would be charged twice. */
static __always_inline bool police(const struct packet *pkt, const struct turnpike_flow *flow)
{
	__u64 now;

	if (likely(!is_policed(flow)))
		return true;
	now = coarse_now();
	return charge(flow->policer[0], now, pkt->data_len) &&
	       charge(flow->policer[1], now, pkt->data_len);
}

#endif /* TURNPIKE_POLICE_H */
