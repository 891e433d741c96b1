/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file vector.h
 * A test vector: one packet, the state of the maps, and the expected outcome. Frame, counters,
 * flow, policers and events are compared exactly.
 */
#ifndef TURNPIKE_TESTS_PACKETS_VECTOR_H
#define TURNPIKE_TESTS_PACKETS_VECTOR_H

#include "build.h"
#include "testbed.h"

#define CHANNEL   0x4001
#define CHANNEL_B 0x4fff

/** Initial counters and IPv6 flow label of a flow. */
#define OLD_PACKETS 3
#define OLD_BYTES   0x1fffffffful
#define OUT_LABEL   0x5a1c3

/** IPv4 identification of a next hop; the low 16 bits wrap, the others are not sent */
#define OUT_ID 0x1ffff

/** Restricts a vector to variants and families; a group without any bit set restricts nothing. */
enum only {
	ON_NATIVE = 1 << 0,
	ON_GENERIC = 1 << 1,
	ON_TC = 1 << 2,
	ON_SKB = ON_GENERIC | ON_TC,
	ON_XDP = ON_NATIVE | ON_GENERIC,

	ON_HEAD = 1 << 3,
	ON_TAIL = 1 << 4,

	ON_IPV4 = 1 << 5, /* the incoming packet */
	ON_IPV6 = 1 << 6,

	ON_SAME = 1 << 7, /* the same family on both sides of the relay */
	ON_CROSS = 1 << 8,
	ON_4TO6 = ON_IPV4 | ON_CROSS,
	ON_6TO4 = ON_IPV6 | ON_CROSS,

	ON_CONFIRMING = 1 << 9,
};

enum hop {
	HOP_SAME,       /* the ingress device: XDP_TX */
	HOP_XMIT,       /* another device, with ndo_xdp_xmit() */
	HOP_NO_XMIT,    /* another device, without */
	HOP_UNRESOLVED, /* no neighbour */
	HOP_ZERO,       /* element 0 */
	HOP_BEYOND,     /* an index beyond the array */
	HOPS,
};

/** struct hop_place - index into nexthops, publication, and what the hop is */
struct hop_place {
	__u32 index;
	__u32 current;
	__u32 ifindex;
	__u32 flags;
	enum mac smac;
};

extern const struct hop_place hops[HOPS];

enum mtu {
	MTU_LARGE,
	MTU_FITS,
	MTU_SHORT, /* one byte less */
};

/** VLAN tags of the next hop, compared with those of the frame. */
enum tagging {
	TAGGED_ALIKE,
	TAGGED_OTHER_VLAN,
	TAGGED_OTHER_TYPE,
	TAGGED_FEWER,
	TAGGED_MORE,
};

/** Limits of the flow: none, or two policers of four levels each. */
enum limit {
	LIMIT_NONE,
	LIMIT_FITS,         /* all levels allow the packet */
	LIMIT_SHORT,        /* the first policer does not, at the vector's level */
	LIMIT_SECOND_SHORT, /* the second does not */
};

/** Payloads that give a checksum a special value. */
enum craft {
	CRAFT_NONE,
	CRAFT_IN_PSEUDO, /* the full incoming checksum equals the sum of the pseudo-header */
	CRAFT_IN_ONES,   /* the full incoming checksum is computed as 0 */
	CRAFT_OUT_ONES,  /* the full outgoing checksum is computed as 0 */
};

/** Room around the frame; all but ROOM_AMPLE fill it with garbage. */
enum room {
	ROOM_AMPLE,
	ROOM_POISONED,
	ROOM_HEAD,    /* @left bytes of headroom, plenty of tailroom */
	ROOM_TAIL,    /* @left bytes of tailroom (TC: none), plenty of headroom */
	ROOM_NEITHER, /* no headroom, @left bytes of tailroom; sets data_len */
};

/** The confirmation of the flow, before the packet. */
enum state {
	STATE_CONFIRMED,          /* and no check is due */
	STATE_NEW,                /* as the library installs it */
	STATE_WAITING,            /* not confirmed, and the next sample is not due */
	STATE_AWAITED,            /* not confirmed, and the next sample is due */
	STATE_LAPSED,             /* the time of the confirmation has just passed */
	STATE_CHANGED,            /* it passed long ago: the host's rules have changed */
	STATE_REPUBLISHED,        /* the next hop was published anew */
	STATE_DUE,                /* a check is due */
	STATE_SHORTENED,          /* the flow expires earlier than it did */
	STATE_CHECKING,           /* a check is under way */
	STATE_CHECKING_DUE,       /* and is repeated now */
	STATE_OTHER_DSCP,         /* not confirmed for the packet's DSCP */
	STATE_OTHER_DSCP_WAITING, /* and the next sample is not due */
	STATE_OTHER_DSCP_DUE,     /* and a check is due */
	STATE_MOVED,              /* confirmed for another device */
	STATE_MOVED_DUE,          /* and a check is due */
};

/**
 * struct confirmation - how a packet changes the confirmation of its flow. Times are in ms from
 * now.
 * @state, @tries: beforehand
 * @life:      until the flow expires; 0: long
 * @no_checks: the limit on checks is exhausted
 * @sampled:   a sample is taken
 * @more:      it is of another DSCP than the flow is confirmed for
 * @ends:      the confirmation ends
 * @next:      next check; 0: unchanged
 * @until:     end of the confirmation; 0: unchanged
 */
