/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Devices as found in clouds and racks, and the plan for each: the order, the outlooks, and parts
 * of the reasons and remedies.
 */
#include <errno.h>
#include <net/if_arp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "private/array_len.h"
#include "select/drivers.h"
#include "select/select.h"
#include "select/sysfs.h"

#define KERNEL TURNPIKE_KERNEL
#define BASIC  TURNPIKE_XDP_BASIC
#define REDIR  (BASIC | TURNPIKE_XDP_REDIRECT)
#define FRAGS  (REDIR | TURNPIKE_XDP_FRAGS)
#define ON     (TURNPIKE_KNOWN | TURNPIKE_ON)
#define OFF    TURNPIKE_KNOWN
#define FIXED  TURNPIKE_FIXED

/** A line of a plan: "mode moves", with the hook unless it is "xdp"; remedy NULL: none. */
struct line {
	const char *candidate;
	enum turnpike_outlook outlook;
	const char *reason;
	const char *remedy;
};

/**
 * struct device_case - a device and its plan
 * @above: candidates of native XDP before all others
 * @below: candidates after user space. Those in between are the same on any device
 * @whole: the complete plan, instead
 */
struct device_case {
	const char *name;
	struct turnpike_facts facts;
	struct line above[3];
	struct line below[8];
	struct line whole[8];
};

/* complete() adds what most devices have in common. */
#define NAMED(name, drv, version, ...) .dev = name, .driver = drv, .kernel = version, __VA_ARGS__
#define DEVICE(drv, version, ...)                        \
	{                                                \
		NAMED("eth0", drv, version, __VA_ARGS__) \
	}
#define VIRTUAL(name, version, ...) DEVICE("", version, .kind = name, __VA_ARGS__)
#define SAYS(features)              .xdp_known = true, .xdp_features = (features)
#define RELATIVE(of_kind, ...)                                       \
	.related = &(const struct turnpike_facts)                    \
	{                                                            \
		.relation = TURNPIKE_RELATION_##of_kind, __VA_ARGS__ \
	}

#define HEAD "xdp-native head"
#define TAIL "xdp-native tail"
#define USABLE(candidate, reason)                        \
	{                                                \
		candidate, TURNPIKE_USABLE, reason, NULL \
	}
#define DOUBTFUL(candidate, reason)                        \
	{                                                  \
		candidate, TURNPIKE_DOUBTFUL, reason, NULL \
	}
#define REJECTED(candidate, reason, remedy)                  \
	{                                                    \
		candidate, TURNPIKE_REJECTED, reason, remedy \
	}
#define BOTH_REJECTED(reason, remedy) REJECTED(HEAD, reason, remedy), REJECTED(TAIL, reason, remedy)
#define ALL_REJECTED(reason, remedy)                                       \
	USABLE("userspace auto", "always"), BOTH_REJECTED(reason, remedy), \
		REJECTED("tc head tcx", reason, remedy),                   \
		REJECTED("tc head clsact", reason, remedy),                \
		REJECTED("xdp-generic head", reason, remedy),              \
		REJECTED("xdp-generic tail", reason, remedy)

/* Features of virtio_net by their numbers in the standard; bit 32 is virtio 1.0. */
#define VIRTIO(features) .virtio_known = true, .virtio_features = (features) | 1ull << 32
#define MERGEABLE        (1ull << 15)
#define CONTROL          (1ull << 2)
#define TSO              (3ull << 7)
#define CSUM             (1ull << 1)

/* Queues as gve reports them. */
#define GVE_QUEUES(now, most) .queues = { .rx = now, .tx = now, .max_rx = most, .max_tx = most }
#define COMBINED(now, most)   .queues = { .combined = now, .max_combined = most }

