/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file probe.h
 * What the devices of this machine can do for a relay, and what is best on each.
 *
 * Facts are what the kernel tells about a device; a plan is what follows from them and from what is
 * known of its driver: every way to relay, the best first, each with a reason, and with a remedy
 * where there is one. Nothing is attached and nothing changed. A plan is not proof: drivers differ
 * in ways that nobody can ask them about, and then it says so.
 *
 * The conventions are those of turnpike.h. The structs are made by the library only, and may get
 * new members at their ends.
 */
#ifndef TURNPIKE_PROBE_H
#define TURNPIKE_PROBE_H

#include <stdbool.h>
#include <turnpike/turnpike.h>

#ifdef __cplusplus
extern "C" {
#endif

/** What is known of something that is on or off. Not KNOWN: the other bits say nothing. */
#define TURNPIKE_KNOWN 1
#define TURNPIKE_ON    2
#define TURNPIKE_FIXED 4 /* ethtool cannot change it */

/** Bits of xdp_features that matter here; see NETDEV_XDP_ACT_... in <linux/netdev.h>. */
#define TURNPIKE_XDP_BASIC    0x01
#define TURNPIKE_XDP_REDIRECT 0x02
#define TURNPIKE_XDP_XMIT     0x04
#define TURNPIKE_XDP_FRAGS    0x20

/** A kernel version as a number; the third part of a version does not count. */
#define TURNPIKE_KERNEL(major, minor) ((__u32)(major) << 16 | (__u32)(minor))

/** What another device is to the one that was asked about. */
enum turnpike_relation {
	TURNPIKE_RELATION_SELF,
	TURNPIKE_RELATION_MASTER, /* a bridge, a bond: it gets our packets */
	TURNPIKE_RELATION_MEMBER, /* the other way round; also the VF of a hv_netvsc */
	TURNPIKE_RELATION_LOWER,  /* what a VLAN or a macvlan sits on */
	TURNPIKE_RELATION_PEER,   /* the other end of a veth */
	TURNPIKE_RELATION_UPPER,  /* a VLAN or a macvlan that sits on it */
	TURNPIKE_RELATION_MAX,
};

/**
 * struct turnpike_program - a program or filter that is attached to a device, ours or not
 * @mode, @hook: where
 * @id:      the kernel's id of the program; 0: a filter that is no BPF program
 * @link_id: of the link that holds it; 0: none, or not to be seen
 * @name:    of the program, or the kind of the filter; may be empty
 */
struct turnpike_program {
	enum turnpike_mode mode;
	enum turnpike_hook hook;
	__u32 id;
	__u32 link_id;
	char name[16];
};

/** struct turnpike_queues - as 'ethtool -l' shows them; 0: none, or unknown */
struct turnpike_queues {
	__u32 rx, tx, combined;
	__u32 max_rx, max_tx, max_combined;
};

/** More programs of a device than this are not told of. */
#define TURNPIKE_PROGRAMS_MAX 16

/**
 * struct turnpike_facts - what the kernel tells about a device
 * @dev:      its name; empty if all we know is that it exists, in another network namespace
 * @ifindex:  its index, in its own namespace
 * @relation: what it is to the device that was asked about
 * @elsewhere: it is in another network namespace
 * @related:  the first of its relatives, NULL without; only of the device that was asked about
 * @next:     the next relative
 * @driver, @driver_version: as 'ethtool -i' shows them
 * @kind:     of a virtual device, as 'ip -d link' shows it; empty for hardware
 * @arptype:  ARPHRD_... of <net/if_arp.h>: what its frames begin with
 * @mtu, @max_mtu: in bytes; @max_mtu 0: any, or unknown
 * @up:       up and running
 * @queues:   its channels
 * @lro, @gro_hw, @rx_csum, @rx_vlan: offloads, in bits of TURNPIKE_KNOWN, ...; the last one takes
 * VLAN tags off frames
 * @legacy_rx: private flag of Intel's drivers, in the same bits
 * @xdp_known: @xdp_features is what the driver says (Linux 6.3); or else unknown
 * @xdp_features: TURNPIKE_XDP_...; a claim
 * @n_programs, @programs: what is attached now, on the way in
 * @kernel:   the running kernel, TURNPIKE_KERNEL()
 * @bpf_error: 0, or the negative errno with which the kernel answers to XDP and TC programs of ours
 * @tcx_error: 0, or the negative errno with which it answers to tcx; -EINVAL: has none
 * @virtio_known: @virtio_features is what virtio_net and the host have agreed on; or else unknown,
 * as for other drivers, and where /sys shows another network namespace
 * @virtio_features: a bit each, VIRTIO_NET_F_... of <linux/virtio_net.h> and VIRTIO_F_...
 */
struct turnpike_facts {
	char dev[IFNAMSIZ];
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
};

/** What is to be expected of a way to relay. */
enum turnpike_outlook {
	TURNPIKE_USABLE,
	TURNPIKE_DOUBTFUL, /* what decides it cannot be asked for: try it */
	TURNPIKE_REJECTED,
	TURNPIKE_OUTLOOK_MAX,
};

/**
 * struct turnpike_candidate - one way to relay on a device
 * @mode, @hook, @moves: the way; @moves is AUTO where nothing moves
 * @outlook: what is to be expected
 * @reason:  one sentence: why
 * @remedy:  a command that makes it better, with the device's own name and numbers; empty: none
 */
struct turnpike_candidate {
	enum turnpike_mode mode;
	enum turnpike_hook hook;
	enum turnpike_moves moves;
	enum turnpike_outlook outlook;
	char reason[512];
	char remedy[256];
};

/** There are no more ways than this. */
#define TURNPIKE_CANDIDATES_MAX 16

/**
 * struct turnpike_plan - every way to relay on a device, the best first
 *
 * What is below mode userspace is for those who ask for it only: what is rejected, and what would
 * lose packets if a doubt proved right. Other doubts are above, for they cost nothing but speed:
 * what a program does not relay, the server does.
 */
struct turnpike_plan {
	__u32 n;
	struct turnpike_candidate candidates[TURNPIKE_CANDIDATES_MAX];
};

/** struct turnpike_probe - the answer for one device */
struct turnpike_probe {
	const struct turnpike_facts *facts;
	const struct turnpike_plan *plan;
};

/**
 * turnpike_probe() - tell what a device can do and what is best on it, and leave it as it is
 * @ifname: a device of the network namespace that the calling thread is in; NULL: each device that
 *          has Ethernet frames
 * @fn:     gets each answer, valid during the call; what it returns other than 0 ends the listing
 *
 * Needs no handle, and what turnpike_open() needs for all facts; with less, what could not be asked
 * for is unknown.
 *
 * Returns 0; -ENODEV: no such device; -ENOMEM; other errors of netlink(7); or what @fn returned.
 * turnpike_error(NULL) has the sentence.
 */
TURNPIKE_API int turnpike_probe(const char *ifname,
				int (*fn)(const struct turnpike_probe *probe, void *arg),
				void *arg);

/** turnpike_relation_name(), turnpike_outlook_name() - see turnpike_mode_name(). */
TURNPIKE_API const char *turnpike_relation_name(enum turnpike_relation relation);
TURNPIKE_API const char *turnpike_outlook_name(enum turnpike_outlook outlook);

#ifdef __cplusplus
}
#endif

#endif /* TURNPIKE_PROBE_H */
