/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file abi.h
 * Keys and values of the maps, shared by the programs and the library. docs/abi.md says who writes
 * each field and when.
 *
 * Byte order: what is compared with or copied into packet bytes is big-endian (__be16, __be32, MAC
 * addresses). A __u16 called `..._sum` is a ones' complement sum of 16-bit words as they lie in the
 * packet (RFC 1071 section 2 (B): the sum does not care which byte order it is computed in, as long
 * as it is stored as it was loaded). All else is in host byte order.
 */
#ifndef TURNPIKE_ABI_H
#define TURNPIKE_ABI_H

#include <linux/types.h>
#include <turnpike/addr.h>
#include <turnpike/policer.h>
#include <turnpike/verdicts.h>

/** Changes whenever a struct below does; the library refuses programs of another version. */
#define TURNPIKE_ABI_VERSION 5

/** Numbers of channels: of RFC 5766 section 11, of which RFC 8656 leaves 0x4000 to 0x4fff. */
#define TURNPIKE_CHANNEL_MIN 0x4000
#define TURNPIKE_CHANNEL_MAX 0x7fff

/** What a local UDP port is used for; a port has one role at a time on all addresses. */
enum turnpike_port_role {
	TURNPIKE_PORT_NONE,     /* no flow arrives here: passed after this look-up */
	TURNPIKE_PORT_LISTENER, /* clients send ChannelData here */
	TURNPIKE_PORT_RELAY,    /* peers send plain UDP here */
};

/**
 * ports: an array of one element, mapped into the library's memory. Index: the port as it lies in
 * the packet; older verifiers (6.1, 6.12) forget the bounds of a number whose bytes are swapped.
 */
struct turnpike_ports {
	__u8 role[65536];
};

/**
 * flows4, flows6: one hash map a family; key: the 5-tuple as it stands in the packet (the protocol
 * is always UDP) and the channel, 0 for plain UDP.
 */
struct turnpike_key4 {
	__be32 src;
	__be32 dst;
	__be16 sport;
	__be16 dport;
	__be16 channel;
	__u16 pad; /* zero */
};

struct turnpike_key6 {
	__be32 src[4];
	__be32 dst[4];
	__be16 sport;
	__be16 dport;
	__be16 channel;
	__u16 pad; /* zero */
};

/** Of a hairpin there are two: the one client's way to its peer, and the other's way back. */
#define TURNPIKE_FLOW_POLICERS 2

/**
 * struct turnpike_flow - value of flows4 and flows6: what to do with a packet, fully worked out
 * @expires:    CLOCK_MONOTONIC, ns; at this instant and later the packet is passed up
 * @packets:    packets relayed
 * @bytes:      application data relayed: neither headers nor padding
 * @nexthop:    index into nexthops
 * @pseudo_in_sum:  pseudo-header of the incoming packet without its length
 * @pseudo_out_sum: the same for the outgoing packet
 * @l4_delta_sum:   outgoing minus incoming addresses and ports
 * @ip4_sum:    IPv4 header of the outgoing packet: version, header length, protocol, addresses
 * @sport, @dport:  of the outgoing packet
 * @channel:    of the outgoing packet; 0 for plain UDP
 * @ip6_label:  IPv6 flow label of the outgoing packet (the low 20 bits)
 * @family:     enum turnpike_family of the outgoing packet; the incoming one's is the map's
 * @policer:    indexes into policers, each of which must let the packet pass; 0: none
 * @src, @dst:  of the outgoing packet; IPv4: the first word, the rest zero
 */
struct turnpike_flow {
	__u64 expires;
	__u64 packets;
	__u64 bytes;
	__u32 nexthop;
	__u16 pseudo_in_sum;
	__u16 pseudo_out_sum;
	__u16 l4_delta_sum;
	__u16 ip4_sum;
	__be16 sport;
	__be16 dport;
	__be16 channel;
	__u8 family;
	__u8 pad; /* zero */
	__be32 ip6_label;
	__u32 policer[TURNPIKE_FLOW_POLICERS];
	__be32 src[4];
	__be32 dst[4];
};