static const struct device_case cases[] = {
	/* Google. */
	{ "gve GQI-QPL, 6.12", DEVICE("gve", KERNEL(6, 12), SAYS(REDIR), GVE_QUEUES(2, 4)),
	  .above = { USABLE(TAIL, "212 bytes") },
	  .below = { REJECTED(HEAD, "2 bytes of headroom", NULL) } },
	{ "gve GQI-QPL or DQO-RDA, 7.3", DEVICE("gve", KERNEL(7, 3), SAYS(REDIR), GVE_QUEUES(2, 4)),
	  .above = { USABLE(TAIL, "212 bytes"), DOUBTFUL(HEAD, "DQO-RDA") } },
	{ "gve DQO-RDA, 6.12", DEVICE("gve", KERNEL(6, 12), SAYS(0), GVE_QUEUES(2, 4)),
	  .below = { BOTH_REJECTED("other than GQI-QPL", NULL) } },
	{ "gve DQO-QPL, 7.3", DEVICE("gve", KERNEL(7, 3), SAYS(0), GVE_QUEUES(2, 4)),
	  .below = { BOTH_REJECTED("DQO-QPL", NULL) } },
	{ "gve DQO-RDA without redirect, 6.16",
	  DEVICE("gve", KERNEL(6, 16), SAYS(BASIC), GVE_QUEUES(2, 4)),
	  .below = { BOTH_REJECTED("cannot send from XDP", NULL) } },
	{ "gve, 6.1", DEVICE("gve", KERNEL(6, 1), GVE_QUEUES(2, 4)),
	  .below = { BOTH_REJECTED("since Linux 6.4", NULL) } },
	{ "gve, all queues in use", DEVICE("gve", KERNEL(6, 12), SAYS(REDIR), GVE_QUEUES(4, 4)),
	  .below = { REJECTED(HEAD, "half of them free; 2 bytes", "ethtool -L eth0 rx 2 tx 2"),
		     REJECTED(TAIL, "half of them free", "ethtool -L eth0 rx 2 tx 2") } },
	{ "gve with one queue", DEVICE("gve", KERNEL(7, 3), SAYS(REDIR), GVE_QUEUES(1, 1)),
	  .below = { BOTH_REJECTED("queues of 1", NULL) } },
	{ "gve, jumbo and LRO",
	  DEVICE("gve", KERNEL(6, 12), SAYS(REDIR), GVE_QUEUES(2, 4), .mtu = 8896, .lro = ON),
	  .below = { BOTH_REJECTED("MTU is 8896",
				   "ip link set dev eth0 mtu 2032 && ethtool -K eth0 lro off") } },

	/* Amazon. */
	{ "ena, MTU 9001", DEVICE("ena", KERNEL(6, 12), SAYS(REDIR), COMBINED(2, 4), .mtu = 9001),
	  .below = { BOTH_REJECTED("at most 3498", "ip link set dev eth0 mtu 3498") } },
	{ "ena, MTU 1500", DEVICE("ena", KERNEL(6, 12), SAYS(REDIR), COMBINED(2, 4)),
	  .above = { USABLE(HEAD, "256 bytes of headroom; on attach, the device goes down"),
		     USABLE(TAIL, "2006 bytes") } },
	{ "ena, too many channels", DEVICE("ena", KERNEL(6, 12), SAYS(REDIR), COMBINED(8, 8)),
	  .below = { BOTH_REJECTED("8 of 8 queues", "ethtool -L eth0 combined 4") } },
	{ "ena, both", DEVICE("ena", KERNEL(6, 12), SAYS(REDIR), COMBINED(8, 8), .mtu = 9001),
	  .below = { BOTH_REJECTED(
		  "MTU is 9001", "ip link set dev eth0 mtu 3498 && ethtool -L eth0 combined 4") } },
	{ "ixgbevf, either generation", DEVICE("ixgbevf", KERNEL(6, 12), SAYS(BASIC)),
	  .above = { USABLE(TAIL, "cannot redirect"), DOUBTFUL(HEAD, "82599") } },
	{ "ixgbevf with legacy-rx", DEVICE("ixgbevf", KERNEL(6, 12), SAYS(BASIC), .legacy_rx = ON),
	  .above = { USABLE(TAIL, "150 bytes") },
	  .below = { REJECTED(HEAD, "legacy-rx", "ethtool --set-priv-flags eth0 legacy-rx off") } },
	{ "xen-netfront", DEVICE("vif", KERNEL(6, 12), SAYS(REDIR)),
	  .above = { DOUBTFUL(HEAD, "feature-xdp-headroom"), DOUBTFUL(TAIL, "does not run it") } },

	/* QEMU and its like. */
	{ "virtio_net, mergeable",
	  DEVICE("virtio_net", KERNEL(6, 12), SAYS(FRAGS), .gro_hw = ON, .rx_csum = ON | FIXED),
	  .above = { USABLE(HEAD, "256 bytes"), USABLE(TAIL, "1990 bytes") } },
	{ "virtio_net, small",
	  DEVICE("virtio_net", KERNEL(6, 12), SAYS(REDIR), .gro_hw = OFF | FIXED,
		 .rx_csum = OFF | FIXED),
	  .above = { USABLE(HEAD, "256 bytes"), DOUBTFUL(TAIL, "10 bytes behind") } },
	{ "virtio_net, MTU 3000 without mergeable buffers",
	  DEVICE("virtio_net", KERNEL(6, 12), SAYS(REDIR), .gro_hw = OFF | FIXED,
		 .rx_csum = OFF | FIXED, .mtu = 3000),
	  .below = { BOTH_REJECTED("mrg_rxbuf=on", NULL) } },
	{ "virtio_net, small or big",
	  DEVICE("virtio_net", KERNEL(6, 12), SAYS(REDIR), .gro_hw = OFF, .rx_csum = ON | FIXED),
	  .above = { DOUBTFUL(HEAD, "if they are big"), DOUBTFUL(TAIL, "10 bytes behind") } },
	{ "virtio_net, big_packets",
	  DEVICE("virtio_net", KERNEL(6, 12), SAYS(REDIR), .gro_hw = ON, .rx_csum = ON | FIXED),
	  .below = { BOTH_REJECTED("mrg_rxbuf=on", NULL) } },
	{ "virtio_net, no control of guest offloads",
	  DEVICE("virtio_net", KERNEL(6, 12), SAYS(FRAGS), .gro_hw = ON | FIXED,
		 .rx_csum = ON | FIXED),
	  .below = { BOTH_REJECTED("ctrl_guest_offloads=on", NULL) } },
	{ "virtio_net, only the checksum offload cannot be controlled",
	  DEVICE("virtio_net", KERNEL(6, 12), SAYS(FRAGS), .gro_hw = OFF | FIXED,
		 .rx_csum = ON | FIXED),
	  .below = { BOTH_REJECTED("guest_csum=off", NULL) } },
	{ "virtio_net, mergeable, 6.1",
	  DEVICE("virtio_net", KERNEL(6, 1), VIRTIO(MERGEABLE | CONTROL | TSO | CSUM), .gro_hw = ON,
		 .rx_csum = ON | FIXED),
	  .above = { USABLE(HEAD, "256 bytes"), USABLE(TAIL, "1990 bytes") } },
	{ "virtio_net, small, 6.1",
	  DEVICE("virtio_net", KERNEL(6, 1), VIRTIO(CONTROL | CSUM), .gro_hw = OFF | FIXED,
		 .rx_csum = ON | FIXED),
	  .above = { USABLE(HEAD, "256 bytes"), DOUBTFUL(TAIL, "10 bytes behind") } },
	{ "virtio_net, big_packets, 6.1",
	  DEVICE("virtio_net", KERNEL(6, 1), VIRTIO(CONTROL | TSO | CSUM), .gro_hw = ON,
		 .rx_csum = ON | FIXED),
	  .below = { BOTH_REJECTED("mrg_rxbuf=on", NULL) } },
	{ "virtio_net, big_packets for UFO alone, 5.15",
	  DEVICE("virtio_net", KERNEL(5, 15), VIRTIO(CONTROL | 1ull << 10)),
	  .below = { BOTH_REJECTED("mrg_rxbuf=on", NULL) } },
	{ "virtio_net, big_packets for USO, while GRO-HW is off",
	  DEVICE("virtio_net", KERNEL(6, 12), VIRTIO(CONTROL | 3ull << 54), SAYS(REDIR),
		 .gro_hw = OFF | FIXED),
	  .below = { BOTH_REJECTED("mrg_rxbuf=on", NULL) } },
	{ "virtio_net, half of USO",
	  DEVICE("virtio_net", KERNEL(6, 12), VIRTIO(CONTROL | 1ull << 54), SAYS(REDIR),
		 .gro_hw = OFF | FIXED),
	  .above = { USABLE(HEAD, "256 bytes"), DOUBTFUL(TAIL, "10 bytes behind") } },
	{ "virtio_net, small and MTU 3000, 6.1",
	  DEVICE("virtio_net", KERNEL(6, 1), VIRTIO(CONTROL), .mtu = 3000),
	  .below = { BOTH_REJECTED("mrg_rxbuf=on", NULL) } },
	{ "virtio_net, no control of guest offloads, 6.1",
	  DEVICE("virtio_net", KERNEL(6, 1), VIRTIO(MERGEABLE | TSO | CSUM), .gro_hw = ON | FIXED,
		 .rx_csum = ON | FIXED),
	  .below = { BOTH_REJECTED("ctrl_guest_offloads=on", NULL) } },
	{ "virtio_net, offloads switched off by the host, 6.1",
	  DEVICE("virtio_net", KERNEL(6, 1), VIRTIO(MERGEABLE)),
	  .above = { USABLE(HEAD, "256 bytes"), USABLE(TAIL, "1990 bytes") } },
	{ "virtio_net, only a checksum that cannot be controlled, 6.1",
	  DEVICE("virtio_net", KERNEL(6, 1), VIRTIO(MERGEABLE | CSUM)),
	  .below = { BOTH_REJECTED("guest_csum=off", NULL) } },
	{ "virtio_net, legacy, with separate headers, 6.1",
	  DEVICE("virtio_net", KERNEL(6, 1), .virtio_known = true,
		 .virtio_features = MERGEABLE | CONTROL),
	  .below = { BOTH_REJECTED("separate buffers", NULL) } },
	{ "virtio_net, 6.1, features of another namespace",
	  DEVICE("virtio_net", KERNEL(6, 1), .gro_hw = ON, .rx_csum = ON | FIXED),
	  .whole = { DOUBTFUL(HEAD, "before Linux 6.3"), DOUBTFUL(TAIL, "10 bytes behind"),
		     USABLE("tc head clsact", "any driver"), USABLE("xdp-generic head", "LRO"),
		     DOUBTFUL("xdp-generic tail", "room"), USABLE("userspace auto", "always"),
		     REJECTED("tc head tcx", "Linux 6.6", NULL) } },
	{ "virtio_net, jumbo",
	  DEVICE("virtio_net", KERNEL(6, 12), SAYS(FRAGS), .gro_hw = ON, .mtu = 9000),
	  .below = { BOTH_REJECTED("at most 3506", "mtu 3506") } },
	{ "vmxnet3, 6.1", DEVICE("vmxnet3", KERNEL(6, 1)),
	  .below = { BOTH_REJECTED("since Linux 6.6", NULL) } },
	{ "vmxnet3, 6.6", DEVICE("vmxnet3", KERNEL(6, 6), SAYS(REDIR), .lro = ON),
	  .above = { USABLE(HEAD, "LRO is turned off"), USABLE(TAIL, "2006 bytes") } },
	{ "e1000e", DEVICE("e1000e", KERNEL(6, 12), SAYS(0)),
	  .below = { BOTH_REJECTED("e1000e has no native XDP", NULL) } },

	/* Microsoft. */
	{ "hv_netvsc without a VF", DEVICE("hv_netvsc", KERNEL(6, 12), SAYS(REDIR)),
	  .above = { USABLE(HEAD, "256 bytes"), USABLE(TAIL, "2006 bytes") } },
	{ "hv_netvsc with a VF",
	  DEVICE("hv_netvsc", KERNEL(6, 12), SAYS(REDIR),
		 RELATIVE(MEMBER, NAMED("eth1", "mlx5_core", KERNEL(6, 12), SAYS(FRAGS)))),
	  .above = { USABLE(HEAD, "eth1: 256 bytes"), USABLE(TAIL, "eth1: 2006 bytes") } },
	{ "hv_netvsc with a VF that has LRO",
	  DEVICE("hv_netvsc", KERNEL(6, 1),
		 RELATIVE(MEMBER, NAMED("eth1", "mlx5_core", KERNEL(6, 1), .lro = ON))),
	  .below = { BOTH_REJECTED("eth1: LRO is on", "ethtool -K eth1 lro off") } },
	{ "hv_netvsc with LRO", DEVICE("hv_netvsc", KERNEL(6, 12), SAYS(REDIR), .lro = ON),
	  .below = { BOTH_REJECTED("LRO is on", "ethtool -K eth0 lro off") } },
	{ "the VF itself",
	  DEVICE("mlx5_core", KERNEL(6, 12), SAYS(FRAGS),
		 RELATIVE(MASTER, NAMED("eth1", "hv_netvsc", KERNEL(6, 12)))),
	  .whole = { ALL_REJECTED("belongs to eth1", "turnpike probe dev eth1") } },
	{ "mana", DEVICE("mana", KERNEL(6, 12), SAYS(REDIR)),
	  .above = { USABLE(HEAD, "256 bytes"), USABLE(TAIL, "2006 bytes") } },

	/* Racks. */
	{ "mlx5 with LRO", DEVICE("mlx5_core", KERNEL(6, 12), SAYS(0), .lro = ON),
	  .below = { BOTH_REJECTED("GRO-HW is on; LRO is on", "ethtool -K eth0 lro off") } },
	{ "mlx5 with GRO-HW, 6.1", DEVICE("mlx5_core", KERNEL(6, 1), .gro_hw = ON),
	  .below = { BOTH_REJECTED("GRO-HW is on", "ethtool -K eth0 rx-gro-hw off") } },
	{ "mlx5", DEVICE("mlx5_core", KERNEL(6, 12), SAYS(FRAGS), .lro = OFF),
	  .above = { USABLE(HEAD, "256 bytes"), USABLE(TAIL, "2006 bytes") } },
	{ "i40e, 6.1", DEVICE("i40e", KERNEL(6, 1)),
	  .above = { USABLE(HEAD, "takes seconds"), DOUBTFUL(TAIL, "22 bytes") } },
	{ "i40e, 6.12", DEVICE("i40e", KERNEL(6, 12), SAYS(FRAGS)),
	  .above = { USABLE(HEAD, "192 bytes"), USABLE(TAIL, "2070 bytes") } },
	{ "ice", DEVICE("ice", KERNEL(6, 12), SAYS(FRAGS)),
	  .above = { USABLE(HEAD, "192 bytes"), DOUBTFUL(TAIL, "22 bytes") } },
	{ "ice, jumbo", DEVICE("ice", KERNEL(6, 12), SAYS(FRAGS), .mtu = 9000),
	  .below = { BOTH_REJECTED("at most 3046", "ip link set dev eth0 mtu 3046") } },
	{ "bnxt", DEVICE("bnxt_en", KERNEL(6, 12), SAYS(FRAGS), COMBINED(8, 16)),
	  .above = { USABLE(HEAD, "256 bytes"), USABLE(TAIL, "2006 bytes") } },
	{ "bnxt, separate channels",
	  DEVICE("bnxt_en", KERNEL(6, 12), SAYS(FRAGS), .queues = { .rx = 4, .tx = 4 }),
	  .below = { BOTH_REJECTED("combined", "ethtool -L eth0 rx 0 tx 0 combined 4") } },
	{ "lan966x", DEVICE("lan966x-switch", KERNEL(6, 12), SAYS(REDIR)),
	  .below = { BOTH_REJECTED("ignores that a program moved", NULL) } },
	{ "otx2", DEVICE("rvu_nicpf", KERNEL(6, 12), SAYS(REDIR)),
	  .below = { BOTH_REJECTED("ignores that a program moved", NULL) } },
	{ "sfc", DEVICE("sfc", KERNEL(6, 12), SAYS(REDIR)),
	  .above = { USABLE(HEAD, "128 bytes"), DOUBTFUL(TAIL, "tens of bytes") } },
	{ "nfp", DEVICE("nfp", KERNEL(6, 12), SAYS(BASIC)),
	  .above = { USABLE(HEAD, "256 bytes"), DOUBTFUL(TAIL, "unknown") } },
	{ "unknown, with XDP", DEVICE("newnic", KERNEL(6, 12), SAYS(REDIR)),
	  .below = { DOUBTFUL(HEAD, "nothing more is known"), DOUBTFUL(TAIL, "newnic") } },
	{ "unknown, without", DEVICE("newnic", KERNEL(6, 12), SAYS(0)),
	  .below = { BOTH_REJECTED("newnic has no native XDP", NULL) } },
	{ "unknown, 6.1", DEVICE("newnic", KERNEL(6, 1)),
	  .below = { DOUBTFUL(HEAD, "nothing is known"), DOUBTFUL(TAIL, "newnic") } },

	/* Virtual. */
	{ "veth, the peer has a program",
	  VIRTUAL("veth", KERNEL(6, 12), SAYS(FRAGS),
		  RELATIVE(PEER, .dev = "nic1", .mtu = 1500, .n_programs = 1,
			   .programs = { { .mode = TURNPIKE_MODE_XDP_NATIVE } })),
	  .above = { USABLE(HEAD, "256 bytes"), DOUBTFUL(TAIL, "0 to 63") } },
	{ "veth, the peer has a program, 6.1",
	  VIRTUAL("veth", KERNEL(6, 1),
		  RELATIVE(PEER, .dev = "nic1", .mtu = 1500, .n_programs = 1,
			   .programs = { { .mode = TURNPIKE_MODE_XDP_NATIVE } })),
	  .above = { USABLE(HEAD, "256 bytes"), USABLE(TAIL, "2006 bytes") } },
	{ "veth, the peer has none",
	  VIRTUAL("veth", KERNEL(6, 12), SAYS(FRAGS), RELATIVE(PEER, .dev = "nic1", .mtu = 1500)),
	  .below = { BOTH_REJECTED("nic1, has no XDP program", "turnpike pass dev nic1") } },
	{ "veth, the peer has a generic one",
	  VIRTUAL("veth", KERNEL(6, 12), SAYS(FRAGS),
		  RELATIVE(PEER, .dev = "nic1", .mtu = 1500, .elsewhere = true, .n_programs = 1,
			   .programs = { { .mode = TURNPIKE_MODE_XDP_GENERIC } })),
	  .below = { BOTH_REJECTED("in another namespace, has no XDP",
				   "turnpike pass dev nic1") } },
	{ "veth, the peer cannot be seen",
	  VIRTUAL("veth", KERNEL(6, 12), SAYS(FRAGS), RELATIVE(PEER, .ifindex = 7)),
	  .below = { { HEAD, TURNPIKE_DOUBTFUL, "are lost", "turnpike pass dev if7" },
		     { TAIL, TURNPIKE_DOUBTFUL, "0 to 63", "turnpike pass dev if7" } } },
	{ "veth, the peer's MTU is too large",
	  VIRTUAL("veth", KERNEL(6, 12), SAYS(FRAGS),
		  RELATIVE(PEER, .dev = "nic1", .mtu = 9000, .n_programs = 1,
			   .programs = { { .mode = TURNPIKE_MODE_XDP_NATIVE } })),
	  .below = { BOTH_REJECTED("MTU of the peer is 9000", "ip link set dev nic1 mtu 3506") } },
	{ "veth, the peer has more queues",
	  VIRTUAL("veth", KERNEL(6, 12), SAYS(0), .queues = { .rx = 1, .max_rx = 2 },
		  RELATIVE(PEER, .dev = "nic1", .mtu = 1500, .n_programs = 1,
			   .programs = { { .mode = TURNPIKE_MODE_XDP_NATIVE } })),
	  .below = { BOTH_REJECTED("more transmit queues", "ethtool -L eth0 rx 2") } },
	{ "tap", DEVICE("tun", KERNEL(6, 12), .kind = "tun", SAYS(REDIR)),
	  .above = { USABLE(HEAD, "320 bytes"), DOUBTFUL(TAIL, "0 to 63") } },
	{ "bond",
	  VIRTUAL("bond", KERNEL(6, 12), SAYS(REDIR),
		  RELATIVE(MEMBER, NAMED("eth1", "ice", KERNEL(6, 12), SAYS(FRAGS)))),
	  .above = { DOUBTFUL(HEAD, "bonding mode"), DOUBTFUL(TAIL, "eth1: 22 bytes") } },
	{ "bond of members that accept no redirected frames",
	  VIRTUAL("bond", KERNEL(6, 12), SAYS(REDIR),
		  RELATIVE(MEMBER, NAMED("eth1", "mlx4_en", KERNEL(6, 12), SAYS(REDIR)))),
	  .below = { BOTH_REJECTED("eth1: its driver does not accept", NULL) } },
	{ "bond whose members have no XDP", VIRTUAL("bond", KERNEL(6, 12), SAYS(0)),
	  .below = { BOTH_REJECTED("each member", NULL) } },
	{ "bridge", VIRTUAL("bridge", KERNEL(6, 12), SAYS(0)),
	  .below = { BOTH_REJECTED("bridge has no native XDP", NULL) } },
	{ "a bridge's port",
	  VIRTUAL("veth", KERNEL(6, 12), RELATIVE(MASTER, .dev = "br0", .kind = "bridge")),
	  .whole = { ALL_REJECTED("belongs to br0", "turnpike probe dev br0") } },
	{ "a VRF's port",
	  DEVICE("ena", KERNEL(6, 12), SAYS(REDIR), RELATIVE(MASTER, .dev = "v", .kind = "vrf")),
	  .above = { USABLE(HEAD, "256 bytes"), USABLE(TAIL, "2006 bytes") } },
	{ "VLAN", VIRTUAL("vlan", KERNEL(6, 12), SAYS(0)),
	  .below = { BOTH_REJECTED("vlan has no native XDP", NULL) } },
	{ "a VLAN on top, its tags are stripped",
	  DEVICE("ena", KERNEL(6, 12), SAYS(REDIR), COMBINED(2, 4), .rx_vlan = ON,
		 RELATIVE(UPPER, .dev = "eth0.5", .kind = "vlan")),
	  .whole = { USABLE("tc head tcx", "any"), USABLE("tc head clsact", "any"),
		     USABLE("userspace auto", "always"),
		     BOTH_REJECTED("strips their tags", "ethtool -K eth0 rxvlan off"),
		     REJECTED("xdp-generic head", "strips their tags", "rxvlan off"),
		     REJECTED("xdp-generic tail", "strips their tags", "rxvlan off") } },
	{ "a VLAN on top, its tags are always stripped",
	  DEVICE("ena", KERNEL(6, 12), SAYS(REDIR), COMBINED(2, 4), .rx_vlan = ON | FIXED,
		 RELATIVE(UPPER, .dev = "eth0.5", .kind = "vlan")),
	  .whole = { USABLE("tc head tcx", "any"), USABLE("tc head clsact", "any"),
		     USABLE("userspace auto", "always"), BOTH_REJECTED("strips their tags", NULL),
		     REJECTED("xdp-generic head", "strips their tags", NULL),
		     REJECTED("xdp-generic tail", "strips their tags", NULL) } },
	{ "a VLAN on top, its tags stay in the frames",
	  DEVICE("ena", KERNEL(6, 12), SAYS(REDIR), COMBINED(2, 4), .rx_vlan = OFF,
		 RELATIVE(UPPER, .dev = "eth0.5", .kind = "vlan")),
	  .above = { USABLE(HEAD, "256 bytes"), USABLE(TAIL, "2006 bytes") } },
	{ "a macvlan on top, tags are stripped",
	  DEVICE("ena", KERNEL(6, 12), SAYS(REDIR), COMBINED(2, 4), .rx_vlan = ON,
		 RELATIVE(UPPER, .dev = "m0", .kind = "macvlan")),
	  .above = { USABLE(HEAD, "256 bytes"), USABLE(TAIL, "2006 bytes") } },
	{ "WireGuard", VIRTUAL("wireguard", KERNEL(6, 12), .arptype = ARPHRD_NONE),
	  .whole = { ALL_REJECTED("no Ethernet header", NULL) } },
	{ "lo", DEVICE("", KERNEL(6, 12), SAYS(0), .arptype = ARPHRD_LOOPBACK),
	  .whole = { ALL_REJECTED("this machine", NULL) } },

	/* Programs that are attached, and missing privileges. */
	{ "another native program",
	  DEVICE("ena", KERNEL(6, 12), SAYS(REDIR), COMBINED(2, 4), .n_programs = 1,
		 .programs = { { TURNPIKE_MODE_XDP_NATIVE, TURNPIKE_HOOK_XDP, 12, 0, "fw" } }),
	  .whole = { USABLE("tc head tcx", "any"), USABLE("tc head clsact", "any"),
		     USABLE("userspace auto", "always"),
		     BOTH_REJECTED("program 12 'fw' is already attached to xdp-native",
				   "ip link set dev eth0 xdpdrv off"),
		     REJECTED("xdp-generic head", "program 12", "xdpdrv off"),
		     REJECTED("xdp-generic tail", "program 12", "xdpdrv off") } },
	{ "another turnpike's program, held by a link",
	  DEVICE("e1000e", KERNEL(6, 12), SAYS(0), .n_programs = 1,
		 .programs = { { TURNPIKE_MODE_XDP_GENERIC, TURNPIKE_HOOK_XDP, 12, 3,
				 "relay_xdp_head" } }),
	  .whole = { USABLE("tc head tcx", "any"), USABLE("tc head clsact", "any"),
		     USABLE("userspace auto", "always"),
		     BOTH_REJECTED("turnpike already relays", NULL),
		     REJECTED("xdp-generic head", "turnpike already relays", NULL),
		     REJECTED("xdp-generic tail", "turnpike already relays", NULL) } },
	{ "a program of ours", /* whose id is in the policy of all cases */
	  DEVICE("ena", KERNEL(6, 12), SAYS(REDIR), COMBINED(2, 4), .n_programs = 1,
		 .programs = { { TURNPIKE_MODE_XDP_NATIVE, TURNPIKE_HOOK_XDP, 77, 3, "fw" } }),
	  .above = { USABLE(HEAD, "256 bytes"), USABLE(TAIL, "2006 bytes") } },
	{ "a program of ours, and the MTU was raised since",
	  DEVICE("ena", KERNEL(6, 12), SAYS(REDIR), COMBINED(2, 4), .mtu = 9001, .n_programs = 1,
		 .programs = { { TURNPIKE_MODE_XDP_NATIVE, TURNPIKE_HOOK_XDP, 77, 3, "fw" } }),
	  .below = { BOTH_REJECTED("the MTU is 9001, but native XDP allows at most 3498",
				   "ip link set dev eth0 mtu 3498") } },
	{ "a program of ours on a veth, and the peer's MTU was raised since",
	  VIRTUAL("veth", KERNEL(6, 12), SAYS(FRAGS), .n_programs = 1,
		  .programs = { { TURNPIKE_MODE_XDP_NATIVE, TURNPIKE_HOOK_XDP, 77, 3, "fw" } },
		  RELATIVE(PEER, .dev = "nic1", .mtu = 9000, .n_programs = 1,
			   .programs = { { TURNPIKE_MODE_XDP_NATIVE, TURNPIKE_HOOK_XDP, 8, 0,
					   "pass" } })),
	  .below = { BOTH_REJECTED("MTU of the peer is 9000", "mtu 3506") } },
	{ "no privileges", DEVICE("ena", KERNEL(6, 12), .bpf_error = -EPERM),
	  .whole = { ALL_REJECTED("run as root", NULL) } },
};

