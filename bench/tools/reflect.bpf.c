// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A peer that sends each datagram back at once. It only swaps fields, which keeps the checksum: a
 * complete one stays valid, and a partial one can still be completed.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/pkt_cls.h>
#include <linux/udp.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

/* All headers, IPv4 without options. */
struct headers {
	struct ethhdr eth;
	struct iphdr ip;
	struct udphdr udp;
} __attribute__((packed));

const volatile __be16 port; /* datagrams to it are reflected; others pass */

char LICENSE[] SEC("license") = "Dual BSD/GPL";

static __always_inline bool is_wanted(const struct headers *headers, const void *end)
{
	return (const void *)(headers + 1) <= end && headers->eth.h_proto == bpf_htons(ETH_P_IP) &&
	       headers->ip.ihl == 5 && headers->ip.protocol == IPPROTO_UDP &&
	       headers->udp.dest == port;
}

static __always_inline void swap(struct headers *headers)
{
	const struct headers before = *headers;

	__builtin_memcpy(headers->eth.h_dest, before.eth.h_source, ETH_ALEN);
	__builtin_memcpy(headers->eth.h_source, before.eth.h_dest, ETH_ALEN);
	headers->ip.saddr = before.ip.daddr;
	headers->ip.daddr = before.ip.saddr;
	headers->udp.source = before.udp.dest;
	headers->udp.dest = before.udp.source;
}

/* Not XDP_TX: on a veth whose peer has no program, its frames stay in the ring and fill it. */
SEC("xdp")
int reflect_xdp(struct xdp_md *ctx)
{
	struct headers *headers = (void *)(long)ctx->data;

	if (!is_wanted(headers, (void *)(long)ctx->data_end))
		return XDP_PASS;
	swap(headers);
	return (int)bpf_redirect(ctx->ingress_ifindex, 0);
}

SEC("tc")
int reflect_tc(struct __sk_buff *ctx)
{
	struct headers *headers = (void *)(long)ctx->data;

	if (!is_wanted(headers, (void *)(long)ctx->data_end))
		return TC_ACT_UNSPEC;
	swap(headers);
	return (int)bpf_redirect(ctx->ifindex, 0);
}