/** VLAN tags that are relayed: one (IEEE 802.1Q), or one in another (802.1ad). */
#define TURNPIKE_TAGS_MAX 2

/** A VLAN tag as it lies in a frame. */
struct turnpike_tag {
	__be16 tpid;
	__be16 tci;
};

/** The VLAN's number in a tag; the rest, priority and drop eligibility, is the packet's own. */
#define TURNPIKE_TAG_VID 0x0fff

/**
 * struct turnpike_hop - one way out of the machine; all zero: not resolved
 * @ifindex: 0: not resolved, pass the packet up
 * @mtu:   bytes of IP packet
 * @flags: TURNPIKE_HOP_...
 * @tags:  how many VLAN tags a frame has there
 * @tag:   these, the outer one first; of their TCI the VLAN's number only
 */
struct turnpike_hop {
	__u8 dmac[6];
	__u8 smac[6];
	__u32 ifindex;
	__u16 mtu;
	__u8 flags;
	__u8 tags;
	struct turnpike_tag tag[TURNPIKE_TAGS_MAX];
};

/** The device takes frames that a native XDP program redirects to it (ndo_xdp_xmit). */
#define TURNPIKE_HOP_XDP_XMIT 1u

/**
 * nexthops: an array, mapped into the library's memory. The library fills the element of @hop that
 * is not current and then moves @current with a single store, so a packet never sees half a hop.
 * Element 0 of the array is never resolved.
 *
 * @ip4_id is counted up by packets that may be fragmented on their way: one count for each pair of
 * addresses, as RFC 6864 section 4.3 wants it.
 */
struct turnpike_nexthop {
	__u32 current; /* 0 or 1 */
	__u32 ip4_id;
	struct turnpike_hop hop[2];
};

/** struct turnpike_event - a packet that was dropped although its sender must be told */
struct turnpike_event {
	__u32 verdict; /* TTL or DONT_FRAGMENT */
	__u32 ifindex; /* where it came in */
	__u32 mtu;     /* DONT_FRAGMENT: bytes of IP packet that the sender may send; else 0 */
	__u32 l2_len;  /* bytes in front of the IP header */
	__u32 len;     /* how much of the frame there is */
	__u32 pad;     /* zero */
};

/** RFC 4443 section 2.4 (c): what fits an ICMP error, and the frame's header with its tags. */
#define TURNPIKE_EVENT_FRAME (1280 - 40 - 8 + 22)

/** The element of policers that limits events, one of which counts as a byte; it is no flow's. */
#define TURNPIKE_EVENTS_POLICER 0

/** events: a ring buffer of these, read by the library. */
struct turnpike_event_record {
	struct turnpike_event event;
	__u8 frame[TURNPIKE_EVENT_FRAME]; /* event.len bytes of it; those behind may be any */
	__u8 pad[2];
};

/** What the packet's direction was, as far as it was found out. */
enum turnpike_direction {
	TURNPIKE_DIR_NONE,      /* no flow was found */
	TURNPIKE_DIR_TO_PEER,   /* ChannelData in, plain UDP out */
	TURNPIKE_DIR_TO_CLIENT, /* plain UDP in, ChannelData out */
	TURNPIKE_DIR_HAIRPIN,   /* ChannelData in and out */
	TURNPIKE_DIR_MAX,
};

/**
 * One attached program counts and looks up under its slot; a slot is a pair of device and mode.
 * devices: an array by slot, mapped into the library's memory.
 */
#define TURNPIKE_SLOTS 64

struct turnpike_device {
	__u8 mac[6];     /* frames to other addresses are passed up */
	__u16 mtu;       /* larger packets that it got are several in one */
	__u64 tick_zero; /* CLOCK_MONOTONIC, ns, when the kernel's jiffies were 0; may be negative
			  */
};

/**
 * counters: a per-CPU array by slot, direction and verdict, in this order.
 * @bytes: of relayed packets the application data, of all others the frame.
 */
struct turnpike_counter {
	__u64 packets;
	__u64 bytes;
};