/** What most devices have in common. */
static struct turnpike_facts complete(struct turnpike_facts facts)
{
	facts.ifindex = 2;
	facts.up = true;
	if (!facts.mtu)
		facts.mtu = 1500;
	if (!facts.arptype)
		facts.arptype = ARPHRD_ETHER;
	if (facts.kernel < KERNEL(6, 6))
		facts.tcx_error = -EINVAL;
	return facts;
}

static void check_line(const struct turnpike_candidate *candidate, const struct line *line)
{
	const bool has_hook =
		candidate->hook != TURNPIKE_HOOK_XDP && candidate->hook != TURNPIKE_HOOK_NONE;
	char name[64];

	snprintf(name, sizeof(name), "%s %s%s%s", turnpike_mode_name(candidate->mode),
		 turnpike_moves_name(candidate->moves), has_hook ? " " : "",
		 has_hook ? turnpike_hook_name(candidate->hook) : "");
	assert_string_equal(name, line->candidate);
	assert_string_equal(turnpike_outlook_name(candidate->outlook),
			    turnpike_outlook_name(line->outlook));
	if (!strstr(candidate->reason, line->reason))
		fail_msg("%s: '%s' is not in '%s'", name, line->reason, candidate->reason);
	if (!line->remedy)
		assert_string_equal(candidate->remedy, "");
	else if (!strstr(candidate->remedy, line->remedy))
		fail_msg("%s: '%s' is not in '%s'", name, line->remedy, candidate->remedy);
}

