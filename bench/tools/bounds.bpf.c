// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Minimal forwarding programs: they write both MAC addresses and redirect the packet. Their rates
 * are upper bounds for a relay on the same hook.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "bounds.h"
#include "lines.h"

struct egress_map {
	__uint(type, BPF_MAP_TYPE_DEVMAP);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
};

struct lines_map {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct line);
};

struct egress_map egress SEC(".maps");
struct lines_map lines SEC(".maps");
const volatile struct bounds_config config;

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* False for other protocols, such as ARP, whose packets pass unmodified. */
static __always_inline bool write_macs(__u32 *data, const void *end)
{
	const struct ethhdr *eth = (const void *)data;

	if ((const void *)(eth + 1) > end)
		return false;
	if (eth->h_proto != config.proto)
		return false;
	data[0] = config.macs[0];
	data[1] = config.macs[1];
	data[2] = config.macs[2];
	return true;
}

static __always_inline bool write_xdp(struct xdp_md *ctx)
{
	return write_macs((void *)(long)ctx->data, (void *)(long)ctx->data_end);
}

static __always_inline bool write_tc(struct __sk_buff *ctx)
{
	return write_macs((void *)(long)ctx->data, (void *)(long)ctx->data_end);
}

SEC("xdp")
int xdp_redirect(struct xdp_md *ctx)
{
	return write_xdp(ctx) ? (int)bpf_redirect(config.ifindex, 0) : XDP_PASS;
}

/* Return: the number of the packet's flow. */
static __always_inline __u32 flow_of(const struct xdp_md *ctx)
{
	const struct ethhdr *eth = (void *)(long)ctx->data;
	const struct iphdr *ip = (const void *)(eth + 1);
	const struct udphdr *udp = (const void *)(ip + 1);

	if ((const void *)(udp + 1) > (const void *)(long)ctx->data_end)
		return 0;
	return ((bpf_ntohl(ip->saddr) - config.ip) << config.bits) + bpf_ntohs(udp->source) -
	       config.port;
}

/* Visit a line of each level. Return: false if there is none. */
static __always_inline bool visit_lines(__u32 index)
{
	struct line *line = NULL;
	__u32 i;

	for (i = 0; i < LINES_MAX && i < config.levels; i++) {
		line = bpf_map_lookup_elem(&lines, &index);
		if (!line)
			return false;
		index = line->next;
	}
	if (line)
		line->packets++;
	return line;
}

SEC("xdp")
int xdp_lines(struct xdp_md *ctx)
{
	if (!write_xdp(ctx))
		return XDP_PASS;
	return visit_lines(flow_of(ctx)) ? (int)bpf_redirect(config.ifindex, 0) : XDP_DROP;
}

SEC("xdp")
int xdp_devmap(struct xdp_md *ctx)
{
	return write_xdp(ctx) ? (int)bpf_redirect_map(&egress, 0, 0) : XDP_PASS;
}

SEC("xdp")
int xdp_reflect(struct xdp_md *ctx)
{
	return write_xdp(ctx) ? XDP_TX : XDP_PASS;
}

/* For the cost of the load alone, and of an empty program. */
SEC("xdp")
int xdp_drop(struct xdp_md *ctx)
{
	return XDP_DROP;
}

/* For the other end of a veth, which accepts XDP frames only if it has a program. */
SEC("xdp")
int xdp_pass(struct xdp_md *ctx)
{
	return XDP_PASS;
}

SEC("tc")
int tc_redirect(struct __sk_buff *ctx)
{
	return write_tc(ctx) ? (int)bpf_redirect(config.ifindex, 0) : TC_ACT_UNSPEC;
}

SEC("tc")
int tc_drop(struct __sk_buff *ctx)
{
	return TC_ACT_SHOT;
}