#define TURNPIKE_COUNTERS (TURNPIKE_SLOTS * TURNPIKE_DIR_MAX * TURNPIKE_VERDICT_MAX)

static inline __u32 turnpike_counter_index(__u32 slot, __u32 direction, __u32 verdict)
{
	return (slot * TURNPIKE_DIR_MAX + direction) * TURNPIKE_VERDICT_MAX + verdict;
}

/** Constants of one loaded program, set before it is loaded (read-only data). */
struct turnpike_config {
	__u32 version; /* TURNPIKE_ABI_VERSION */
	__u32 ifindex; /* the device that it is attached to */
	__u32 slot;
	__u32 skb;     /* 1: packets are sk_buffs (generic XDP, TC); 0: bare frames (native XDP) */
	__u64 tick_ns; /* how long the kernel's ticks are */
};

/**
 * Argument of the program flow_expiry (BPF_PROG_TYPE_SYSCALL), which moves a flow's expiry in
 * place: an update through bpf(2) would replace the value, and with it the counters, under the
 * packets.
 */
struct turnpike_flow_expiry {
	__u32 family; /* enum turnpike_family of the key */
	__u32 pad;
	__u64 expires;
	union {
		struct turnpike_key4 key4;
		struct turnpike_key6 key6;
	};
};

/** The most that headers grow: from IPv4 and UDP to IPv6 and ChannelData. */
#define TURNPIKE_ROOM_MAX 24

/**
 * trials: an array of one element, mapped into the library's memory. What the program try_room,
 * which is attached for a moment before the relay, found out.
 */
struct turnpike_trial {
	__u64 frames;  /* that it met */
	__u64 head;    /* of these, with room for TURNPIKE_ROOM_MAX in front */
	__u64 tail;    /* and behind */
	__u32 take;    /* enum turnpike_trial_end: the end at which a frame is to be grown */
	__u8 macs[12]; /* such frames begin with: the device's address, and its gateway's */
};

/** The ends of a frame, and keys of taken. */
enum turnpike_trial_end {
	TURNPIKE_TRIAL_NONE,
	TURNPIKE_TRIAL_HEAD,
	TURNPIKE_TRIAL_TAIL,
	TURNPIKE_TRIAL_ENDS,
};

/** The protocol that a grown frame is passed on under: IEEE's for local experiments. */
#define TURNPIKE_TRIAL_PROTO 0x88b5

/** Each byte of a grown frame's new room; in front, an Ethernet header comes first. */
#define TURNPIKE_TRIAL_FILL 0xa5

/** taken: a hash map by end. The frame that try_room has grown there, as it was before. */
struct turnpike_taken {
	__u32 len;
	__u8 frame[124];
};

/**
 * lost: a hash map of the programs that watch what drivers do with relayed frames; the value is the
 * number of frames lost. Indexes of devices in the handle's network namespace.
 */
struct turnpike_way {
	__u32 from; /* came in there */
	__u32 to;   /* was to leave by it; 0: not known */
};

_Static_assert(sizeof(struct turnpike_key4) == 16, "no hidden padding");
_Static_assert(sizeof(struct turnpike_key6) == 40, "no hidden padding");
_Static_assert(sizeof(struct turnpike_flow) == 88, "no hidden padding");
_Static_assert(sizeof(struct turnpike_hop) == 28, "no hidden padding");
_Static_assert(sizeof(struct turnpike_nexthop) == 64, "one cache line");
_Static_assert(sizeof(struct turnpike_event_record) == 1280, "no hidden padding");
_Static_assert(sizeof(struct turnpike_policer) == 32, "no hidden padding");
_Static_assert(sizeof(struct turnpike_device) == 16, "no hidden padding");
_Static_assert(sizeof(struct turnpike_trial) == 40, "no hidden padding");
_Static_assert(sizeof(struct turnpike_taken) == 128, "no hidden padding");
_Static_assert(sizeof(struct turnpike_flow_expiry) == 56, "no hidden padding");

#endif /* TURNPIKE_ABI_H */
