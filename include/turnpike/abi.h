/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file abi.h
 * Keys and values of the maps that the BPF programs and the library share. docs/abi.md says which
 * side writes each field, and when.
 *
 * Byte order: fields that are compared with packet bytes or copied into them are big-endian
 * (__be16, __be32, MAC addresses). A __u16 named `..._sum` is a ones' complement sum of 16-bit
 * words as they lie in the packet; it is independent of byte order if it is stored the way
 * it was loaded (RFC 1071 section 2 (B)). Everything else is in host byte order.
 */
#ifndef TURNPIKE_ABI_H
#define TURNPIKE_ABI_H

#include <linux/types.h>
#include <turnpike/addr.h>
#include <turnpike/policer.h>
#include <turnpike/verdicts.h>

/** Changes with every struct below; the library rejects programs of another version. */
#define TURNPIKE_ABI_VERSION 9

/** Channel numbers of RFC 5766 section 11; RFC 8656 section 12 keeps only 0x4000 to 0x4fff. */
#define TURNPIKE_CHANNEL_MIN 0x4000
#define TURNPIKE_CHANNEL_MAX 0x7fff

/**
 * STUN messages that carry application data without a channel (RFC 8656 section 17), by type. In a
 * message to or from a client, the first two bytes after the UDP header are the channel number, or
 * one of these types. They are its framing; 0: plain UDP, of peers.
 */
#define TURNPIKE_SEND_INDICATION 0x0016
#define TURNPIKE_DATA_INDICATION 0x0017

/** Role of a local UDP port. A port has one role at a time, on all addresses. */
enum turnpike_port_role {
	TURNPIKE_PORT_NONE,     /* no flow: the packet is passed at once */
	TURNPIKE_PORT_LISTENER, /* clients send ChannelData and Send indications here */
	TURNPIKE_PORT_RELAY,    /* peers send plain UDP here */
};

/**
 * struct turnpike_ports - value of ports, an array of one element, mapped by the library
 * @role: enum turnpike_port_role, by port in network byte order: the verifiers of Linux 6.1 and
 *        6.12 lose track of the bounds of a number whose bytes are swapped
 */
struct turnpike_ports {
	__u8 role[65536];
};

/**
 * Keys of flows4 and flows6, a hash map for each family: the 5-tuple as it stands in the packet
 * (the protocol is always UDP), and the channel number, 0 for plain UDP.
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

/**
 * struct turnpike_send_key - key of sends, a hash map for Send indications from clients of both
 *                            families
 * @src, @dst:     addresses as they stand in the packet; IPv4: the first word, the others zero
 * @peer:          the address in XOR-PEER-ADDRESS, likewise
 * @sport, @dport: ports as they stand in the packet
 * @peer_port:     the port in XOR-PEER-ADDRESS
 * @family:        enum turnpike_family of @src and @dst
 * @peer_family:   that of @peer
 */
struct turnpike_send_key {
	__be32 src[4];
	__be32 dst[4];
	__be32 peer[4];
	__be16 sport;
	__be16 dport;
	__be16 peer_port;
	__u8 family;
	__u8 peer_family;
};

/** A hairpin has two: the sending client's to-peer policer, and the other's to-client policer. */
#define TURNPIKE_FLOW_POLICERS 2

