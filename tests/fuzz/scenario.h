/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file scenario.h
 * From the bytes of a fuzzer to a packet and the state that it meets.
 */
#ifndef TURNPIKE_FUZZ_SCENARIO_H
#define TURNPIKE_FUZZ_SCENARIO_H

#include "vector.h"

#define SCENARIO_FRAME_MAX 65600
#define SCENARIO_NOW       1000000000000000ull

/** What of the frame is made right again, so that it gets further than chance would let it. */
enum repair {
	REPAIR_MAC = 1 << 0,     /* ours, and the Ethernet type */
	REPAIR_KEY = 1 << 1,     /* the flow's addresses, ports and channel, IP's version and UDP */
	REPAIR_LENGTHS = 1 << 2, /* of IP, UDP and ChannelData, by the frame's */
	REPAIR_IP_CHECK = 1 << 3, /* the IPv4 header checksum */
	REPAIR_UDP_CHECK = 1 << 4,
	REPAIR_UDP_ZERO = 1 << 5,
	REPAIR_UDP_PARTIAL = 1 << 6,
};

/** struct scenario - the beginning of an input, of bytes only; the frame follows */
struct scenario {
	__u8 variant;       /* an element of variants */
	__u8 flow;          /* enum turnpike_direction; DIR_NONE: there is none */
	__u8 pair;          /* an element of families */
	__u8 expired;       /* odd: it is; with the second bit, enough is told */
	__u8 hop;           /* enum hop */
	__u8 hop_tags;      /* how many */
	__u8 hop_tag[2][4]; /* these */
	__u8 hop_mtu[2];
	__u8 device_mtu[2];
	__u8 head;           /* XDP: room in front ... */
	__u8 tail;           /* ... and behind */
	__u8 no_floor;       /* native XDP, odd: the driver leaves less than the kernel keeps */
	__u8 linear;         /* TC: bytes in linear memory; 0: all */
	__u8 fails_in;       /* TC: which call of a helper fails; 0: none */
	__u8 stuck;          /* TC, odd: the end cannot be moved */
	__u8 gso;            /* TC, odd: several datagrams */
	__u8 hwaccel_tag[4]; /* TC: the tag beside the frame; 0: none */
	__u8 limited;        /* odd: there are limits; the bits above: the level that they are at */
	__u8 allow[2][2];    /* bytes that each allows */
	__u8 repair;         /* enum repair */
	__u8 padding;        /* of ChannelData, for REPAIR_LENGTHS */
	__u8 trailer;        /* bytes behind the datagram, for REPAIR_LENGTHS */
	__u8 stretch[2];     /* bytes of data that are added */
};

/** struct situation - what a scenario stands for */
struct situation {
	const struct variant *variant;
	int pair; /* its number, and what it is */
	struct families families;
	bool has_flow;
	struct encoded_flow flow;
	__u32 hop; /* index into the next hops; beyond them: there is none */
	struct turnpike_nexthop nexthop;
	__u16 device_mtu;
	__u32 head, tail;
	bool no_floor;
	__u32 linear;
	__u32 fails_in;
	bool stuck;
	bool gso;
	bool has_hwaccel_tag;
	struct turnpike_tag hwaccel_tag;
	bool muted;
	bool limited;
	int level;
	__u32 allow[2];
	__u32 len;
	__u8 frame[SCENARIO_FRAME_MAX];
};

/** scenario_read() - returns false if the input is no scenario that there could be */
bool scenario_read(const __u8 *data, size_t size, struct situation *ret);

#endif /* TURNPIKE_FUZZ_SCENARIO_H */