/** Checks the given lines; returns the candidate after them. */
static const struct turnpike_candidate *check_lines(const struct turnpike_candidate *candidate,
						    const struct line *lines, size_t max)
{
	for (size_t i = 0; i < max && lines[i].candidate; i++)
		check_line(candidate++, &lines[i]);
	return candidate;
}

#define CHECK(candidate, lines) check_lines(candidate, lines, ARRAY_LEN(lines))

/** Candidates after native XDP on any device, with tcx and without. */
static const struct line with_tcx[] = {
	USABLE("tc head tcx", "any driver"),      USABLE("tc head clsact", "any driver"),
	USABLE("xdp-generic head", "LRO"),        DOUBTFUL("xdp-generic tail", "no room behind"),
	USABLE("userspace auto", "always works"),
};
static const struct line without_tcx[] = {
	USABLE("tc head clsact", "any driver"),
	USABLE("xdp-generic head", "LRO"),
	DOUBTFUL("xdp-generic tail", "no room behind"),
	USABLE("userspace auto", "always works"),
};
static const struct line no_tcx[] = { REJECTED("tc head tcx", "Linux 6.6", NULL) };

static void check_case(const struct device_case *each)
{
	const struct turnpike_facts facts = complete(each->facts);
	const struct select_policy policy = { .own_id = 77 };
	const struct turnpike_candidate *next;
	struct plan plan;

	assert_int_equal(select_plan(&facts, &policy, &plan), 0);
	next = CHECK(plan.candidates, each->whole);
	if (next == plan.candidates) {
		next = CHECK(next, each->above);
		next = facts.tcx_error ? CHECK(next, without_tcx) : CHECK(next, with_tcx);
		next = CHECK(next, each->below);
		if (facts.tcx_error)
			next = CHECK(next, no_tcx);
	}
	assert_int_equal(next - plan.candidates, plan.n);
}

