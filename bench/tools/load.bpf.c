// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A packet generator, run by BPF_PROG_RUN with live frames, which it redirects to a device.
 *
 * The kernel recycles frames as their receiver left them, so the program rewrites all headers of
 * each frame. Frames cannot be delayed: those ahead of the pace are dropped.
 */
#include <linux/bpf.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/udp.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "load.h"

/* A generator that is later than this does not catch up. */
#define LATEST ((__u64)100000 << LOAD_TICK_SHIFT)

const volatile struct load_config config;
struct load_state state;

char LICENSE[] SEC("license") = "Dual BSD/GPL";

static __always_inline bool is_due(void)
{
	const __u64 now = (bpf_ktime_get_ns() - state.began) << LOAD_TICK_SHIFT;

	if (now < state.due)
		return false;
	if (now - state.due > LATEST)
		state.due = now;
	state.due += config.interval;
	return true;
}

static __always_inline __u32 next_flow(void)
{
	const __u32 flow = state.flow, next = flow + config.step;

	state.flow = next < config.flows ? next : next - config.flows;
	return flow;
}

static __always_inline __be32 ip_of(const volatile struct load_side *side, __u32 flow)
{
	return bpf_htonl(side->ip + (flow >> side->shift));
}

static __always_inline __be16 port_of(const volatile struct load_side *side, __u32 flow)
{
	return bpf_htons((__u16)(side->port + (flow & side->mask)));
}

/* RFC 1071 */
static __always_inline __u16 checksum(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)~sum;
}

static __always_inline void write_ports(struct udphdr *udp, __u32 flow, __u64 ips)
{
	__u16 sum;

	udp->source = port_of(&config.src, flow);
	udp->dest = port_of(&config.dst, flow);
	if (config.no_check) {
		udp->check = 0;
		return;
	}
	sum = checksum(config.l4_sum + ips + udp->source + udp->dest);
	udp->check = sum ? sum : 0xffff;
}

static __always_inline int send(struct xdp_md *ctx, bool ipv6)
{
	struct ipv6hdr *ip6;
	struct iphdr *ip4;
	__be32 src, dst;
	__u64 *data;
	__u32 flow;
	int i;

	if (!state.began)
		state.began = bpf_ktime_get_ns();
	if (config.interval && !is_due())
		return XDP_DROP;
	if (bpf_xdp_adjust_tail(ctx, -LOAD_SPARE))
		return XDP_ABORTED;
	data = (void *)(long)ctx->data;
	if ((void *)data + LOAD_HEAD > (void *)(long)ctx->data_end)
		return XDP_ABORTED;
	ip4 = (void *)data + config.l2_len;
	ip6 = (void *)ip4;

	flow = next_flow();
	src = ip_of(&config.src, flow);
	dst = ip_of(&config.dst, flow);
#pragma unroll
	for (i = 0; i < LOAD_HEAD / 8; i++)
		data[i] = state.head[i];
	if (ipv6) {
		ip6->saddr.in6_u.u6_addr32[3] = src;
		ip6->daddr.in6_u.u6_addr32[3] = dst;
		write_ports((void *)(ip6 + 1), flow, (__u64)src + dst);
	} else {
		ip4->saddr = src;
		ip4->daddr = dst;
		ip4->check = checksum(config.ip_sum + (__u64)src + dst);
		write_ports((void *)(ip4 + 1), flow, (__u64)src + dst);
	}
	if (!(state.sent++ & 63))
		state.ended = bpf_ktime_get_coarse_ns();
	return (int)bpf_redirect(config.ifindex, 0);
}

SEC("xdp")
int load_ipv4(struct xdp_md *ctx)
{
	return send(ctx, false);
}

SEC("xdp")
int load_ipv6(struct xdp_md *ctx)
{
	return send(ctx, true);
}
