/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The packet as TC ingress sees it (tcx and clsact): an sk_buff, of which only the first part may
 * lie in linear memory. The same names as in xdp.h, where each is described.
 */
#ifndef TURNPIKE_CTX_H
#define TURNPIKE_CTX_H

#include <linux/pkt_cls.h>

#include "packet.h"

typedef struct __sk_buff ctx_t;

/* Global functions need a name a context: see bulk.h. */
#define sum_bytes       sum_bytes_tc
#define shift_up        shift_up_tc
#define shift_down      shift_down_tc
#define move_around_udp move_around_udp_tc
#define ethernet_len    ethernet_len_tc
#define rewrite_slow    rewrite_any_tc
#define charge          charge_tc
#define charge_both     charge_both_tc
#define read_frame_tags read_frame_tags_tc
#define pop_frame_tags  pop_frame_tags_tc
#define push_frame_tags push_frame_tags_tc
#define may_notify      may_tell_tc
#define notify_event    tell_event_tc

/* Only within a family: the sk_buff knows its protocol, and bpf_skb_change_proto() moves the head.
 */
#define CTX_MOVES_TAIL false

enum ctx_action {
	/* Lets the programs and filters behind ours run: TC_ACT_UNSPEC is TCX_NEXT, too. */
	CTX_PASS = TC_ACT_UNSPEC,
	CTX_DROP = TC_ACT_SHOT,
};

static __always_inline __u32 ctx_len(ctx_t *ctx)
{
	return ctx->len;
}

static __always_inline void *ctx_bytes(ctx_t *ctx, __u32 off, __u32 len)
{
	void *data = ctx_pointer(ctx, offsetof(ctx_t, data));
	void *data_end = ctx_pointer(ctx, offsetof(ctx_t, data_end));

	data += off & OFF_MASK;
	if (data + len > data_end)
		return NULL;
	return data;
}

static __always_inline int ctx_load(ctx_t *ctx, __u8 *to, __u32 len)
{
	return (int)bpf_skb_load_bytes(ctx, 0, to, len);
}

static __always_inline int ctx_pull(ctx_t *ctx, __u32 len)
{
	return (int)bpf_skb_pull_data(ctx, len);
}

static __always_inline int ctx_pull_headers(ctx_t *ctx, __u32 len)
{
	const __u32 linear = ctx->data_end - ctx->data;

	/* Nearly always they are linear, and this is the path of all traffic of the host. */
	if (likely(linear >= len || linear == ctx->len))
		return 0;
	return ctx_pull(ctx, len < ctx->len ? len : ctx->len);
}

static __always_inline bool ctx_is_gso(ctx_t *ctx, __u32 ip_len)
{
	return ctx->gso_size != 0;
}

static __always_inline bool ctx_tag_beside(ctx_t *ctx, struct turnpike_tag *ret)
{
	if (likely(!ctx->vlan_present))
		return false;
	ret->tpid = (__be16)ctx->vlan_proto;
	ret->tci = bpf_htons((__u16)ctx->vlan_tci);
	return true;
}

/* The outer tag goes, and the inner one, if there are two, then is beside the frame. */
__noinline int pop_frame_tags(ctx_t *ctx, __u32 n)
{
	__u32 i;

	for (i = 0; i < TURNPIKE_TAGS_MAX && i < n; i++)
		if (bpf_skb_vlan_pop(ctx))
			return -1;
	return 0;
}

/* What was taken away comes back, outermost last. */
__noinline int push_frame_tags(ctx_t *ctx, const struct packet *pkt)
{
	const struct turnpike_tag *tag;
	int i;

	if (!pkt)
		return -1;
	for (i = TURNPIKE_TAGS_MAX - 1; i >= 0; i--) {
		tag = &pkt->tag[i];
		if (i < (int)pkt->popped && bpf_skb_vlan_push(ctx, tag->tpid, bpf_ntohs(tag->tci)))
			return -1;
	}
	return 0;
}

/*
 * bpf_skb_adjust_room() finds no IP header behind a tag in the frame. With one there is always one
 * beside it, since the kernel has taken that off; as many have to go as are in the frame.
 */
static __always_inline int ctx_open_tags(ctx_t *ctx, struct packet *pkt)
{
	const __u32 len = pkt->l2_len - ETH_HLEN;

	if (likely(!len))
		return 0;
	pkt->popped = (__u8)(len / TAG_LEN);
	pkt->l2_len = ETH_HLEN;
	pkt->len -= len;
	pkt->in_hlen -= len;
	pkt->out_hlen -= len;
	return pop_frame_tags(ctx, pkt->popped);
}

static __always_inline int ctx_close_tags(ctx_t *ctx, const struct packet *pkt)
{
	return likely(!pkt->popped) ? 0 : push_frame_tags(ctx, pkt);
}

static __always_inline int ctx_change_family(ctx_t *ctx, __u8 family)
{
	return (int)bpf_skb_change_proto(
		ctx, bpf_htons(family == TURNPIKE_IPV4 ? ETH_P_IP : ETH_P_IPV6), 0);
}

/*
 * Between the families, bpf_skb_change_proto() makes or takes the 20 bytes between the IP headers.
 * The rest is bpf_skb_adjust_room()'s, which works behind the IP header and knows only its base
 * size; that is why packets with options or extension headers never come here.
 */
static __always_inline enum room ctx_move_head(ctx_t *ctx, __u32 from, __u32 to, __u8 from_family,
					       __u8 to_family)
{
	const __u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_NO_CSUM_RESET;
	int delta = (int)to - (int)from;

	if (from_family != to_family) {
		if (ctx_change_family(ctx, to_family))
			return ROOM_NONE;
		delta -= (int)ip_hlen(to_family) - (int)ip_hlen(from_family);
	}
	if (!delta || !bpf_skb_adjust_room(ctx, delta, BPF_ADJ_ROOM_NET, flags))
		return ROOM_MADE;
	if (from_family == to_family)
		return ROOM_NONE;
	/* What grew for IPv6 can be taken away again; what IPv6 lost is lost. */
	if (from_family == TURNPIKE_IPV4 && !ctx_change_family(ctx, from_family))
		return ROOM_NONE;
	return ROOM_TORN;
}

static __always_inline int ctx_move_tail(ctx_t *ctx, __u32 len, int delta)
{
	return (int)bpf_skb_change_tail(ctx, (__u32)((int)len + delta), 0);
}

static __always_inline int ctx_store_ethernet(ctx_t *ctx, const struct packet *pkt,
					      const struct turnpike_hop *hop, __be16 proto,
					      enum relay_path path)
{
	struct ethhdr eth;

	__builtin_memcpy(&eth, hop, 2 * ETH_ALEN);
	eth.h_proto = proto;
	return (int)bpf_skb_store_bytes(ctx, 0, &eth, sizeof(eth), 0);
}

static __always_inline void *ctx_open_l3(ctx_t *ctx, void *scratch, __u32 off, __u32 len)
{
	return scratch;
}

/* Not by direct access, which would leave a CHECKSUM_COMPLETE of the NIC as it was (6.x, mlx5...).
 */
static __always_inline int ctx_close_l3(ctx_t *ctx, const void *scratch, __u32 off, __u32 len)
{
	return (int)bpf_skb_store_bytes(ctx, off, scratch, len, BPF_F_RECOMPUTE_CSUM);
}

static __always_inline int ctx_send(ctx_t *ctx, const struct turnpike_hop *hop)
{
	return (int)bpf_redirect(hop->ifindex, 0);
}

#endif /* TURNPIKE_CTX_H */
