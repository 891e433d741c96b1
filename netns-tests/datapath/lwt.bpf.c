// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Programs of routes (ip route ... encap bpf): one changes packets, the other drops them.
 */
#include <linux/bpf.h>
#include <linux/types.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define TTL            33
#define IPV4_TTL       8 /* offsets in the IP header */
#define IPV4_CHECKSUM  10
#define IPV6_HOP_LIMIT 7

SEC("lwt_xmit")
int set_ttl(struct __sk_buff *skb)
{
	const __u8 ttl = TTL;
	__u8 first;
	__be16 before, after;

	if (bpf_skb_load_bytes(skb, 0, &first, sizeof(first)))
		return BPF_DROP;
	if (first >> 4 != 4)
		return bpf_skb_store_bytes(skb, IPV6_HOP_LIMIT, &ttl, sizeof(ttl), 0) ? BPF_DROP
										      : BPF_OK;
	if (bpf_skb_load_bytes(skb, IPV4_TTL, &before, sizeof(before)))
		return BPF_DROP;
	after = bpf_htons(TTL << 8 | (bpf_ntohs(before) & 0xff));
	if (bpf_l3_csum_replace(skb, IPV4_CHECKSUM, before, after, sizeof(after)) ||
	    bpf_skb_store_bytes(skb, IPV4_TTL, &after, sizeof(after), 0))
		return BPF_DROP;
	return BPF_OK;
}

SEC("lwt_out")
int drop(struct __sk_buff *skb)
{
	return BPF_DROP;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
