/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file scenario.h
 * Turns the bytes of a fuzzer into a packet and the state of the maps.
 */
#ifndef TURNPIKE_TESTS_FUZZ_SCENARIO_H
#define TURNPIKE_TESTS_FUZZ_SCENARIO_H

#include "indication.h"
#include "vector.h"

#define SCENARIO_FRAME_MAX 65600

/* Native XDP: what the kernel reserves at the head of a buffer. */
#define SCENARIO_FLOOR 40

/** Parts of the frame to repair, so that it gets further than random bytes would. */
enum repair {
	REPAIR_MAC = 1 << 0, /* destination MAC address, Ethernet type */
	REPAIR_KEY = 1 << 1, /* IP version, protocol, and the flow's addresses, ports, channel */
	REPAIR_LENGTHS = 1 << 2,  /* IP, UDP and ChannelData lengths; a Send indication */
	REPAIR_IP_CHECK = 1 << 3, /* IPv4 header checksum */
	REPAIR_UDP_CHECK = 1 << 4,
	REPAIR_UDP_ZERO = 1 << 5,
	REPAIR_UDP_PARTIAL = 1 << 6,
};

/** Which messages of a flow are indications, instead of ChannelData. */
enum indications {
	IND_SEND = 1 << 0, /* the client's */
	IND_DATA = 1 << 1, /* those to a client */
	IND_PEER_AS_IN =
		1 << 2, /* the peer of a hairpin has the client's family, not the other's */
};

/** What the flow is confirmed for. */
enum seen {
	SEEN_THIS,
	SEEN_NOTHING,
	SEEN_OTHER_DEVICE,
	SEEN_OTHER_PUBLICATION, /* with the same index */
	SEEN,
};

/** struct scenario - the head of an input, bytes only; the frame follows */
struct scenario {
	__u8 variant;  /* index into variants */
	__u8 flow;     /* enum turnpike_direction; DIR_NONE: there is none */
	__u8 pair;     /* index into families */
	__u8 expired;  /* bit 0: the flow has expired; bit 1: events are muted; bit 2: see below */
	__u8 hop;      /* enum hop */
	__u8 hop_tags; /* number of tags */
	__u8 hop_tag[2][4]; /* the tags */
	__u8 hop_mtu[2];
	__u8 device_mtu[2];
	__u8 head;           /* XDP: headroom */
	__u8 tail;           /* XDP: tailroom */
	__u8 no_floor;       /* native XDP, bit 0: less headroom than the kernel reserves */
	__u8 linear;         /* TC: linear bytes after the Ethernet header; 0: all */
	__u8 fails_in;       /* TC: number of the helper call that fails; 0: none */
	__u8 stuck;          /* TC, bit 0: the tail cannot be moved */
	__u8 gso;            /* TC, bit 0: a GSO super-packet */
	__u8 hwaccel_tag[4]; /* TC; 0: none */
	__u8 limited;        /* bit 0: there are limits; other bits: their level */
	__u8 allow[2][2];    /* units that each policer of that level allows */
	__u8 repair;         /* enum repair */
	__u8 padding;        /* of the data, for REPAIR_LENGTHS */
	__u8 trailer;        /* bytes after the datagram, for REPAIR_LENGTHS */
	__u8 stretch[2];     /* bytes of data to append */
	__u8 seen;           /* enum seen */
	__u8 until;     /* of struct turnpike_flow: in steps of 250 ms; 128: now; 0: the default */
	__u8 check_at;  /* the same, in steps of 125 ms */
	__u8 life;      /* time until the flow expires, in steps of 10 ms */
	__u8 tries;     /* of a flow that is not confirmed */
	__u8 no_checks; /* bit 0: the limit on checks is exhausted */
	__u8 dscp; /* low 6 bits: not confirmed for it; bit 6: too early for a sample; 0: all are */
	__u8 indications;             /* enum indications */
	__u8 attrs[INDICATION_ATTRS]; /* of an indication, for REPAIR_LENGTHS: enum attr */
	__u8 spoil[2]; /* offset in the payload, and the bits to flip there at last */
	__u8 random;
};

/** struct situation - a decoded scenario */
struct situation {
	const struct variant *variant;
	int pair; /* index of @families */
	struct families families;
	enum turnpike_direction direction; /* of @flow */
	__u8 indications;                  /* enum indications, as far as @flow has it */
	bool has_flow;
	struct encoded_flow flow;
	__u32 hop; /* index into nexthops, perhaps beyond it */
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
	bool decrypted; /* IPsec has decrypted the packet, or may have done so */
	bool no_checks;
	bool limited;
	int level;
	__u32 allow[2];
	__u32 random;
	__u32 len;
	__u8 frame[SCENARIO_FRAME_MAX];
};

/** scenario_state() - decode what is no property of the frame */
void scenario_state(const struct scenario *scenario, struct situation *ret);

/** scenario_read() - decode an input. Return: false if the scenario is impossible */
bool scenario_read(const __u8 *data, size_t size, struct situation *ret);

#endif /* TURNPIKE_TESTS_FUZZ_SCENARIO_H */