/**
 * struct turnpike_flow - value of flows4, flows6 and sends: how to rewrite a packet
 * @check_at:       check clock; from then on packets take the slow path, which looks at @until and
 *                  @expires, and passes one packet to the stack to have the flow confirmed again
 * @seen:           turnpike_seen() of what was confirmed; 0: nothing
 * @until:          check clock; from then on the flow is not confirmed
 * @dscps:          bit mask: the DSCPs of packets that were confirmed. Rules may depend on them
 * @dscp_at:        check clock; before it, no packet with another DSCP is sampled
 * @expires:        CLOCK_MONOTONIC, ns; from then on packets are passed
 * @packets:        packets relayed
 * @bytes:          application data relayed, without headers and padding
 * @nexthop:        index into nexthops
 * @pseudo_in_sum:  sum of the incoming packet's pseudo-header, without its length
 * @pseudo_out_sum: the same for the outgoing packet
 * @l4_delta_sum:   outgoing minus incoming addresses and ports
 * @ip4_sum:        outgoing IPv4 header: version, header length, protocol, addresses
 * @sport, @dport:  outgoing ports
 * @framing:        outgoing channel number, or TURNPIKE_DATA_INDICATION; 0: plain UDP
 * @family:         outgoing enum turnpike_family; the incoming one is the key's
 * @tries:          samples that were taken since the flow was last confirmed
 * @ip6_label:      outgoing IPv6 flow label (the low 20 bits)
 * @policer:        indexes into policers, all of which must let the packet pass; 0: none
 * @src, @dst:      outgoing addresses; IPv4: the first word, the others zero
 * @observation:    enum turnpike_observation, the last one
 * @observed_on:    ifindex of the device where that was
 * @xor_peer:       of a Data indication: what XOR-PEER-ADDRESS says
 *
 * The programs write @check_at to @dscp_at, @tries, @observation and @observed_on.
 */
struct turnpike_flow {
	__u64 check_at;
	__u64 seen;
	__u64 until;
	__u64 dscps;
	__u64 dscp_at;
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
	__be16 framing;
	__u8 family;
	__u8 tries;
	__be32 ip6_label;
	__u32 policer[TURNPIKE_FLOW_POLICERS];
	__be32 src[4];
	__be32 dst[4];
	__u32 observation;
	__u32 observed_on;
	struct turnpike_addr xor_peer;
	__u32 pad; /* zero */
};

/**
 * turnpike_seen() - what a flow was confirmed for: packets that come in by the device @ifindex, and
 * leave by the hop that was the current one when @publication was turnpike_nexthop.current
 */
static inline __u64 turnpike_seen(__u32 ifindex, __u32 publication)
{
	return (__u64)ifindex << 32 | publication;
}

/** The maps that have flows. */
enum turnpike_flow_table {
	TURNPIKE_FLOWS4 = 1,
	TURNPIKE_FLOWS6,
	TURNPIKE_SENDS,
};

/** What the observer saw of a packet that had been passed to the stack, compared with its flow. */
enum turnpike_observation {
	TURNPIKE_OBSERVED_NOTHING, /* it has not left by a device with an observer */
	TURNPIKE_OBSERVED_SAME,
	TURNPIKE_OBSERVED_DEVICE,           /* it left by another device */
	TURNPIKE_OBSERVED_NEXTHOP,          /* to another MAC address, or from one */
	TURNPIKE_OBSERVED_TAGS,             /* with other VLAN tags */
	TURNPIKE_OBSERVED_SOURCE,           /* from another address */
	TURNPIKE_OBSERVED_PORT,             /* from another port */
	TURNPIKE_OBSERVED_ENCRYPTED,        /* as ESP or AH (RFC 4303, RFC 4302) */
	TURNPIKE_OBSERVED_ENCAPSULATED,     /* as neither UDP nor these */
	TURNPIKE_OBSERVED_DECRYPTED,        /* TC: it arrived as ESP or AH, so it was not sampled */
	TURNPIKE_OBSERVED_MAY_BE_DECRYPTED, /* generic XDP: it may have, so likewise */
};

/**
 * struct turnpike_sample_key - key of samples, an LRU hash map
 * @hash: of what a packet keeps on its way through server and stack: see steps/sample.h; 0: the
 * last sample from @port
 * @len:  application data, bytes; 0 with @hash 0
 * @port: port that the server sends it from
 */
struct turnpike_sample_key {
	__u32 hash;
	__u16 len;
	__be16 port;
};

