/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Routes UDP packets as the kernel would, and leaves 2 bytes of headroom, as Google's gve has it:
 * a frame that XDP redirects into a veth meets the program at the other end with the room that the
 * sender has left. Everything else is passed up, as is what the kernel has no way for yet.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define HEADROOM_LEFT 2
#define FRAME_MAX     1514
#define AF_INET       2
#define AF_INET6      10

/* Fills in what the kernel wants to know for a packet's way; 0: it is UDP. */
static __always_inline int read_packet(struct xdp_md *ctx, struct bpf_fib_lookup *way)
{
	const void *end = (void *)(long)ctx->data_end;
	const struct ethhdr *eth = (void *)(long)ctx->data;
	const struct ipv6hdr *ip6 = (void *)(eth + 1);
	const struct iphdr *ip4 = (void *)(eth + 1);

	way->ifindex = ctx->ingress_ifindex;
	if ((void *)(ip4 + 1) <= end && eth->h_proto == bpf_htons(ETH_P_IP)) {
		way->family = AF_INET;
		way->ipv4_src = ip4->saddr;
		way->ipv4_dst = ip4->daddr;
		return ip4->protocol != IPPROTO_UDP;
	}
	if ((void *)(ip6 + 1) <= end && eth->h_proto == bpf_htons(ETH_P_IPV6)) {
		way->family = AF_INET6;
		__builtin_memcpy(way->ipv6_src, &ip6->saddr, sizeof(way->ipv6_src));
		__builtin_memcpy(way->ipv6_dst, &ip6->daddr, sizeof(way->ipv6_dst));
		return ip6->nexthdr != IPPROTO_UDP;
	}
	return -1;
}

static __always_inline __u32 length(const struct xdp_md *ctx)
{
	__u32 ret = (__u32)((void *)(long)ctx->data_end - (void *)(long)ctx->data);

	barrier_var(ret); /* or clang adds pointers, which the verifier does not allow */
	return ret;
}

/*
 * As far out as the kernel lets it go; tells how many bytes were had. A sum of the steps would have
 * the verifier try each.
 */
static __always_inline __u32 open_front(struct xdp_md *ctx)
{
	const __u32 before = length(ctx);
	int step;

	for (step = 256; step; step /= 2)
		bpf_xdp_adjust_head(ctx, -step);
	return length(ctx) - before;
}

/* volatile keeps clang from making a call to memmove of the loop. */
static __always_inline void move_to_front(struct xdp_md *ctx, __u32 distance)
{
	const void *end = (void *)(long)ctx->data_end;
	volatile __u8 *to = (void *)(long)ctx->data;
	volatile __u8 *from = to + (distance & 511);
	__u32 i;

	for (i = 0; i < FRAME_MAX; i++, to++, from++) {
		if ((void *)(to + 1) > end || (void *)(from + 1) > end)
			break;
		*to = *from;
	}
}

static __always_inline int take_front_away(struct xdp_md *ctx)
{
	__u32 room = open_front(ctx);

	if (room < HEADROOM_LEFT || bpf_xdp_adjust_head(ctx, HEADROOM_LEFT))
		return -1;
	room -= HEADROOM_LEFT;
	move_to_front(ctx, room);
	return bpf_xdp_adjust_tail(ctx, -(int)room);
}

SEC("xdp")
int starve(struct xdp_md *ctx)
{
	struct bpf_fib_lookup way = { 0 };
	struct ethhdr *eth;

	if (read_packet(ctx, &way) ||
	    bpf_fib_lookup(ctx, &way, sizeof(way), 0) != BPF_FIB_LKUP_RET_SUCCESS)
		return XDP_PASS;
	if (take_front_away(ctx))
		return XDP_ABORTED;
	eth = (void *)(long)ctx->data;
	if ((void *)(eth + 1) > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	__builtin_memcpy(eth->h_dest, way.dmac, ETH_ALEN);
	__builtin_memcpy(eth->h_source, way.smac, ETH_ALEN);
	return (int)bpf_redirect(way.ifindex, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
