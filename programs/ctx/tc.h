/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The packet as TC ingress sees it (tcx and clsact): an sk_buff, of which perhaps only the first
 * bytes are linear. xdp.h defines the same names and documents them.
 */
#ifndef TURNPIKE_PROGRAMS_CTX_TC_H
#define TURNPIKE_PROGRAMS_CTX_TC_H

#include <linux/pkt_cls.h>

#include "packet.h"

typedef struct __sk_buff ctx_t;

/* Global functions: see common.h. */
#define sum_bytes          sum_bytes_tc
#define shift_up           shift_up_tc
#define shift_down         shift_down_tc
#define move_padded        move_padded_tc
#define move_around_udp    move_around_udp_tc
#define ethernet_len       ethernet_len_tc
#define rewrite_slow       rewrite_slow_tc
#define charge             charge_tc
#define charge_both        charge_both_tc
#define read_frame_tags    read_frame_tags_tc
#define pop_frame_tags     pop_frame_tags_tc
#define push_frame_tags    push_frame_tags_tc
#define may_notify         may_notify_tc
#define notify_event       notify_event_tc
#define sample_hash        sample_hash_tc
#define read_indication    read_indication_tc
#define sum_around_data    sum_around_data_tc
#define prepare_indication prepare_indication_tc
#define store_indication   store_indication_tc
#define read_recipe_slow   read_recipe_slow_tc
#define confirm            confirm_tc

/*
 * The tail is no alternative between the families: the sk_buff has a protocol, and
 * bpf_skb_change_proto(), which changes it, moves the head.
 */
#define CTX_MOVES_TAIL false

enum ctx_action {
	/* Continue with the next program or filter: TC_ACT_UNSPEC equals TCX_NEXT. */
	CTX_PASS = TC_ACT_UNSPEC,
	CTX_DROP = TC_ACT_SHOT,
};

/*
 * Did IPsec decrypt the packet? The kernel receives what comes out of a tunnel again, on the same
 * device (xfrm_input() of net/xfrm/xfrm_input.c).
 */
static __always_inline enum turnpike_observation ctx_arrival(ctx_t *ctx)
{
	struct bpf_xfrm_state state;

	/* The verifier removes the call where the kernel does not have it. */
	if (!config.xfrm || bpf_skb_get_xfrm_state(ctx, 0, &state, sizeof(state), 0))
		return TURNPIKE_OBSERVED_NOTHING;
	return TURNPIKE_OBSERVED_DECRYPTED;
}

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

/* Copy 4 bytes at @off, which need not be linear memory. */
static __always_inline int ctx_word(ctx_t *ctx, __u32 off, __u32 *to)
{
	return (int)bpf_skb_load_bytes(ctx, off, to, sizeof(*to));
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

	/* Nearly always true, and all traffic of the host comes through here. */
	if (likely(linear >= len || linear == ctx->len))
		return 0;
	return ctx_pull(ctx, len < ctx->len ? len : ctx->len);
}

static __always_inline bool ctx_is_gso(ctx_t *ctx, __u32 ip_len)
{
	return ctx->gso_size != 0;
}

static __always_inline bool ctx_has_segments(ctx_t *ctx)
{
	return false; /* ctx_is_gso() has seen them */
}

static __always_inline bool ctx_hwaccel_tag(ctx_t *ctx, struct turnpike_tag *ret)
{
	if (likely(!ctx->vlan_present))
		return false;
	ret->tpid = (__be16)ctx->vlan_proto;
	ret->tci = bpf_htons((__u16)ctx->vlan_tci);
	return true;
}

/* After a pop, the kernel makes the next in-band tag the hwaccel tag. */
__noinline int pop_frame_tags(ctx_t *ctx, __u32 n)
{
	__u32 i;

	for (i = 0; i < TURNPIKE_TAGS_MAX && i < n; i++)
		if (bpf_skb_vlan_pop(ctx))
			return -1;
	return 0;
}

/* Push the popped tags, the outermost last. */
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
 * bpf_skb_adjust_room() does not find an IP header behind an in-band tag. An in-band tag is always
 * an inner one, because the kernel has moved the outer tag to the hwaccel field. So pop as many
 * tags as are in-band.
 */
static __always_inline int ctx_pop_tags(ctx_t *ctx, struct packet *pkt)
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

static __always_inline int ctx_push_tags(ctx_t *ctx, const struct packet *pkt)
{
	return likely(!pkt->popped) ? 0 : push_frame_tags(ctx, pkt);
}

static __always_inline int ctx_change_family(ctx_t *ctx, __u8 family)
{
	return (int)bpf_skb_change_proto(
		ctx, bpf_htons(family == TURNPIKE_IPV4 ? ETH_P_IP : ETH_P_IPV6), 0);
}

/*
 * Between the families, bpf_skb_change_proto() adds or removes the 20 bytes that IPv6 headers are
 * longer. bpf_skb_adjust_room() does the rest, behind the IP header. It assumes a header without
 * options or extensions, so such packets must not get here.
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
	/* The growth for IPv6 can be undone; the shrinking for IPv4 cannot. */
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

static __always_inline void *ctx_buffer(ctx_t *ctx, void *scratch, __u32 off, __u32 len)
{
	return scratch;
}

/* Direct access would leave a CHECKSUM_COMPLETE of the NIC stale (mlx5 and others, Linux 6.x). */
static __always_inline int ctx_store(ctx_t *ctx, const void *scratch, __u32 off, __u32 len)
{
	return (int)bpf_skb_store_bytes(ctx, off, scratch, len, BPF_F_RECOMPUTE_CSUM);
}

static __always_inline int ctx_store_byte(ctx_t *ctx, __u32 off, __u8 byte)
{
	return (int)bpf_skb_store_bytes(ctx, off, &byte, sizeof(byte), BPF_F_RECOMPUTE_CSUM);
}

static __always_inline int ctx_send(ctx_t *ctx, const struct turnpike_hop *hop)
{
	return (int)bpf_redirect(hop->ifindex, 0);
}

#endif /* TURNPIKE_PROGRAMS_CTX_TC_H */
