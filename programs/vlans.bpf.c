// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Counts the VLAN devices on a device, in all network namespaces: netlink lists only those in our
 * own. BPF_PROG_TEST_RUN runs it with an sk_buff of that device.
 *
 * An object of its own, because it needs the kernel's BTF.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>
#include <linux/types.h>
#include <stdbool.h>

#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

/* The parts of the kernel's structs that are read; CO-RE relocates them. */
struct vlan_group {
	unsigned int nr_vlan_devs;
} __attribute__((preserve_access_index));

struct vlan_info {
	struct vlan_group grp;
} __attribute__((preserve_access_index));

struct net_device {
	struct vlan_info *vlan_info;
} __attribute__((preserve_access_index));

struct sk_buff {
	struct net_device *dev;
} __attribute__((preserve_access_index));

SEC("tc")
int count_vlans(struct __sk_buff *ctx)
{
	const struct sk_buff *skb = (const struct sk_buff *)ctx;
	const struct vlan_info *info;

	if (!bpf_core_field_exists(struct net_device, vlan_info))
		return 0; /* a kernel without VLANs */
	info = BPF_CORE_READ(skb, dev, vlan_info);
	return info ? (int)BPF_CORE_READ(info, grp.nr_vlan_devs) : 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
