/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * VLAN tags (IEEE 802.1Q, 802.1ad), which a packet keeps: in the frame, or one beside it, where the
 * sk_buff has the outer one. A packet leaves by a next hop with the same tags only, so that nothing
 * gets from one VLAN to another.
 */
#ifndef TURNPIKE_PROGRAMS_STEPS_VLAN_H
#define TURNPIKE_PROGRAMS_STEPS_VLAN_H

#include "packet.h"

/* What the length of an Ethernet header with all its tags fits into. */
#define L2_MASK 0x1f

static __always_inline bool is_tag(__be16 proto)
{
	return proto == bpf_htons(ETH_P_8021Q) || proto == bpf_htons(ETH_P_8021AD);
}

/*
 * The length of the Ethernet header with the tags in the frame, as far as they are there. Not
 * inlined (see bulk.h): the verifier then follows one path with any length, not one for each.
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

/* Those in the frame, behind what was beside it. Not inlined, for the same reason. */
__noinline int read_frame_tags(ctx_t *ctx, struct packet *pkt)
{
	const struct turnpike_tag *tag;
	__u32 off;

	/* A pointer that a global function gets may be NULL, says the verifier. */
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

/* False: more than are relayed, or cut off. */
static __always_inline bool read_tags(ctx_t *ctx, struct packet *pkt)
{
	if (ctx_tag_beside(ctx, &pkt->tag[0]))
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
