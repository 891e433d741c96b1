/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * May this packet leave by this hop, now? The last checks before the frame is changed.
 */
#ifndef TURNPIKE_ADMIT_H
#define TURNPIKE_ADMIT_H

#include "bulk.h"
#include "checksum.h"

/* Tells a partial UDP checksum from a full one: see checksum.h. */
static __always_inline enum udp_checksum classify_checksum(ctx_t *ctx, struct packet *pkt,
							   const struct turnpike_flow *flow)
{
	const __u32 datagram = pkt->in_hlen - channel_hlen(pkt->channel) - sizeof(struct udphdr);
	__u16 pseudo = pseudo_sum(flow->pseudo_in_sum, pkt->udp_len);
	__u64 sum;

	if (!pkt->udp_check)
		return CHECKSUM_ABSENT;
	if (likely(pkt->udp_check != pseudo))
		return CHECKSUM_FULL;
	if (pkt->data_len > MAX_DATA || ctx_pull(ctx, pkt->in_hlen + pkt->data_len))
		return CHECKSUM_FULL;

	pkt->data_sum = sum_fold(sum_bytes(ctx, pkt->in_hlen, pkt->data_len));
	sum = sum_rest(ctx, datagram, pkt->in_hlen - datagram);
	sum += (__u64)pseudo + pkt->data_sum + pkt->padding_sum;
	return sum_fold(sum) == 0xffff ? CHECKSUM_FULL : CHECKSUM_PARTIAL;
}

static __always_inline enum turnpike_verdict admit(ctx_t *ctx, struct packet *pkt,
						   const struct turnpike_flow *flow,
						   const struct turnpike_hop *hop)
{
	/* Coarse: the last tick, a few ms old at most, for a fraction of the price (Linux 5.11). */
	if (bpf_ktime_get_coarse_ns() >= flow->expires)
		return TURNPIKE_EXPIRED;
	/* RFC 8656 section 21.1.7: against loops; 1 is not sent on, as by any router. */
	if (pkt->ttl <= 1)
		return TURNPIKE_TTL;
	if (!hop || !hop->ifindex)
		return TURNPIKE_NO_NEXTHOP;
	if (!config.skb && hop->ifindex != config.ifindex && !(hop->flags & TURNPIKE_HOP_XDP_XMIT))
		return TURNPIKE_NO_EGRESS;
	if (pkt->out_hlen - ETH_HLEN + pkt->data_len > hop->mtu)
		return TURNPIKE_TOO_BIG;
	if (pkt->padding) {
		if (ctx_pull(ctx, pkt->in_hlen + pkt->data_len + pkt->padding))
			return TURNPIKE_NO_ROOM;
		pkt->padding_sum = padding_sum(ctx, pkt);
	}
	pkt->checksum = classify_checksum(ctx, pkt, flow);
	return TURNPIKE_RELAYED;
}

#endif /* TURNPIKE_ADMIT_H */
