// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Counts and drops the expected frames. Others pass. On request, one frame goes to user space.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "sink.h"

struct counts_map {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct sink_counts);
};

struct frames_map {
	__uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY);
	__type(key, __u32);
	__type(value, __u32);
};

struct counts_map counts SEC(".maps");
struct frames_map frames SEC(".maps");
const volatile struct sink_config config;
__u32 take; /* 1: copy the next expected frame to user space */

char LICENSE[] SEC("license") = "Dual BSD/GPL";

static __always_inline bool in_range(__u32 value, __u32 from, __u32 more)
{
	return value - from <= more;
}

static __always_inline bool is_wanted(const struct udphdr *udp, const void *end, __u8 protocol,
				      __be32 ip)
{
	return protocol == IPPROTO_UDP && (const void *)(udp + 1) <= end &&
	       in_range(bpf_ntohl(ip), config.ip, config.ips) &&
	       in_range(bpf_ntohs(udp->dest), config.port, config.ports);
}

static __always_inline bool is_expected(const void *data, const void *end, __u32 len)
{
	const struct ethhdr *eth = data;
	const struct iphdr *ip4 = (const void *)(eth + 1);
	const struct ipv6hdr *ip6 = (const void *)(eth + 1);

	if (len != config.len || (const void *)(ip4 + 1) > end || eth->h_proto != config.proto)
		return false;
	if (config.proto == bpf_htons(ETH_P_IP))
		return is_wanted((const void *)(ip4 + 1), end, ip4->protocol, ip4->daddr);
	if ((const void *)(ip6 + 1) > end)
		return false;
	return is_wanted((const void *)(ip6 + 1), end, ip6->nexthdr, ip6->daddr.in6_u.u6_addr32[3]);
}

/* True if the frame must be dropped. @frame: what user space gets of it. */
static __always_inline bool swallow(void *ctx, bool expected, const struct sink_frame *frame)
{
	const __u32 key = 0;
	struct sink_counts *count = bpf_map_lookup_elem(&counts, &key);

	if (!count)
		return false;
	if (!expected) {
		count->others++;
		return false;
	}
	count->packets++;
	count->bytes += frame->len;
	if (take) {
		take = 0;
		bpf_perf_event_output(ctx, &frames, (__u64)frame->len << 32 | BPF_F_CURRENT_CPU,
				      (void *)frame, sizeof(*frame));
	}
	return true;
}

/* The tag is in the frame: step over it, so that the type is where it is without one. */
SEC("xdp")
int sink_xdp(struct xdp_md *ctx)
{
	const void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const __u32 tag = config.tagged ? SINK_TAG_LEN : 0;
	const struct sink_frame frame = { .len = (__u32)(end - data) };

	return swallow(ctx, is_expected(data + tag, end, frame.len - tag), &frame) ? XDP_DROP
										   : XDP_PASS;
}

/* The kernel has moved the tag out of the frame. */
SEC("tc")
int sink_tc(struct __sk_buff *ctx)
{
	const void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	const bool expected =
		ctx->vlan_present == config.tagged && is_expected(data, end, ctx->len);
	struct sink_frame frame = { .len = ctx->len };

	if (ctx->vlan_present)
		frame.tag = (__u32)bpf_ntohs((__be16)ctx->vlan_proto) << 16 | ctx->vlan_tci;
	return swallow(ctx, expected, &frame) ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}
