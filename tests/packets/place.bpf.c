// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Runs before the program under test, to deliver frames that BPF_PROG_TEST_RUN cannot make: frames
 * surrounded by garbage, without room at either end, with a hwaccel VLAN tag, or truncated.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "place.h"

#define GARBAGE     0xff
#define GARBAGE_LEN 128 /* more than the headers that adjust_room moves across it */

struct next_map {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
};

struct next_map next_xdp SEC(".maps");
struct next_map next_tc SEC(".maps");
struct place place;

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Move both ends of the frame as far out as the kernel allows. */
static __always_inline void open_buffer(struct xdp_md *ctx)
{
	int step;

	for (step = 128; step; step /= 2)
		bpf_xdp_adjust_head(ctx, -step);
	for (step = 2048; step; step /= 2)
		bpf_xdp_adjust_tail(ctx, step);
}

/* volatile keeps clang from turning the loops into calls of memset() and memcpy(). */
static __always_inline void fill(struct xdp_md *ctx)
{
	void *end = (void *)(long)ctx->data_end;
	volatile __u8 *byte = (void *)(long)ctx->data;
	int i;

	for (i = 0; i < PLACE_MAX; i++, byte++) {
		if ((void *)(byte + 1) > end)
			break;
		*byte = GARBAGE;
	}
}

static __always_inline void copy_frame(struct xdp_md *ctx, __u32 offset)
{
	void *end = (void *)(long)ctx->data_end;
	volatile __u8 *byte = (void *)(long)ctx->data + (offset & (PLACE_MAX - 1));
	__u32 i;

	for (i = 0; i < PLACE_MAX; i++, byte++) {
		if (i >= place.len || (void *)(byte + 1) > end)
			break;
		*byte = place.frame[i];
	}
}

SEC("xdp")
int place_xdp(struct xdp_md *ctx)
{
	const __u32 offset = place.offset;

	open_buffer(ctx);
	place.total = (__u32)(ctx->data_end - ctx->data);
	fill(ctx);
	copy_frame(ctx, offset);
	if (offset + place.len > place.total)
		return XDP_ABORTED;
	bpf_xdp_adjust_tail(ctx, -(int)(place.total - offset - place.len));
	bpf_xdp_adjust_head(ctx, (int)offset);
	bpf_tail_call(ctx, &next_xdp, 0);
	return XDP_ABORTED;
}

/* The garbage that adjust_room() inserts and removes again is left in the headroom. */
SEC("tc")
int poison_tc(struct __sk_buff *ctx)
{
	const __u32 l4 = ETH_HLEN + (ctx->protocol == bpf_htons(ETH_P_IP) ? 20 : 40);
	const __u32 len = ctx->len;
	__u8 garbage[GARBAGE_LEN];

	__builtin_memset(garbage, GARBAGE, sizeof(garbage));
	if (bpf_skb_adjust_room(ctx, GARBAGE_LEN, BPF_ADJ_ROOM_NET, 0) ||
	    bpf_skb_store_bytes(ctx, l4, garbage, sizeof(garbage), 0) ||
	    bpf_skb_adjust_room(ctx, -GARBAGE_LEN, BPF_ADJ_ROOM_NET, 0))
		return TC_ACT_SHOT;
	if (bpf_skb_change_tail(ctx, len + GARBAGE_LEN, 0) ||
	    bpf_skb_store_bytes(ctx, len, garbage, sizeof(garbage), 0) ||
	    bpf_skb_change_tail(ctx, len, 0))
		return TC_ACT_SHOT;
	bpf_tail_call(ctx, &next_tc, 0);
	return TC_ACT_SHOT;
}

/* Make it the hwaccel tag, as if the NIC had stripped it. */
SEC("tc")
int vlan_tc(struct __sk_buff *ctx)
{
	if (bpf_skb_vlan_push(ctx, bpf_htons(place.tpid), place.tci))
		return TC_ACT_SHOT;
	bpf_tail_call(ctx, &next_tc, 0);
	return TC_ACT_SHOT;
}

/*
 * bpf_skb_change_tail() fails for an encapsulated frame, which stands in for a lack of memory. The
 * mark stays when the outer header is removed again.
 */
SEC("tc")
int stuck_tc(struct __sk_buff *ctx)
{
	const bool ipv4 = ctx->protocol == bpf_htons(ETH_P_IP);
	const __u64 flags = ipv4 ? BPF_F_ADJ_ROOM_ENCAP_L3_IPV4 : BPF_F_ADJ_ROOM_ENCAP_L3_IPV6;
	const int outer = ipv4 ? 20 : 40;

	if (bpf_skb_adjust_room(ctx, outer, BPF_ADJ_ROOM_MAC, flags) ||
	    bpf_skb_adjust_room(ctx, -outer, BPF_ADJ_ROOM_MAC, 0))
		return TC_ACT_SHOT;
	if (!bpf_skb_change_tail(ctx, ctx->len + 4, 0))
		return TC_ACT_SHOT;
	bpf_tail_call(ctx, &next_tc, 0);
	return TC_ACT_SHOT;
}

/* BPF_PROG_TEST_RUN requires a whole IP header, so truncate the frame here. */
SEC("tc")
int cut_tc(struct __sk_buff *ctx)
{
	if (bpf_skb_change_tail(ctx, place.len, 0))
		return TC_ACT_SHOT;
	bpf_tail_call(ctx, &next_tc, 0);
	return TC_ACT_SHOT;
}