/**
 * struct turnpike_sample - value of samples: a packet that was passed to the stack
 * @taken:      when; check clock
 * @ifindex:    device the packet came in by
 * @table:      enum turnpike_flow_table: where its flow is
 * @dscp:       DSCP of the packet
 * @more:       1: the flow is confirmed, but not for this DSCP
 * @key4, @key6, @send: key of its flow
 */
struct turnpike_sample {
	__u64 taken;
	__u32 ifindex;
	__u16 table;
	__u8 dscp;
	__u8 more;
	union {
		struct turnpike_key4 key4;
		struct turnpike_key6 key6;
		struct turnpike_send_key send;
	};
};

/** Most VLAN tags in a relayed frame: one (IEEE 802.1Q), or two (802.1ad). */
#define TURNPIKE_TAGS_MAX 2

/** A VLAN tag as it lies in a frame. */
struct turnpike_tag {
	__be16 tpid;
	__be16 tci;
};

/** The VLAN ID in a TCI. Priority and drop eligibility are the packet's own. */
#define TURNPIKE_TAG_VID 0x0fff

/**
 * struct turnpike_hop - a resolved next hop; all zero: not resolved
 * @dmac, @smac: MAC addresses of the outgoing frame
 * @ifindex: device the frame leaves by; 0: not resolved, the packet is passed
 * @mtu:     largest IP packet, bytes
 * @flags:   TURNPIKE_HOP_...
 * @tags:    number of VLAN tags of the outgoing frame
 * @tag:     the tags, the outer one first; of each TCI only the VLAN ID
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

/** The device accepts frames that native XDP redirects to it (ndo_xdp_xmit). */
#define TURNPIKE_HOP_XDP_XMIT 1u

/**
 * struct turnpike_nexthop - element of nexthops, an array mapped by the library
 * @current: changes with each publication, also of an equal hop, and is never reset: what was
 *           confirmed with another value is no longer; its lowest bit says which @hop packets use.
 *           0: not in use yet
 * @ip4_id:  IPv4 Identification of the last packet sent without DF: one counter for each pair of
 *           addresses (RFC 6864 section 4.3)
 * @hop:     the library fills the one not in use and then stores @current once, so that no packet
 *           sees half a hop
 *
 * Element 0 is never resolved.
 */
struct turnpike_nexthop {
	__u32 current;
	__u32 ip4_id;
	struct turnpike_hop hop[2];
};

/** turnpike_current_hop() - the hop that packets use */
static inline const struct turnpike_hop *
turnpike_current_hop(const struct turnpike_nexthop *nexthop)
{
	return &nexthop->hop[nexthop->current & 1];
}

/**
 * struct turnpike_event - a dropped packet whose sender gets an ICMP error
 * @verdict: TURNPIKE_TTL or TURNPIKE_DONT_FRAGMENT
 * @ifindex: device the packet came in by
 * @mtu:     DONT_FRAGMENT: largest IP packet the sender may send, bytes; otherwise 0
 * @l2_len:  bytes before the IP header
 * @len:     bytes of the frame that follow
 * @pad:     zero
 */
struct turnpike_event {
	__u32 verdict;
	__u32 ifindex;
	__u32 mtu;
	__u32 l2_len;
	__u32 len;
	__u32 pad;
};

/** What an ICMP error can quote (RFC 4443 section 2.4 (c)), and a link header with its tags. */
#define TURNPIKE_EVENT_FRAME (1280 - 40 - 8 + 22)

/** Element of policers that limits events, at one byte an event. No flow uses it. */
#define TURNPIKE_EVENTS_POLICER 0

/** Element of policers that limits periodic checks of all flows, at one byte a check. */
#define TURNPIKE_CHECKS_POLICER 1

/** Number of these first elements. */
#define TURNPIKE_RESERVED_POLICERS 2

/**
 * struct turnpike_event_record - record of events, a ring buffer that the library reads
 * @event: the packet
 * @frame: its frame: @len bytes of @event; the rest is undefined
 * @pad:   undefined
 */