static void test_plan(void **state)
{
	check_case(*state);
}

/** A device on which everything works. */
static const struct turnpike_facts good = DEVICE("ena", KERNEL(6, 12), SAYS(REDIR), COMBINED(2, 4));

static void test_forced(void **state)
{
	const struct select_policy policy = { .mode = TURNPIKE_MODE_XDP_NATIVE,
					      .moves = TURNPIKE_MOVES_TAIL };
	static const struct line expected[] = {
		USABLE(TAIL, "2006 bytes"),
		REJECTED(HEAD, "not requested", NULL),
		REJECTED("tc head tcx", "not requested", NULL),
		REJECTED("tc head clsact", "not requested", NULL),
		REJECTED("xdp-generic head", "not requested", NULL),
		REJECTED("xdp-generic tail", "not requested", NULL),
		REJECTED("userspace auto", "not requested", NULL),
	};
	const struct turnpike_facts facts = complete(good);
	struct plan plan;

	(void)state;
	assert_int_equal(select_plan(&facts, &policy, &plan), 0);
	CHECK(plan.candidates, expected);
}

#define BY_DISPATCHER(mode_and_moves) mode_and_moves " xdp-dispatcher"
#define JOINED_LINES(outlook_of_direct, reason, remedy)                                      \
	USABLE(BY_DISPATCHER(HEAD), "by a dispatcher of libxdp; 256 bytes"),                 \
		USABLE(BY_DISPATCHER(TAIL), "by a dispatcher of libxdp; 2006"),              \
		USABLE("tc head tcx", "any"), USABLE("tc head clsact", "any"),               \
		USABLE("userspace auto", "always"), outlook_of_direct(HEAD, reason, remedy), \
		outlook_of_direct(TAIL, reason, remedy)

