/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From the packet to its flow, with one look-up, and from the flow to its next hop.
 */
#ifndef TURNPIKE_FLOW_H
#define TURNPIKE_FLOW_H

#include "maps.h"
#include "packet.h"

static __always_inline struct turnpike_flow *find_flow(struct packet *pkt)
{
	if (pkt->family == TURNPIKE_IPV4) {
		pkt->key4.channel = pkt->channel;
		return bpf_map_lookup_elem(&flows4, &pkt->key4);
	}
	pkt->key6.channel = pkt->channel;
	return bpf_map_lookup_elem(&flows6, &pkt->key6);
}

static __always_inline struct turnpike_nexthop *find_nexthop(const struct turnpike_flow *flow)
{
	const __u32 index = flow->nexthop;

	return bpf_map_lookup_elem(&nexthops, &index);
}

/* The one of the two that the packet has chosen, once: they may change under it. */
static __always_inline const struct turnpike_hop *
chosen_hop(const struct packet *pkt, const struct turnpike_nexthop *nexthop)
{
	return &nexthop->hop[pkt->hop & 1];
}

static __always_inline enum turnpike_direction direction(const struct packet *pkt)
{
	if (!pkt->channel)
		return TURNPIKE_DIR_TO_CLIENT;
	return pkt->out_channel ? TURNPIKE_DIR_HAIRPIN : TURNPIKE_DIR_TO_PEER;
}

#endif /* TURNPIKE_FLOW_H */
