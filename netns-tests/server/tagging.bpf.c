// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* At TC egress: adds a VLAN tag to each packet. */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define VLAN 7

SEC("tc")
int tag(struct __sk_buff *skb)
{
	/* The value is TC_ACT_UNSPEC: the next filter goes on with the packet. */
	return bpf_skb_vlan_push(skb, bpf_htons(ETH_P_8021Q), VLAN) ? TC_ACT_SHOT : TC_ACT_UNSPEC;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
