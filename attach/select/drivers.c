/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Numbers hold for 4 KiB pages, x86-64 and CONFIG_MAX_SKB_FRAGS=17. They come from the sources of
 * Debian's kernels 5.10.223, 6.1.192, 6.12.117 and 7.3.4, which @source calls 5.10 to 7.3; for
 * releases in between, from docs.ebpf.io and bcc's kernel-versions.md. The tailroom is what
 * bpf_xdp_adjust_tail() of net/core/filter.c grants: frame_sz - headroom - 1514 - 320.
 */
#include "private/array_len.h"
#include "select/drivers.h"

#include <stdbool.h>
#include <string.h>
#include <turnpike/probe.h>

#define KERNEL TURNPIKE_KERNEL
#define EVER   0

const struct driver drivers[] = {
	/* Clouds. */
	{ .names = "gve",
	  .since = KERNEL(6, 4),
	  .before = KERNEL(6, 15),
	  .flags = DRIVER_SAYS_REDIRECT | DRIVER_REFUSES_LRO,
	  .max_mtu = 2032,
	  .queues = QUEUES_HALF_RX_IS_TX,
	  .headroom = 2,
	  .tailroom = 212,
	  .no_xdp = "in queue formats other than GQI-QPL",
	  .disturbs = "the link goes down and up",
	  .source =
		  "google/gve: gve_main.c verify_xdp_configuration, gve_desc.h GVE_RX_PAD (6.12)" },
	{ .names = "gve",
	  .since = KERNEL(6, 15),
	  .flags = DRIVER_SAYS_REDIRECT | DRIVER_REFUSES_GRO_HW,
	  .max_mtu = 2032, /* GQI; 2034 with DQO */
	  .queues = QUEUES_HALF_RX_IS_TX,
	  .headroom = 2,
	  .tailroom = 212,
	  .head_doubt =
		  "2 bytes of headroom in queue format GQI-QPL, 256 in DQO-RDA, and the driver "
		  "does not report the format",
	  .no_xdp = "in queue formats DQO-QPL and GQI-RDA",
	  .disturbs = "the device is closed and opened",
	  .source =
		  "google/gve: gve_main.c gve_verify_xdp_configuration, gve_rx_dqo.c "
		  "gve_rx_alloc_ring_dqo, gve_desc.h GVE_RX_PAD (7.3); 6.15 and 6.17 from memory" },
	{ .names = "ena",
	  .since = KERNEL(5, 6),
	  .max_mtu = 3498,
	  .queues = QUEUES_HALF,
	  .headroom = 256,
	  .tailroom = 2006,
	  .disturbs = "the device goes down and up",
	  .source =
		  "amazon/ena: ena_xdp.c ena_xdp_set, ena_xdp.h ena_xdp_allowed (5.10, 6.1, 7.3)" },
	{ .names = "virtio_net",
	  .since = KERNEL(4, 10),
	  .flags = DRIVER_VIRTIO,
	  .max_mtu = 3506, /* somewhat more before 6.12 */
	  .headroom = 256,
	  .tailroom = 1990,
	  .disturbs = "reception pauses for a moment",
	  .source = "virtio_net.c virtnet_xdp_set, receive_small_xdp, mergeable_xdp_get_buf, "
		    "receive_big (5.10, 6.1, 6.12, 7.3)" },
	{ .names = "hv_netvsc",
	  .since = KERNEL(5, 6),
	  .flags = DRIVER_OF_MEMBERS | DRIVER_REFUSES_LRO,
	  .max_mtu = 3506,
	  .headroom = 256,
	  .tailroom = 2006,
	  .source = "hyperv/netvsc_bpf.c netvsc_xdp_set, netvsc_vf_setxdp (6.1, 7.3)" },
	{ .names = "mana",
	  .since = KERNEL(5, 17),
	  .max_mtu = 3506,
	  .headroom = 256,
	  .tailroom = 2006,
	  .disturbs = "kernels after 6.12 rebuild its queues",
	  .source = "microsoft/mana/mana_bpf.c mana_xdp_set (6.1, 6.12, 7.3)" },
	{ .names = "vif", /* xen-netfront */
	  .since = KERNEL(5, 9),
	  .max_mtu = 3840,
	  .flags = DRIVER_PASSES_UNMOVED, /* we never move a frame that we pass */
	  .headroom = 256,
	  .tailroom = 1750,
	  .run_doubt = "it accepts a program, but does not run it if the backend lacks "
		       "feature-xdp-headroom",
	  .disturbs = "the link is set up again",
	  .source = "xen-netfront.c xennet_xdp_set, xennet_run_xdp (5.10, 6.1, 6.12, 7.3)" },
	{ .names = "vmxnet3",
	  .since = KERNEL(6, 6),
	  .max_mtu = 3494,
	  .headroom = 256,
	  .tailroom = 2006,
	  .disturbs = "the device is reset, and LRO is turned off",
	  .source = "vmxnet3/vmxnet3_xdp.c vmxnet3_xdp_set (7.3)" },
	{ .names = "idpf",
	  .since = KERNEL(6, 18),
	  .headroom = 256,
	  .tailroom = 2006,
	  .tail_doubt = "the room behind its frames is a rough estimate",
	  .disturbs = "a soft reset",
	  .source = "intel/idpf/xdp.c, libeth (7.3, in part)" },

	/* NICs. */
	{ .names = "mlx4_en",
	  .since = KERNEL(4, 8),
	  .flags = DRIVER_NO_XMIT,
	  .max_mtu = 3498,
	  .headroom = 256,
	  .tailroom = 2006,
	  .disturbs = "the port is stopped and started",
	  .source = "mellanox/mlx4/en_netdev.c mlx4_xdp_set (7.3)" },
	{ .names = "mlx5_core",
	  .since = KERNEL(4, 9),
	  .flags = DRIVER_REFUSES_LRO | DRIVER_REFUSES_GRO_HW,
	  .max_mtu = 3498,
	  .headroom = 256,
	  .tailroom = 2006,
	  .no_xdp = "while LRO or GRO-HW is on",
	  .disturbs = "the link goes down and up",
	  .source = "mellanox/mlx5/core/en_main.c mlx5e_xdp_allowed (5.10, 6.1, 6.12, 7.3)" },
	{ .names = "ixgbe",
	  .since = KERNEL(4, 12),
	  .flags = DRIVER_LEGACY_RX,
	  .max_mtu = 3050,
	  .headroom = 192,
	  .tailroom = 22, /* more with 3 KiB buffers */
	  .disturbs = "its rings are rebuilt",
	  .source = "intel/ixgbe/ixgbe_main.c ixgbe_xdp_setup (5.10, 6.1, 6.12, 7.3)" },
	{ .names = "ixgbevf",
	  .since = KERNEL(4, 17),
	  .flags = DRIVER_LEGACY_RX | DRIVER_NO_REDIRECT | DRIVER_NO_XMIT,
	  .max_mtu = 3050,
	  .headroom = 0,
	  .tailroom = 150,
	  .head_doubt = "64 bytes of headroom on X540 and later, none on an 82599 at MTU 1500, and "
			"the driver does not report the model",
	  .disturbs = "the device is closed and opened",
	  .source = "intel/ixgbevf/ixgbevf_main.c ixgbevf_xdp_setup, ixgbevf_set_rx_buffer_len "
		    "(5.10, 6.1, 6.12, 7.3)" },
	{ .names = "i40e",
	  .since = KERNEL(4, 13),
	  .before = KERNEL(6, 4),
	  .flags = DRIVER_LEGACY_RX,
	  .max_mtu = 3046,
	  .headroom = 192,
	  .tailroom = 22,
	  .disturbs = "the device is reset, which takes seconds",
	  .source = "intel/i40e/i40e_main.c i40e_xdp_setup (5.10, 6.1)" },
	{ .names = "i40e",
	  .since = KERNEL(6, 4),
	  .flags = DRIVER_LEGACY_RX,
	  .max_mtu = 3046,
	  .headroom = 192,
	  .tailroom = 2070,
	  .disturbs = "the device is reset, which takes seconds",
	  .source = "intel/i40e/i40e_main.c i40e_xdp_setup (6.12, 7.3)" },
	{ .names = "ice",
	  .since = KERNEL(5, 5),
	  .flags = DRIVER_LEGACY_RX,
	  .max_mtu = 3046,
	  .headroom = 192, /* 256 with libeth, as in 7.3 */
	  .tailroom = 22,  /* 2006 with libeth */
	  .disturbs = "the device goes down and up",
	  .source = "intel/ice/ice_main.c ice_xdp_setup_prog, ice_xdp_safe_mode (5.10 to 7.3)" },
	{ .names = "igb",
	  .since = KERNEL(5, 10),
	  .flags = DRIVER_LEGACY_RX,
	  .max_mtu = 3046,
	  .headroom = 192,
	  .tailroom = 22,
	  .disturbs = "the link goes down and up",
	  .source = "intel/igb/igb_main.c igb_xdp_setup (6.1, 7.3)" },
	{ .names = "igc",
	  .since = KERNEL(5, 13),
	  .max_mtu = 1500,
	  .headroom = 256,
	  .tailroom = 2006,
	  .disturbs = "its rings are stopped and started",
	  .source = "intel/igc/igc_xdp.c igc_xdp_set_prog (7.3)" },
	{ .names = "bnxt_en",
	  .since = KERNEL(4, 11),
	  .max_mtu = 3502,
	  .queues = QUEUES_COMBINED,
	  .headroom = 256,
	  .tailroom = 2006,
	  .disturbs = "the device is closed and opened, and GRO-HW is turned off",
	  .source = "broadcom/bnxt/bnxt_xdp.c bnxt_xdp_set (5.10, 6.1, 7.3)" },
	{ .names = "nfp",
	  .since = KERNEL(4, 10),
	  .flags = DRIVER_NO_REDIRECT | DRIVER_NO_XMIT,
	  .headroom = 256,
	  .tailroom = ROOM_UNKNOWN,
	  .disturbs = "its rings are rebuilt",
	  .source =
		  "netronome/nfp: nfp_net_common.c nfp_net_xdp_setup, nfdk/dp.c, nfd3/dp.c (7.3)" },
	{ .names = "qede",
	  .since = KERNEL(4, 10),
	  .max_mtu = 3506, /* not checked, but a program sees only one page of a frame */
	  .headroom = 256,
	  .tailroom = 2006,
	  .disturbs = "the device is reloaded",
	  .source = "qlogic/qede/qede_filter.c qede_xdp_set, qede_fp.c qede_rx_xdp (7.3)" },
	{ .names = "sfc sfc_siena",
	  .since = KERNEL(5, 5),
	  .flags = DRIVER_PASSES_UNMOVED, /* at the tail only */
	  .max_mtu = 3530,
	  .headroom = 128,
	  .tailroom = 0,
	  .tail_doubt = "some tens of bytes behind a full frame, depending on the chip",
	  .source = "sfc/efx_common.c efx_xdp_setup_prog, rx.c efx_do_xdp (6.12, 7.3)" },
	{ .names = "nicvf",
	  .since = KERNEL(4, 12),
	  .flags = DRIVER_NO_REDIRECT | DRIVER_NO_XMIT,
	  .max_mtu = 1508,
	  .headroom = 256,
	  .tailroom = ROOM_UNKNOWN,
	  .disturbs = "the device is stopped and opened",
	  .source = "cavium/thunder/nicvf_main.c nicvf_xdp_setup (7.3)" },
	{ .names = "rvu_nicpf",
	  .since = KERNEL(5, 16),
	  .flags = DRIVER_IGNORES_MOVES,
	  .max_mtu = 1508,
	  .headroom = 128,
	  .tailroom = ROOM_UNKNOWN,
	  .disturbs = "the device is stopped and opened",
	  .source = "marvell/octeontx2/nic/otx2_txrx.c otx2_xdp_rcv_pkt_handler (6.1, 6.12, 7.3)" },
	{ .names = "lan966x-switch",
	  .since = KERNEL(6, 2),
	  .flags = DRIVER_IGNORES_MOVES,
	  .headroom = 256,
	  .tailroom = ROOM_UNKNOWN,
	  .disturbs = "its buffers are reallocated",
	  .source = "microchip/lan966x/lan966x_xdp.c lan966x_xdp_run (6.12, 7.3)" },
	{ .names = "st_gmac st_xgmac st_mac100", /* stmmac */
	  .since = KERNEL(5, 13),
	  .max_mtu = 1500,
	  .headroom = 256,
	  .tailroom = 2000,
	  .disturbs = "the device is closed and opened",
	  .source = "stmicro/stmmac/stmmac_xdp.c stmmac_xdp_set_prog (7.3)" },
	{ .names = "mvneta",
	  .since = KERNEL(5, 5),
	  .max_mtu = 3520,
	  .headroom = 256,
	  .tailroom = 2000,
	  .no_xdp = "with hardware buffer management",
	  .disturbs = "the device is stopped and opened",
	  .source = "marvell/mvneta.c mvneta_xdp_setup (7.3)" },
	{ .names = "cpsw cpsw-switch",
	  .since = KERNEL(5, 3),
	  .headroom = 256,
	  .tailroom = 2000,
	  .source = "ti/cpsw_priv.c cpsw_xdp_prog_setup (7.3)" },
	{ .names = "am65-cpsw-nuss",
	  .since = KERNEL(6, 10),
	  .headroom = 256,
	  .tailroom = 2000,
	  .disturbs = "the port is stopped and opened",
	  .source = "ti/am65-cpsw-nuss.c am65_cpsw_xdp_prog_setup (7.3)" },
	{ .names = "e1000 e1000e iavf r8169 tg3",
	  .since = EVER,
	  .flags = DRIVER_NO_NATIVE,
	  .source = "no ndo_bpf in intel/e1000, intel/e1000e, intel/iavf, realtek, "
		    "broadcom/tg3.c (7.3)" },

	/* Virtual devices. */
	{ .names = "veth",
	  .since = KERNEL(4, 19),
	  .before = KERNEL(6, 8),
	  .flags = DRIVER_VETH,
	  .max_mtu = 3506, /* of the peer */
	  .headroom = 256,
	  .tailroom = 2006,
	  .no_xdp = "while the peer has more transmit queues than this end has receive queues",
	  .source = "veth.c veth_xdp_set, veth_xdp_xmit, veth_xdp_flush (5.10, 6.1)" },
	{ .names = "veth",
	  .since = KERNEL(6, 8),
	  .flags = DRIVER_VETH,
	  .max_mtu = 3506,
	  .headroom = 256,
	  .tailroom = 0,
	  .tail_doubt = "0 to 63 bytes behind a frame, depending on its length",
	  .no_xdp = "while the peer has more transmit queues than this end has receive queues",
	  .source = "veth.c veth_xdp_set, veth_xdp_flush, skbuff.c skb_pp_cow_data (6.12, 7.3); "
		    "seen live on 6.18" },
	{ .names = "tun", /* a tap; a tun has no Ethernet header and does not get here */
	  .since = KERNEL(4, 14),
	  .headroom = 320,
	  .tailroom = 0,
	  .tail_doubt = "0 to 63 bytes behind a frame, depending on its length",
	  .source = "tun.c tun_build_skb, tun_can_build_skb (5.10 to 7.3); seen live on 6.18" },
	{ .names = "bond bonding",
	  .since = KERNEL(5, 15),
	  .flags = DRIVER_OF_MEMBERS | DRIVER_MEMBERS_XMIT,
	  .headroom = 256, /* at most; that of its members counts */
	  .tailroom = 2070,
	  .run_doubt = "not every bonding mode supports XDP, and each member must support it, too",
	  .no_xdp = "unless each member has it",
	  .source = "bonding/bond_main.c bond_xdp_set (7.3)" },
	{ .names = "netdevsim",
	  .since = KERNEL(4, 16),
	  .max_mtu = 4000,
	  .headroom = ROOM_UNKNOWN,
	  .tailroom = ROOM_UNKNOWN,
	  .source = "netdevsim/bpf.c (7.3); it runs the kernel's generic XDP" },
	{ .names = "bridge dummy ifb macvlan netkit vlan vrf vxlan wireguard",
	  .since = EVER,
	  .flags = DRIVER_NO_NATIVE,
	  .source = "no ndo_bpf; netkit.c has one for AF_XDP only (7.3)" },
};

const size_t n_drivers = ARRAY_LEN(drivers);

/* Is @name one of the words of @names? */
static bool has_name(const char *names, const char *name)
{
	const size_t len = strlen(name);
	const char *word;

	for (word = names; *word; word += strspn(word, " ")) {
		const size_t n = strcspn(word, " ");

		if (n == len && strncmp(word, name, n) == 0)
			return true;
		word += n;
	}
	return false;
}

const struct driver *driver_find(const char *name, __u32 kernel, __u32 *since)
{
	const struct driver *row;

	*since = 0;
	for (row = drivers; row < drivers + n_drivers; row++) {
		if (!has_name(row->names, name))
			continue;
		if (kernel >= row->since && (!row->before || kernel < row->before))
			return row;
		if (!*since)
			*since = row->since;
	}
	return NULL;
}
