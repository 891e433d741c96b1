/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Makes room and writes new headers, from the flow and the few fields of the packet that survive
 * (RFC 8656 sections 13 and 14): DSCP, ECN and DF are kept, TTL is decremented, and the relay sets
 * all others.
 */
#ifndef TURNPIKE_PROGRAMS_STEPS_REWRITE_H
#define TURNPIKE_PROGRAMS_STEPS_REWRITE_H

#include "steps/flow.h"
#include "steps/police.h"
#include "steps/room.h"
#include "stop.h"

#define MAX_L3_HLEN (sizeof(struct ipv6hdr) + sizeof(struct udphdr) + CHANNEL_HLEN)

/* The fields of the outgoing UDP header that are not the flow's. */
struct new_udp {
	__u16 len;
	__u16 check;
};

static __always_inline __u16 udp_check(const struct packet *pkt, const struct turnpike_flow *flow,
				       __u16 udp_len)
{
	const __u32 framing = (__u32)channel_sum(pkt->out_framing, pkt->data_len) + pkt->out_sum;
	__u32 sum;

	switch (pkt->checksum) {
	case CHECKSUM_PARTIAL:
		return pseudo_sum(flow->pseudo_out_sum, udp_len);
	case CHECKSUM_COMPUTE:
		sum = (__u32)flow->pseudo_out_sum + 2 * bpf_htons(udp_len);
		sum += (__u32)flow->sport + flow->dport + framing + pkt->data_sum;
		return sum_to_udp_check(sum);
	default:
		/* RFC 1624, equation 3. The length is part of the pseudo-header, too. */
		sum = (__u32)(__u16)~pkt->udp_check + flow->l4_delta_sum;
		sum += 2 * ((__u32)bpf_htons(udp_len) + (__u16)~bpf_htons(pkt->udp_len));
		sum += framing + (__u16)~channel_sum(pkt->framing, pkt->data_len);
		sum += (__u16)~pkt->dropped_sum;
		return sum_to_udp_check(sum) & (__u16)(is_zero(pkt->udp_check) - 1);
	}
}

static __always_inline void write_ipv4(struct iphdr *ip, const struct packet *pkt,
				       const struct turnpike_flow *flow, __u16 udp_len)
{
	const __be16 tot_len = bpf_htons((__u16)(sizeof(*ip) + udp_len));
	const __be16 id = bpf_htons(pkt->ip4_id);
	const __u8 ttl = pkt->ttl - 1;
	__u32 sum = flow->ip4_sum;

	sum += bpf_htons(pkt->tos);
	sum += tot_len;
	sum += id;
	sum += pkt->frag_off;
	sum += bpf_htons((__u16)(ttl << 8));

	*(__be16 *)ip = bpf_htons((__u16)(IPV4_NO_OPTIONS << 8 | pkt->tos));
	ip->tot_len = tot_len;
	ip->id = id;
	ip->frag_off = pkt->frag_off;
	*(__be16 *)&ip->ttl = bpf_htons((__u16)(ttl << 8 | IPPROTO_UDP));
	ip->check = (__u16)~sum_fold(sum);
	ip->saddr = flow->src[0];
	ip->daddr = flow->dst[0];
}

static __always_inline void write_ipv6(struct ipv6hdr *ip, const struct packet *pkt,
				       const struct turnpike_flow *flow, __u16 udp_len)
{
	__be32 *word = (__be32 *)ip;
	int i;

	word[0] = bpf_htonl(6u << 28 | (__u32)pkt->tos << 20) | flow->ip6_label;
	ip->payload_len = bpf_htons(udp_len);
	*(__be16 *)&ip->nexthdr = bpf_htons((__u16)(IPPROTO_UDP << 8 | (__u8)(pkt->ttl - 1)));
	for (i = 0; i < 4; i++) {
		word[2 + i] = flow->src[i];
		word[6 + i] = flow->dst[i];
	}
}

static __always_inline void write_udp(struct udphdr *udp, const struct packet *pkt,
				      const struct turnpike_flow *flow, __u32 chlen,
				      const struct new_udp *new)
{
	__be16 *channel = (__be16 *)(udp + 1);

	udp->source = flow->sport;
	udp->dest = flow->dport;
	udp->len = bpf_htons(new->len);
	udp->check = new->check;
	if (chlen) {
		channel[0] = pkt->out_framing;
		channel[1] = bpf_htons((__u16)pkt->data_len);
	}
}

