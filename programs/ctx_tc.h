/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The packet as TC ingress sees it (tcx and clsact): an sk_buff, of which only the first part may
 * lie in linear memory. The same names as in ctx_xdp.h, where each is described.
 */
#ifndef TURNPIKE_CTX_H
#define TURNPIKE_CTX_H

#include <linux/pkt_cls.h>

#include "config.h"

typedef struct __sk_buff ctx_t;

/* Global functions need a name a context: see bulk.h. */
#define sum_bytes  sum_bytes_tc
#define shift_up   shift_up_tc
#define shift_down shift_down_tc

enum ctx_action {
	/* Lets the programs and filters behind ours run: TC_ACT_UNSPEC is TCX_NEXT, too. */
	CTX_PASS = TC_ACT_UNSPEC,
	CTX_DROP = TC_ACT_SHOT,
};

static __always_inline __u32 ctx_len(ctx_t *ctx)
{
	return ctx->len;
}

static __always_inline int ctx_pull(ctx_t *ctx, __u32 len)
{
	return (int)bpf_skb_pull_data(ctx, len);
}

static __always_inline void *ctx_linear(ctx_t *ctx, __u32 off, __u32 len)
{
	void *data = ctx_pointer(ctx, offsetof(ctx_t, data));
	void *data_end = ctx_pointer(ctx, offsetof(ctx_t, data_end));

	data += off & OFF_MASK;
	if (data + len > data_end)
		return NULL;
	return data;
}

static __always_inline void *ctx_bytes(ctx_t *ctx, __u32 off, __u32 len)
{
	void *p = ctx_linear(ctx, off, len);

	if (likely(p))
		return p;
	if (off + len > ctx->len || ctx_pull(ctx, off + len))
		return NULL;
	return ctx_linear(ctx, off, len);
}

static __always_inline bool ctx_is_gso(ctx_t *ctx)
{
	return ctx->gso_size != 0;
}

static __always_inline bool ctx_has_vlan(ctx_t *ctx)
{
	return ctx->vlan_present != 0;
}

/*
 * bpf_skb_adjust_room() makes or takes room behind the IP header, and knows only its base size,
 * which is why packets with options or extension headers never come here. All headers are written
 * anew, so it does not matter what it moves.
 */
static __always_inline int ctx_move_head(ctx_t *ctx, __u32 from, __u32 to)
{
	const __u64 flags = BPF_F_ADJ_ROOM_FIXED_GSO | BPF_F_ADJ_ROOM_NO_CSUM_RESET;

	return (int)bpf_skb_adjust_room(ctx, (int)to - (int)from, BPF_ADJ_ROOM_NET, flags);
}

static __always_inline int ctx_move_tail(ctx_t *ctx, __u32 len, int delta)
{
	return (int)bpf_skb_change_tail(ctx, (__u32)((int)len + delta), 0);
}

static __always_inline int ctx_store_ethernet(ctx_t *ctx, const struct turnpike_hop *hop,
					      __be16 proto)
{
	/* Destination and source lie in the hop as they do in the frame; the kernel keeps @proto.
	 */
	return (int)bpf_skb_store_bytes(ctx, 0, hop, 2 * ETH_ALEN, 0);
}

static __always_inline void *ctx_open_l3(ctx_t *ctx, void *scratch, __u32 len)
{
	return scratch;
}

/* Not by direct access, which would leave a CHECKSUM_COMPLETE of the NIC as it was (6.x, mlx5...).
 */
static __always_inline int ctx_close_l3(ctx_t *ctx, const void *scratch, __u32 len)
{
	return (int)bpf_skb_store_bytes(ctx, ETH_HLEN, scratch, len, BPF_F_RECOMPUTE_CSUM);
}

static __always_inline int ctx_send(ctx_t *ctx, const struct turnpike_hop *hop)
{
	return (int)bpf_redirect(hop->ifindex, 0);
}

#endif /* TURNPIKE_CTX_H */