/** In the dispatcher of others; its name is not readable for a server that has joined it. */
static void test_joined_dispatcher(void **state)
{
	static const struct line expected[] = {
		JOINED_LINES(REJECTED, "program 12", "xdp-loader unload -a eth0"),
		REJECTED("xdp-generic head", "program 12", "xdp-loader unload"),
		REJECTED("xdp-generic tail", "program 12", "xdp-loader unload"),
		REJECTED(BY_DISPATCHER("xdp-generic head"), "program 12", "xdp-loader unload"),
		REJECTED(BY_DISPATCHER("xdp-generic tail"), "program 12", "xdp-loader unload"),
	};
	static const struct line unnamed[] = {
		JOINED_LINES(REJECTED, "program 12", "turnpike probe"),
	};
	struct select_policy policy = { .own_id = 77 };
	struct turnpike_facts facts = complete(good);
	struct plan plan;

	(void)state;
	facts.n_programs = 1;
	facts.programs[0] = (struct turnpike_program){ TURNPIKE_MODE_XDP_NATIVE, TURNPIKE_HOOK_XDP,
						       12, 0, "xdp_dispatcher" };
	assert_int_equal(select_plan(&facts, &policy, &plan), 0);
	CHECK(plan.candidates, expected);
	assert_int_equal(plan.n, ARRAY_LEN(expected));

	facts.programs[0].name[0] = '\0';
	policy.in_dispatcher = true;
	assert_int_equal(select_plan(&facts, &policy, &plan), 0);
	CHECK(plan.candidates, unnamed);
}