static __always_inline int write_l3(ctx_t *ctx, const struct packet *pkt,
				    const struct turnpike_flow *flow, __u8 family, __u32 chlen,
				    const struct new_udp *udp)
{
	const __u32 hlen = ip_hlen(family) + sizeof(struct udphdr) + chlen;
	__u32 scratch[MAX_L3_HLEN / sizeof(__u32)];
	void *ip = ctx_buffer(ctx, scratch, pkt->l2_len, hlen);

	if (!ip)
		return -1;
	if (family == TURNPIKE_IPV4)
		write_ipv4(ip, pkt, flow, udp->len);
	else
		write_ipv6(ip, pkt, flow, udp->len);
	write_udp(ip + ip_hlen(family), pkt, flow, chlen, udp);
	return ctx_store(ctx, scratch, pkt->l2_len, hlen);
}

/* Family and framing are literals in each call, so that all offsets are constants. */
static __always_inline int write_headers(ctx_t *ctx, const struct packet *pkt,
					 const struct turnpike_flow *flow,
					 const struct turnpike_hop *hop, const struct new_udp *udp,
					 enum relay_path path)
{
	const bool ipv4 = pkt->out_family == TURNPIKE_IPV4;
	const bool channel = is_channel(pkt->out_framing);

	if (ctx_store_ethernet(ctx, pkt, hop, bpf_htons(ipv4 ? ETH_P_IP : ETH_P_IPV6), path))
		return -1;
	if (ipv4 && channel)
		return write_l3(ctx, pkt, flow, TURNPIKE_IPV4, CHANNEL_HLEN, udp);
	if (ipv4)
		return write_l3(ctx, pkt, flow, TURNPIKE_IPV4, 0, udp);
	if (channel)
		return write_l3(ctx, pkt, flow, TURNPIKE_IPV6, CHANNEL_HLEN, udp);
	return write_l3(ctx, pkt, flow, TURNPIKE_IPV6, 0, udp);
}

/*
 * RFC 6864 section 4: only a packet that may be fragmented needs an identification that is unique
 * for its pair of addresses.
 */
static __always_inline __u16 ip4_id(const struct packet *pkt, const struct turnpike_flow *flow,
				    struct turnpike_nexthop *nexthop)
{
	if (pkt->out_family != TURNPIKE_IPV4 || pkt->frag_off)
		return (__u16)flow->packets;
	return (__u16)__sync_fetch_and_add(&nexthop->ip4_id, 1);
}

static __always_inline enum turnpike_verdict rewrite(ctx_t *ctx, struct packet *pkt,
						     const struct turnpike_flow *flow,
						     struct turnpike_nexthop *nexthop,
						     enum moves moves, enum relay_path path)
{
	const struct turnpike_hop *hop = chosen_hop(pkt, nexthop);
	struct new_udp udp;

	if (path == SLOW_PATH && is_indication(pkt->out_framing) && prepare_indication(pkt, flow))
		return TURNPIKE_TORN;
	udp.len = (__u16)(out_len(pkt) - ip_hlen(pkt->out_family));
	udp.check = udp_check(pkt, flow, udp.len);
	/* Also true, but the compiler must compute it first. */
	if (is_last(STEP_SUMMED) && udp.check != pkt->udp_check)
		return STOPPED;

	if (path == SLOW_PATH && ctx_pop_tags(ctx, pkt))
		return TURNPIKE_TORN;
	switch (make_room(ctx, pkt, moves, path)) {
	case ROOM_NONE:
		if (path == FAST_PATH)
			return NEEDS_SLOW_PATH;
		return ctx_push_tags(ctx, pkt) ? TURNPIKE_TORN : TURNPIKE_NO_ROOM;
	case ROOM_TORN:
		return TURNPIKE_TORN;
	case ROOM_MADE:
		break;
	}
	if (is_last(STEP_ROOM))
		return STOPPED;
	if (!police(pkt, flow))
		return TURNPIKE_POLICED;
	pkt->ip4_id = ip4_id(pkt, flow, nexthop);
	if (write_headers(ctx, pkt, flow, hop, &udp, path))
		return TURNPIKE_TORN;
	if (path == SLOW_PATH && is_indication(pkt->out_framing) && store_indication(ctx, pkt))
		return TURNPIKE_TORN;
	if (path == SLOW_PATH && ctx_push_tags(ctx, pkt))
		return TURNPIKE_TORN;
	return TURNPIKE_RELAYED;
}

/* Global: see common.h. Return: an enum turnpike_verdict. */
__noinline int rewrite_slow(ctx_t *ctx, struct packet *pkt, const struct turnpike_flow *flow,
			    struct turnpike_nexthop *nexthop, enum moves moves)
{
	if (!pkt || !flow || !nexthop)
		return TURNPIKE_TORN;
	return rewrite(ctx, pkt, flow, nexthop, moves, SLOW_PATH);
}

#endif /* TURNPIKE_PROGRAMS_STEPS_REWRITE_H */