struct turnpike_event_record {
	struct turnpike_event event;
	__u8 frame[TURNPIKE_EVENT_FRAME];
	__u8 pad[2];
};

/** Direction of a packet, as far as it is known. */
enum turnpike_direction {
	TURNPIKE_DIR_NONE,      /* no flow */
	TURNPIKE_DIR_TO_PEER,   /* from a client; plain UDP out */
	TURNPIKE_DIR_TO_CLIENT, /* plain UDP in; to a client */
	TURNPIKE_DIR_HAIRPIN,   /* from a client to a client */
	TURNPIKE_DIR_MAX,
};

/** Number of slots. A slot is a pair of device and mode; each attached program has one. */
#define TURNPIKE_SLOTS 64

/**
 * struct turnpike_device - element of devices, an array by slot, mapped by the library
 * @mac:       the device's address; frames to others are passed
 * @mtu:       bytes; a larger incoming packet is a super-packet (GRO)
 * @tick_zero: CLOCK_MONOTONIC, ns, at which jiffies were 0; may be negative
 * @check_zero: the same of the check clock. It is CLOCK_MONOTONIC, but whenever the host's rules
 * may have changed, the library sets it forward by more than a confirmation lasts. So one
 *             comparison finds a confirmation that is too old for either reason
 * @interval:  time between two checks of a flow, ns: @confirm_ns of struct turnpike_config, or less
 * @may_be_decrypted: 1: packets may have arrived encrypted, without the program seeing it
 * @pad:       zero
 */
struct turnpike_device {
	__u8 mac[6];
	__u16 mtu;
	__u64 tick_zero;
	__u64 check_zero;
	__u64 interval;
	__u32 may_be_decrypted;
	__u32 pad;
};

/**
 * struct turnpike_counter - element of counters, a per-CPU array by slot, direction and verdict
 * @packets: packets
 * @bytes:   application data of relayed packets, frames of all others
 */
struct turnpike_counter {
	__u64 packets;
	__u64 bytes;
};

#define TURNPIKE_COUNTERS (TURNPIKE_SLOTS * TURNPIKE_DIR_MAX * TURNPIKE_VERDICT_MAX)

/** turnpike_counter_index() - index into counters */
static inline __u32 turnpike_counter_index(__u32 slot, __u32 direction, __u32 verdict)
{
	return (slot * TURNPIKE_DIR_MAX + direction) * TURNPIKE_VERDICT_MAX + verdict;
}

/**
 * struct turnpike_skb_layout - where generic XDP finds the segment size of its sk_buff, in bytes
 * @buffer:   in struct xdp_buff: its data_hard_start; two pointers and frame_sz follow
 * @shared_info: from struct skb_shared_info, the last part of the buffer, to its end; 0: unknown,
 *            so super-packets below the MTU look like ordinary ones
 * @gso_size: in struct skb_shared_info
 * @pad:      zero
 */
struct turnpike_skb_layout {
	__u16 buffer;
	__u16 shared_info;
	__u16 gso_size;
	__u16 pad;
};

/**
 * struct turnpike_config - constants of one program (read-only data), set before it is loaded
 * @version: TURNPIKE_ABI_VERSION
 * @ifindex: device the program is attached to
 * @slot:    its slot
 * @skb:     1: packets are sk_buffs (generic XDP, TC); 0: frames (native XDP)
 * @tick_ns: length of a jiffy
 * @confirm_ns: longest time between two checks of a flow; 0: flows are not confirmed
 * @layout:  of this kernel
 * @xfrm:    1: the kernel has bpf_skb_get_xfrm_state()
 * @pad:     zero
 */
struct turnpike_config {
	__u32 version;
	__u32 ifindex;
	__u32 slot;
	__u32 skb;
	__u64 tick_ns;
	__u64 confirm_ns;
	struct turnpike_skb_layout layout;
	__u32 xfrm;
	__u32 pad;
};

