/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file probe.h
 * How the devices of this machine can relay, and which mode is best on each.
 *
 * Facts are what the kernel reports about a device. A plan follows from them and from what is known
 * about the driver: it ranks every candidate, a combination of mode, hook and moves, with a reason
 * and, where there is one, a remedy. Nothing is attached or changed. A plan is not proof: drivers
 * differ in ways that the kernel does not report, and such a candidate is marked DOUBTFUL.
 *
 * The conventions of turnpike.h apply. The library fills in all structs. Of them, struct
 * turnpike_program and struct turnpike_queues never grow, as others contain them.
 */
#ifndef TURNPIKE_PROBE_H
#define TURNPIKE_PROBE_H

#include <stdbool.h>
#include <turnpike/turnpike.h>

#ifdef __cplusplus
extern "C" {
#endif

/** State of an offload, in bits. Without KNOWN, the others have no meaning. */
#define TURNPIKE_KNOWN 1
#define TURNPIKE_ON    2
#define TURNPIKE_FIXED 4 /* ethtool cannot change it */

/** The bits of xdp_features in use here: NETDEV_XDP_ACT_... of <linux/netdev.h>. */
#define TURNPIKE_XDP_BASIC    0x01
#define TURNPIKE_XDP_REDIRECT 0x02
#define TURNPIKE_XDP_XMIT     0x04
#define TURNPIKE_XDP_FRAGS    0x20

/** A kernel version as a number, without its third part. */
#define TURNPIKE_KERNEL(major, minor) ((__u32)(major) << 16 | (__u32)(minor))

/** Relation of a device to the one that was probed. */
enum turnpike_relation {
	TURNPIKE_RELATION_SELF,
	TURNPIKE_RELATION_MASTER, /* its bridge or bond, which receives its packets */
	TURNPIKE_RELATION_MEMBER, /* a port of this bridge or bond; the VF of this hv_netvsc */
	TURNPIKE_RELATION_LOWER,  /* the device below this VLAN or macvlan */
	TURNPIKE_RELATION_PEER,   /* the other end of this veth */
	TURNPIKE_RELATION_UPPER,  /* a VLAN or macvlan on top of it */
	TURNPIKE_RELATION_BELOW,  /* further below: a device below a MEMBER or LOWER */
	TURNPIKE_RELATION_MAX,
};

/**
 * struct turnpike_program - a program or filter attached to a device, by us or by others
 * @mode, @hook: where it is attached
 * @id:      the kernel's id of the program; 0: a filter without a BPF program
 * @link_id: the kernel's id of the link that holds it; 0: none, or not visible
 * @name:    name of the program, or kind of the filter; may be empty
 */
struct turnpike_program {
	enum turnpike_mode mode;
	enum turnpike_hook hook;
	__u32 id;
	__u32 link_id;
	char name[16];
};

/** struct turnpike_queues - channels, as 'ethtool -l' shows them; 0: none, or not known */
struct turnpike_queues {
	__u32 rx, tx, combined;
	__u32 max_rx, max_tx, max_combined;
};

/** Most programs reported for a device. */
#define TURNPIKE_PROGRAMS_MAX 16

/**
 * struct turnpike_facts - what the kernel reports about a device
 * @dev:       its name; empty: it is in another network namespace, and its index is all we know
 * @ifindex:   its index, in its own network namespace
 * @relation:  its relation to the device that was probed
 * @elsewhere: it is in another network namespace
 * @related:   the first relative, or NULL; only of the device that was probed, and the peers of its
 *             members
 * @next:      the next relative, or NULL
 * @driver, @driver_version: as 'ethtool -i' shows them
 * @kind:      of a virtual device, as 'ip -d link' shows it; empty: hardware
 * @arptype:   ARPHRD_... of <net/if_arp.h>: its link header
 * @mtu:       bytes
 * @max_mtu:   bytes; 0: no limit, or not known
 * @up:        up and running
 * @queues:    channels
 * @lro, @gro_hw, @rx_csum: offloads, in bits of TURNPIKE_KNOWN, TURNPIKE_ON and TURNPIKE_FIXED
 * @rx_vlan:   the same for rxvlan, which takes VLAN tags off frames
 * @legacy_rx: the same for a private flag of Intel's drivers
 * @xdp_known: the driver reports @xdp_features (Linux 6.3)
 * @xdp_features: TURNPIKE_XDP_...: what the driver claims
 * @n_programs, @programs: programs attached on the receive side
 * @kernel:    the running kernel, as TURNPIKE_KERNEL()
 * @bpf_error: 0, or the negative errno of loading XDP and TC programs
 * @tcx_error: 0, or the negative errno of a tcx query; -EINVAL: the kernel has no tcx
 * @virtio_known: @virtio_features is known: the driver is virtio_net, and /sys shows the device's
 *             network namespace
 * @virtio_features: features negotiated with the host, in bits: VIRTIO_NET_F_... of
 *             <linux/virtio_net.h>, and VIRTIO_F_...
 * @gro:       the same as @lro for generic-receive-offload
 * @gro_list:  and for rx-gro-list, which merges UDP datagrams for forwarding
 * @gro_forwarding: and for rx-udp-gro-forwarding, for datagrams without a local socket
 * @segments_error: 0: generic XDP tells super-packets (skb_layout.h); or the negative errno
 * @vlans:     VLAN devices on top of it, in any network namespace; -1: not known
 * @ipsec_tunnels: IPsec policies of the host admit some packets out of tunnels only, or may do so
 */
struct turnpike_facts {
	char dev[TURNPIKE_IFNAMSIZ];
	__u32 ifindex;
	enum turnpike_relation relation;
	bool elsewhere;
	const struct turnpike_facts *related;
	const struct turnpike_facts *next;
	char driver[32];
	char driver_version[32];
	char kind[16];
	__u32 arptype;
	__u32 mtu;
	__u32 max_mtu;
	bool up;
	struct turnpike_queues queues;
	__u32 lro;
	__u32 gro_hw;
	__u32 rx_csum;
	__u32 rx_vlan;
	__u32 legacy_rx;
	bool xdp_known;
	__u64 xdp_features;
	__u32 n_programs;
	struct turnpike_program programs[TURNPIKE_PROGRAMS_MAX];
	__u32 kernel;
	int bpf_error;
	int tcx_error;
	bool virtio_known;
	__u64 virtio_features;
	__u32 gro;
	__u32 gro_list;
	__u32 gro_forwarding;
	int segments_error;
	int vlans;
	bool ipsec_tunnels;
};

/** What to expect of a candidate. */
enum turnpike_outlook {
	TURNPIKE_USABLE,
	TURNPIKE_DOUBTFUL, /* the kernel does not report what decides it: try it */
	TURNPIKE_REJECTED,
	TURNPIKE_OUTLOOK_MAX,
};

/**
 * struct turnpike_candidate - one way to relay on a device
 * @mode, @hook: where the program is attached
 * @moves:   AUTO where nothing moves
 * @outlook: what to expect
 * @reason:  why: one sentence
 * @remedy:  a command that improves it, with the device's own name and numbers; empty: none
 * @next:    the next best candidate; NULL: this is the last
 * @harmful: it is rejected because it would relay wrong packets; even if it was requested, it does
 *           not stay attached
 */
struct turnpike_candidate {
	enum turnpike_mode mode;
	enum turnpike_hook hook;
	enum turnpike_moves moves;
	enum turnpike_outlook outlook;
	char reason[512];
	char remedy[256];
	const struct turnpike_candidate *next;
	bool harmful;
};

/**
 * struct turnpike_probe_result - the answer for one device
 * @facts: what the kernel reports
 * @plan:  the candidates, best first
 *
 * Candidates after mode userspace are never auto-selected: they are rejected, or would lose packets
 * if a doubt proved right. Other doubts cost only speed, since the server relays what a program
 * does not.
 */
struct turnpike_probe_result {
	const struct turnpike_facts *facts;
	const struct turnpike_candidate *plan;
};

/**
 * turnpike_probe() - report what a device can do and what is best on it
 * @ifname: a device in the network namespace of the calling thread; NULL: every Ethernet device
 * @fn:     called for each device; a result other than 0 ends the list
 * @arg:    passed to @fn
 *
 * Needs no handle. Without the capabilities of turnpike_open(), some facts are not known.
 *
 * Return: 0, what @fn returned, or a negative errno; turnpike_error(NULL) then has the sentence:
 * - -ENODEV: no such device
 * - -ENOMEM: out of memory
 * - others of netlink(7)
 *
 * Since: 0.1
 */
TURNPIKE_API int turnpike_probe(const char *ifname,
				int (*fn)(const struct turnpike_probe_result *probe, void *arg),
				void *arg);

/**
 * turnpike_relation_name(), turnpike_outlook_name() - see turnpike_mode_name()
 *
 * Since: 0.1
 */
TURNPIKE_API const char *turnpike_relation_name(enum turnpike_relation relation);
TURNPIKE_API const char *turnpike_outlook_name(enum turnpike_outlook outlook);

#ifdef __cplusplus
}
#endif

#endif /* TURNPIKE_PROBE_H */
