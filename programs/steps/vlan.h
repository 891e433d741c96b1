/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * VLAN tags (IEEE 802.1Q, 802.1ad): in-band, or the hwaccel tag, which is the outer one in an
 * sk_buff. A packet keeps its tags and leaves only by a next hop with the same ones, so nothing
 * gets from one VLAN to another.
 */
#ifndef TURNPIKE_PROGRAMS_STEPS_VLAN_H
#define TURNPIKE_PROGRAMS_STEPS_VLAN_H

#include "packet.h"

/* The length of an Ethernet header with all of its tags fits into this mask. */
#define L2_MASK 0x1f

static __always_inline bool is_tag(__be16 proto)
{
	return proto == bpf_htons(ETH_P_8021Q) || proto == bpf_htons(ETH_P_8021AD);
}

/*
 * Return: the length of the Ethernet header with its in-band tags. Global (see common.h), so that
 * the verifier follows one path with an unknown length, and not one path for each length.
 */
__noinline __u32 ethernet_len(ctx_t *ctx)
{
	__u32 len = ETH_HLEN;
	const __be16 *proto;
	int i;

	for (i = 0; i < TURNPIKE_TAGS_MAX; i++) {
		proto = ctx_bytes(ctx, len - sizeof(*proto), sizeof(*proto));
		if (!proto || !is_tag(*proto))
			break;
		len += TAG_LEN;
	}
	return len;
}

/* Append in-band tags after the hwaccel tag. Global for the same reason. */
__noinline int read_frame_tags(ctx_t *ctx, struct packet *pkt)
{
	const struct turnpike_tag *tag;
	__u32 off;

	if (!pkt)
		return -1;
	for (off = ETH_HLEN; off < ETH_HLEN + TURNPIKE_TAGS_MAX * TAG_LEN; off += TAG_LEN) {
		if (off >= pkt->l2_len)
			break;
		tag = ctx_bytes(ctx, off - sizeof(tag->tpid), sizeof(*tag));
		if (!tag || pkt->tags >= TURNPIKE_TAGS_MAX)
			return -1;
		pkt->tag[pkt->tags++ & 1] = *tag;
	}
	return 0;
}

/* Return: false if there are more tags than are relayed, or if the frame is truncated. */
static __always_inline bool read_tags(ctx_t *ctx, struct packet *pkt)
{
	if (ctx_hwaccel_tag(ctx, &pkt->tag[0]))
		pkt->tags = 1;
	return likely(pkt->l2_len == ETH_HLEN) || !read_frame_tags(ctx, pkt);
}

static __always_inline bool is_same_tag(const struct turnpike_tag *a, const struct turnpike_tag *b)
{
	return a->tpid == b->tpid && !((a->tci ^ b->tci) & bpf_htons(TURNPIKE_TAG_VID));
}

static __always_inline bool has_tags_of(const struct packet *pkt, const struct turnpike_hop *hop)
{
	if (pkt->tags != hop->tags)
		return false;
	if (likely(!pkt->tags))
		return true;
	return is_same_tag(&pkt->tag[0], &hop->tag[0]) &&
	       (pkt->tags == 1 || is_same_tag(&pkt->tag[1], &hop->tag[1]));
}

#endif /* TURNPIKE_PROGRAMS_STEPS_VLAN_H */