/** A dispatcher that is asked for is attached; nothing else is attached to XDP. */
static void test_requested_dispatcher(void **state)
{
	const struct select_policy policy = { .hook = TURNPIKE_HOOK_DISPATCHER };
	static const struct line expected[] = {
		USABLE(BY_DISPATCHER(HEAD), "by a dispatcher of libxdp; 256 bytes"),
		USABLE(BY_DISPATCHER(TAIL), "by a dispatcher of libxdp; 2006 bytes"),
		USABLE("tc head tcx", "any"),
		USABLE("tc head clsact", "any"),
		USABLE(BY_DISPATCHER("xdp-generic head"), "by a dispatcher of libxdp; works"),
		DOUBTFUL(BY_DISPATCHER("xdp-generic tail"), "no room behind"),
		USABLE("userspace auto", "always"),
		REJECTED(HEAD, "not requested", NULL),
		REJECTED(TAIL, "not requested", NULL),
		REJECTED("xdp-generic head", "not requested", NULL),
		REJECTED("xdp-generic tail", "not requested", NULL),
	};
	const struct turnpike_facts facts = complete(good);
	struct plan plan;

	(void)state;
	assert_int_equal(select_plan(&facts, &policy, &plan), 0);
	CHECK(plan.candidates, expected);
	assert_int_equal(plan.n, ARRAY_LEN(expected));
}