struct confirmation {
	enum state state;
	__u8 tries;
	__u16 life;
	bool no_checks;
	bool sampled;
	bool more;
	bool ends;
	__u16 next;
	__u16 until;
};

#define NOTE(verdict) (1u << (verdict))

/** How messages of a client carry data. */
enum framing {
	FRAMING_CHANNEL,
	FRAMING_INDICATION,
};

/**
 * struct framings - of the clients of a flow; that of a peer is 0
 * @other_relays: the relayed addresses of a hairpin have the family that the outgoing packet does
 *                not have
 */
struct framings {
	__u8 in;
	__u8 out;
	bool other_relays;
};

/** All framings of hairpins, those of channels first. Other flows have some of them. */
#define FRAMINGS 7
extern const struct framings framings[FRAMINGS];

/**
 * struct vector - a packet and its outcome; 0 means the default
 * @in:      the packet, without its family
 * @flow:    the flow to install, not necessarily that of the packet; DIR_NONE: none
 * @framings: of the flow; the packet's own is in @in
 * @verdict: the expected verdict
 * @other_key: 0, or the number of a byte in which the flow's key is another, from 1
 * @notes:   the expected notes, NOTE(); TURNPIKE_PARTIAL follows from @in
 */
struct vector {
	const char *name;
	struct frame in;
	enum turnpike_verdict verdict;
	enum turnpike_direction flow;
	struct framings framings;
	__u32 other_key;
	__u32 notes;
	enum only only;
	enum hop hop;
	enum mtu in_mtu; /* of the ingress device */
	enum mtu mtu;    /* of the next hop */
	enum tagging tagging;
	enum limit limit;
	__u16 level; /* 0: the lowest */
	enum craft craft;
	enum room room;
	__u16 left;
	__u16 gso_size;
	struct confirmation confirmation; /* ON_CONFIRMING only */
	bool expired;
	bool muted;    /* the limit on events is exhausted */
	bool complete; /* the sk_buff is CHECKSUM_COMPLETE */
};

/** vector_plain() - a plain packet of the flow */
struct frame vector_plain(enum turnpike_direction direction, struct framings which);

/** vector_plain_out() - as it leaves; transaction ID and family of XOR-PEER-ADDRESS are missing */
struct frame vector_plain_out(enum turnpike_direction direction, struct framings which);

/** vector_nexthop() - the vector's next hop, with an MTU */
struct turnpike_nexthop vector_nexthop(const struct vector *vector, __u32 mtu);

/** vector_prepare() - install the next hops and port roles that all vectors share */
void vector_prepare(struct testbed *testbed);

/** struct families - of the incoming and the outgoing packet */
struct families {
	__u8 in;
	__u8 out;
};

/** All four pairs. */
#define FAMILIES 4
extern const struct families families[FAMILIES];

/** vector_policer() - index of the flow's policer @which at @level */
static inline __u32 vector_policer(int which, int level)
{
	return 2 + (__u32)level * TURNPIKE_FLOW_POLICERS + (__u32)which;
}

/** Level of the policers that count packets; all others count bytes. */
#define VECTOR_PACKETS_LEVEL 2

/** vector_unit() - enum turnpike_policer_unit of the policers at @level */
static inline __u32 vector_unit(int level)
{
	return level == VECTOR_PACKETS_LEVEL ? TURNPIKE_POLICER_PACKETS : TURNPIKE_POLICER_BYTES;
}

/** What a packet takes besides its data: Ethernet, IPv6, UDP and ChannelData. */
#define VECTOR_AROUND (38 + 40 + 8 + 4)

/** vector_units() - what a packet with so much data takes from a policer at @level */
static inline __u64 vector_units(int level, __u32 data_len)
{
	return level == VECTOR_PACKETS_LEVEL ? 1 : data_len + (__u64)VECTOR_AROUND;
}

/** vector_may_have() - can a flow have these framings? */
bool vector_may_have(enum turnpike_direction direction, struct framings which);

/** vector_peer_family() - the family that the peer of the flow has for its clients */
__u8 vector_peer_family(enum turnpike_direction direction, struct framings which,
			struct families pair);

/** vector_flow() - the flow of @direction, as the library would install it */
void vector_flow(enum turnpike_direction direction, struct framings which, struct families pair,
		 struct encoded_flow *ret);

/** vector_confirm() - confirm a flow, whose next hop has this publication, for all DSCPs */
void vector_confirm(struct turnpike_flow *flow, __u32 publication);

/** vector_state() - set the state of the vector's flow, whose next hop has this publication */
void vector_state(const struct vector *vector, __u32 publication, struct turnpike_flow *flow);

/** vector_state_after() - change @flow as the vector's packet does */
void vector_state_after(const struct vector *vector, struct turnpike_flow *flow);

/** vector_is_for() - does @only admit the variant and the families? */
bool vector_is_for(const struct vector *vector, const struct variant *variant,
		   struct families pair);

/** vector_transaction() - the transaction ID of the last Data indication that was compared */
const __u8 *vector_transaction(void);

/**
 * vector_run() - run a vector for each pair of families that it is for
 *
 * Return: how many failed; stderr has the details.
 */
int vector_run(struct testbed *testbed, const struct vector *vector);

/** vector_count() - number of packets compared so far */
int vector_count(void);

#endif /* TURNPIKE_TESTS_PACKETS_VECTOR_H */
