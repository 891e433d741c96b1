/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * May the packet leave by this hop, now? The last checks before the frame is modified.
 */
#ifndef TURNPIKE_PROGRAMS_STEPS_ADMIT_H
#define TURNPIKE_PROGRAMS_STEPS_ADMIT_H

#include "steps/checksum.h"
#include "steps/confirm.h"
#include "steps/parse.h"
#include "steps/payload.h"

/* RFC 7915 sections 4 and 5.1: the largest translated packets that go without DF. */
#define IPV6_MIN_MTU      1280
#define IPV4_SMALL_ENOUGH 1260

/* RFC 791: the MTU that every path supports. */
#define IPV4_MIN_MTU 68

/* RFC 8656 section 13.2: what a peer must leave for the header of a Data indication. */
#define DATA_INDICATION_HLEN 48

/* Sum what is not relayed, to take it out of the checksum. Return: false if that is not possible.
 */
static __always_inline bool sum_dropped(ctx_t *ctx, struct packet *pkt)
{
	const __u32 end = pkt->in_hlen + pkt->data_len;

	if (is_indication(pkt->framing)) {
		pkt->dropped_sum = sum_fold(sum_around_data(ctx, pkt));
		return true;
	}
	if (!pkt->padding)
		return true;
	/* An offset beyond the mask would wrap around to other bytes. */
	if (end + pkt->padding > OFF_MASK || ctx_pull(ctx, end + pkt->padding))
		return false;
	pkt->dropped_sum = padding_sum(ctx, end, pkt->padding);
	return true;
}

/* Could the padding of a Data indication be written? As above. */
static __always_inline bool is_paddable(const struct packet *pkt)
{
	return !pkt->out_padding || pkt->out_hlen + pkt->data_len + pkt->out_padding <= OFF_MASK;
}

static __always_inline bool sum_data(ctx_t *ctx, struct packet *pkt)
{
	if (pkt->data_len > MAX_DATA || ctx_pull(ctx, pkt->in_hlen + pkt->data_len))
		return false;
	pkt->data_sum = sum_fold_words(sum_bytes(ctx, pkt->in_hlen, pkt->data_len));
	return true;
}

/* Set pkt->checksum; this is where a partial UDP checksum is detected, see checksum.h. */
static __always_inline enum turnpike_verdict classify_checksum(ctx_t *ctx, struct packet *pkt,
							       const struct turnpike_flow *flow,
							       enum relay_path path)
{
	const __u16 pseudo = pseudo_sum(flow->pseudo_in_sum, pkt->udp_len);
	const __u32 looks_partial = is_zero(pkt->udp_check ^ pseudo);
	const __u32 is_missing = is_zero(pkt->udp_check) & is_zero(pkt->out_family ^ TURNPIKE_IPV6);
	__u32 sum;

	pkt->checksum = CHECKSUM_UPDATE;
	if (likely(!(looks_partial | is_missing)))
		return TURNPIKE_RELAYED;
	if (path == FAST_PATH)
		return NEEDS_SLOW_PATH;
	if (!sum_data(ctx, pkt))
		return TURNPIKE_NO_CHECKSUM;
	pkt->checksum = CHECKSUM_COMPUTE;
	/* RFC 7915 section 4.5: IPv6 gets a checksum even if IPv4 had none. */
	if (!pkt->udp_check)
		return TURNPIKE_RELAYED;

	sum = (__u32)pseudo + headers_sum(pkt) + pkt->data_sum + pkt->dropped_sum;
	if (sum_fold(sum) == 0xffff)
		pkt->checksum = CHECKSUM_UPDATE;
	else if (config.skb)
		pkt->checksum = CHECKSUM_PARTIAL;
	return TURNPIKE_RELAYED;
}

/*
 * The packet exceeds the MTU: pass it to user space if it may be fragmented, else report the MTU to
 * its sender. A sender that cannot go below the size that it has sent gets no report.
 */
static __always_inline enum turnpike_verdict too_big(struct packet *pkt,
						     const struct turnpike_hop *hop)
{
	const __u32 len = ip_hlen(pkt->family) + pkt->udp_len;
	/* Padding differs between packets: none in, and the most out. */
	int mtu = (int)hop->mtu + (int)(pkt->in_hlen + (pkt->padding & ~3u)) - (int)pkt->out_hlen;

	if (is_indication(pkt->out_framing))
		mtu -= CHANNEL_MAX_PADDING;
	else if (!pkt->framing)
		mtu -= DATA_INDICATION_HLEN;
	if (pkt->family == TURNPIKE_IPV4 && (!pkt->frag_off || mtu < IPV4_MIN_MTU))
		return TURNPIKE_TOO_BIG;
	if (pkt->family == TURNPIKE_IPV6 && len <= IPV6_MIN_MTU)
		return TURNPIKE_TOO_BIG;
	if (pkt->family == TURNPIKE_IPV6 && mtu < IPV6_MIN_MTU)
		mtu = IPV6_MIN_MTU;
	pkt->notify_mtu = (__u32)mtu;
	return TURNPIKE_DONT_FRAGMENT;
}

/* Compare the outgoing packet with the MTU. Between the families, set DF as RFC 7915 says. */
static __always_inline enum turnpike_verdict check_mtu(struct packet *pkt,
						       const struct turnpike_hop *hop)
{
	const __u32 len = out_len(pkt);

	if (len > hop->mtu)
		return too_big(pkt, hop);
	if (pkt->family == TURNPIKE_IPV4 && pkt->out_family == TURNPIKE_IPV6)
		return pkt->frag_off || len <= IPV6_MIN_MTU ? TURNPIKE_RELAYED : TURNPIKE_TOO_BIG;
	if (pkt->family == TURNPIKE_IPV6 && len > IPV4_SMALL_ENOUGH)
		pkt->frag_off = IPV4_DF;
	return TURNPIKE_RELAYED;
}

static __always_inline enum turnpike_verdict admit(ctx_t *ctx, struct packet *pkt,
						   struct turnpike_flow *flow,
						   const struct turnpike_hop *hop,
						   enum relay_path path)
{
	enum turnpike_verdict verdict;

	if (path == FAST_PATH && is_due(pkt, flow))
		return NEEDS_SLOW_PATH;
	if (path == SLOW_PATH && coarse_now() >= flow->expires)
		return TURNPIKE_EXPIRED;
	if (!hop->ifindex)
		return TURNPIKE_NO_NEXTHOP;
	if (!has_tags_of(pkt, hop))
		return TURNPIKE_VLAN;
	if (path == SLOW_PATH && config.confirm_ns) {
		verdict = (enum turnpike_verdict)confirm(ctx, pkt, flow);
		if (verdict != TURNPIKE_RELAYED)
			return verdict;
	}
	/* RFC 8656 section 21.1.7: TTL ends relay loops, as in any router. */
	if (pkt->ttl <= 1)
		return TURNPIKE_TTL;
	if (!config.skb && hop->ifindex != config.ifindex && !(hop->flags & TURNPIKE_HOP_XDP_XMIT))
		return TURNPIKE_NO_EGRESS;
	verdict = check_mtu(pkt, hop);
	if (verdict != TURNPIKE_RELAYED)
		return verdict;
	if (path == SLOW_PATH && (!is_paddable(pkt) || !sum_dropped(ctx, pkt)))
		return TURNPIKE_NO_CHECKSUM;
	return classify_checksum(ctx, pkt, flow, path);
}

#endif /* TURNPIKE_PROGRAMS_STEPS_ADMIT_H */
