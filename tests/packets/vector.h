/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file vector.h
 * One packet, the state that it meets, and what must become of it: which is then compared to the
 * byte, in the frame, in the counters and in the flow.
 */
#ifndef TURNPIKE_TEST_VECTOR_H
#define TURNPIKE_TEST_VECTOR_H

#include "build.h"
#include "testbed.h"

#define CHANNEL   0x4001
#define CHANNEL_B 0x4fff

/** What a flow has seen before, and the label that it bears. */
#define OLD_PACKETS 3
#define OLD_BYTES   0x1fffffffful
#define OUT_LABEL   0x5a1c3

/** The variants and families that a vector is for; of each line none given means all. */
enum only {
	ON_NATIVE = 1 << 0,
	ON_GENERIC = 1 << 1,
	ON_TC = 1 << 2,
	ON_SKB = ON_GENERIC | ON_TC,
	ON_XDP = ON_NATIVE | ON_GENERIC,

	ON_HEAD = 1 << 3,
	ON_TAIL = 1 << 4,

	ON_IPV4 = 1 << 5, /* of the packet that comes in */
	ON_IPV6 = 1 << 6,

	ON_SAME = 1 << 7, /* the same family on both sides of the relay */
	ON_CROSS = 1 << 8,
	ON_4TO6 = ON_IPV4 | ON_CROSS,
	ON_6TO4 = ON_IPV6 | ON_CROSS,
};

enum hop {
	HOP_SAME,       /* the device that it came by: XDP_TX */
	HOP_XMIT,       /* another one, that native XDP can send by */
	HOP_NO_XMIT,    /* and one that it cannot */
	HOP_UNRESOLVED, /* known, but there is no neighbour */
	HOP_ZERO,       /* element 0 */
	HOP_BEYOND,     /* no element of the array */
	HOPS,
};

enum mtu {
	MTU_LARGE,
	MTU_FITS,
	MTU_SHORT, /* by one byte */
};

/** VLAN tags of the next hop, beside those of the frame. */
enum tagging {
	TAGGED_ALIKE,
	TAGGED_OTHER_VLAN,
	TAGGED_OTHER_TYPE,
	TAGGED_FEWER,
	TAGGED_MORE,
};

/** Whether there are limits, two of three levels each, and the packet is within. */
enum limit {
	LIMIT_NONE,
	LIMIT_FITS,         /* all of them */
	LIMIT_SHORT,        /* by one byte, the first of two, at the vector's level */
	LIMIT_SECOND_SHORT, /* and the second */
};

/** Payload that gives a checksum a special value. */
enum craft {
	CRAFT_NONE,
	CRAFT_IN_PSEUDO, /* the incoming full checksum equals the pseudo-header's sum */
	CRAFT_IN_ONES,   /* the incoming full checksum comes out as 0 */
	CRAFT_OUT_ONES,  /* the outgoing full checksum comes out as 0 */
};

/** Room around the frame; but for ROOM_AMPLE there is garbage in it. */
enum room {
	ROOM_AMPLE,
	ROOM_POISONED,
	ROOM_HEAD,    /* @left bytes in front, plenty behind */
	ROOM_TAIL,    /* the other way round; with TC always none behind */
	ROOM_NEITHER, /* nothing in front, @left bytes behind: data_len is set accordingly */
};

#define NOTE(verdict) (1u << (verdict))

/**
 * struct vector - all zero but for what matters
 * @in:      without its family
 * @flow:    the flow that is installed, DIR_NONE: none. It need not be the packet's
 * @verdict: what must become of it
 * @notes:   what must be counted besides, NOTE(); TURNPIKE_PARTIAL is known from @in
 */
struct vector {
	const char *name;
	struct frame in;
	enum turnpike_verdict verdict;
	enum turnpike_direction flow;
	__u32 notes;
	enum only only;
	enum hop hop;
	enum mtu came; /* the MTU of the device that the frame came by */
	enum mtu mtu;  /* and of the next hop */
	enum tagging tagging;
	enum limit limit;
	__u16 level; /* 0: the lowest */
	enum craft craft;
	enum room room;
	__u16 left;
	__u16 gso_size;
	bool expired;
	bool muted;    /* the library has been told as much as it may be */
	bool complete; /* the sk_buff has a CHECKSUM_COMPLETE */
};

/** vector_plain() - what the packet of a flow looks like when nothing is special */
struct frame vector_plain(enum turnpike_direction direction);

/** vector_prepare() - next hops and port roles that all vectors share */
void vector_prepare(struct testbed *testbed);

/** struct families - of the packet that comes in and of the one that goes out */
struct families {
	__u8 in;
	__u8 out;
};

/** All four pairs. */
#define FAMILIES 4
extern const struct families families[FAMILIES];

/** vector_policer() - the number of the flow's policer @which at @level */
static inline __u32 vector_policer(int which, int level)
{
	return 1 + (__u32)level * TURNPIKE_FLOW_POLICERS + (__u32)which;
}

/** vector_flow() - the flow of @direction, as the library would install it */
void vector_flow(enum turnpike_direction direction, struct families pair, struct encoded_flow *ret);

/** vector_is_for() - what its @only says */
bool vector_is_for(const struct vector *vector, const struct variant *variant,
		   struct families pair);

/**
 * vector_run() - runs a vector for each pair of families that it is for
 * Returns how many of them went wrong, and has said how on stderr.
 */
int vector_run(struct testbed *testbed, const struct vector *vector);

/** vector_count() - how many packets have been compared so far */
int vector_count(void);

#endif /* TURNPIKE_TEST_VECTOR_H */