static void test_redirects(void **state)
{
	const struct select_policy policy = { .redirects = true };
	struct turnpike_facts facts = complete(good);
	struct plan plan;

	(void)state;
	assert_int_equal(select_plan(&facts, &policy, &plan), 0);
	assert_int_equal(plan.candidates[0].mode, TURNPIKE_MODE_XDP_NATIVE);

	facts.xdp_features = BASIC;
	assert_int_equal(select_plan(&facts, &policy, &plan), 0);
	assert_int_equal(plan.candidates[0].mode, TURNPIKE_MODE_TC);
	assert_non_null(strstr(plan.candidates[5].reason, "cannot redirect"));
}

static void test_nonsense(void **state)
{
	const struct select_policy policy = { .mode = TURNPIKE_MODE_MAX };
	const struct turnpike_facts facts = complete(good);
	struct plan plan = { .n = 42 };

	(void)state;
	assert_int_equal(select_plan(&facts, &policy, &plan), -EINVAL);
	assert_int_equal(plan.n, 42);
}

/** As Linux 6.1 and 6.18 write it: feature 0 comes first. */
static void test_sysfs(void **state)
{
	char text[130];
	__u64 features = 42;

	(void)state;
	memset(text, '0', sizeof(text));
	text[0] = text[15] = text[32] = text[64] = '1';
	text[128] = '\n';
	text[129] = '\0';
	assert_true(sysfs_parse_features(text, &features));
	assert_int_equal(features, 1ull | 1ull << 15 | 1ull << 32);
	text[64] = '\n';
	text[65] = '\0';
	assert_true(sysfs_parse_features(text, &features));

	features = 42;
	text[63] = '\0';
	assert_false(sysfs_parse_features(text, &features));
	text[63] = '2';
	assert_false(sysfs_parse_features(text, &features));
	assert_false(sysfs_parse_features("", &features));
	assert_int_equal(features, 42);
}

/** Each row names its source, and can be found. */
static void test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < n_drivers; i++) {
		const struct driver *driver = &drivers[i];
		__u32 since;

		assert_non_null(driver->source);
		assert_true(!driver->before || driver->since < driver->before);
		if (!strchr(driver->names, ' '))
			assert_ptr_equal(driver_find(driver->names, driver->since, &since), driver);
	}
}

int main(void)
{
	static const struct CMUnitTest others[] = {
		cmocka_unit_test(test_forced),
		cmocka_unit_test(test_joined_dispatcher),
		cmocka_unit_test(test_requested_dispatcher),
		cmocka_unit_test(test_redirects),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_sysfs),
		cmocka_unit_test(test_table),
	};
	struct CMUnitTest plans[ARRAY_LEN(cases)] = { 0 };
	int failed;

	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		plans[i] = (struct CMUnitTest){ .name = cases[i].name,
						.test_func = test_plan,
						.initial_state = (void *)(uintptr_t)&cases[i] };
	failed = cmocka_run_group_tests_name("plans", plans, NULL, NULL);
	failed += cmocka_run_group_tests_name("others", others, NULL, NULL);
	return failed;
}