/**
 * struct turnpike_flow_expiry - argument of the program flow_expiry (BPF_PROG_TYPE_SYSCALL)
 * @table:      enum turnpike_flow_table
 * @pad:        zero
 * @expires:    the flow's new expiry
 * @key4, @key6, @send: the flow's key
 *
 * The program stores the expiry in place. An update by bpf(2) would replace the whole value, and
 * counts of packets in flight would be lost.
 */
struct turnpike_flow_expiry {
	__u32 table;
	__u32 pad;
	__u64 expires;
	union {
		struct turnpike_key4 key4;
		struct turnpike_key6 key6;
		struct turnpike_send_key send;
	};
};

/**
 * Room that every device of a mode must have, at one end: what the headers of ChannelData grow by
 * at most, from plain UDP over IPv4 to IPv6. Data indications take up to 35 bytes more. Where these
 * are missing, user space relays them.
 */
#define TURNPIKE_ROOM_MAX 24

/**
 * struct turnpike_trial - value of trials, an array of one element, mapped by the library
 * @frames: frames that the program saw
 * @head:   of these, frames with TURNPIKE_ROOM_MAX of headroom
 * @tail:   of these, frames with TURNPIKE_ROOM_MAX of tailroom
 * @take:   enum turnpike_trial_end: where to grow a frame
 * @macs:   how that frame begins: the device's address and its gateway's
 *
 * The program try_room fills it in. It is attached for a moment, before the relay program.
 */
struct turnpike_trial {
	__u64 frames;
	__u64 head;
	__u64 tail;
	__u32 take;
	__u8 macs[12];
};

/** The ends of a frame; keys of taken. */
enum turnpike_trial_end {
	TURNPIKE_TRIAL_NONE,
	TURNPIKE_TRIAL_HEAD,
	TURNPIKE_TRIAL_TAIL,
	TURNPIKE_TRIAL_ENDS,
};

/** EtherType of a grown frame that is passed: IEEE 802 Local Experimental Ethertype 1. */
#define TURNPIKE_TRIAL_PROTO 0x88b5

/** Fills the room gained; in headroom, after a new Ethernet header. */
#define TURNPIKE_TRIAL_FILL 0xa5

/**
 * struct turnpike_taken - value of taken, a hash map by end: a frame before try_room grew it
 * @len:   its length
 * @frame: its first bytes
 */
struct turnpike_taken {
	__u32 len;
	__u8 frame[124];
};

/**
 * struct turnpike_way - key of lost, a hash map that counts frames lost by drivers
 * @from: ifindex of the device the frame came in by
 * @to:   ifindex of the device it should have left by; 0: not known
 *
 * Only devices in the handle's network namespace are counted.
 */
struct turnpike_way {
	__u32 from;
	__u32 to;
};

TURNPIKE_CHECK_SIZE(turnpike_key4, 16);
TURNPIKE_CHECK_SIZE(turnpike_key6, 40);
TURNPIKE_CHECK_SIZE(turnpike_send_key, 56);
TURNPIKE_CHECK_SIZE(turnpike_flow, 160);
TURNPIKE_CHECK_SIZE(turnpike_sample_key, 8);
TURNPIKE_CHECK_SIZE(turnpike_sample, 72);
TURNPIKE_CHECK_SIZE(turnpike_hop, 28);
TURNPIKE_CHECK_SIZE(turnpike_nexthop, 64); /* one cache line */
TURNPIKE_CHECK_SIZE(turnpike_event_record, 1280);
TURNPIKE_CHECK_SIZE(turnpike_policer, 32);
TURNPIKE_CHECK_SIZE(turnpike_device, 40);
TURNPIKE_CHECK_SIZE(turnpike_trial, 40);
TURNPIKE_CHECK_SIZE(turnpike_taken, 128);
TURNPIKE_CHECK_SIZE(turnpike_flow_expiry, 72);

#endif /* TURNPIKE_ABI_H */
