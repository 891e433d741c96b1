/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What feeder.c and feeder.py say to each other: these structs, in host byte order, without gaps.
 *
 * The feeder begins with struct feed_hello and the names of the verdicts, each with a zero behind.
 * Then it takes orders: an order's first byte says which it is. A world has no answer.
 */
#ifndef TURNPIKE_TEST_PROTOCOL_H
#define TURNPIKE_TEST_PROTOCOL_H

#include <turnpike/abi.h>

#define ORDER_WORLD 'W'
#define ORDER_FRAME 'F'

/** @buffer: the most that an XDP frame and its room take; 0: TC */
struct feed_hello {
	__u32 ifindex;
	__u32 buffer;
	__u32 verdicts;
	__u8 mac[6];
	__u16 event_frame; /* TURNPIKE_EVENT_FRAME */
};

/** struct feed_world - and so many ports, bindings, hairpins, next hops (the first is number 1) */
struct feed_world {
	__u16 mtu; /* of the device that the program is attached to */
	__u16 ports;
	__u16 bindings;
	__u16 hairpins;
	__u16 hops;
};

struct feed_port {
	__be16 port;
	__u8 role; /* enum turnpike_port_role */
	__u8 pad;
};

/** struct feed_binding - pairs: to the peer, to the client; @expires: ns from now */
struct feed_binding {
	struct turnpike_addr client;
	struct turnpike_addr server;
	struct turnpike_addr relay;
	struct turnpike_addr peer;
	__u16 channel;
	__u16 pad;
	__u16 nexthop[2];
	__s64 expires[2];
	__u32 policer[2];
	__u32 label[2];
};

/** struct feed_hairpin - @from's packets go to the client of @to; numbers of bindings */
struct feed_hairpin {
	__u16 from;
	__u16 to;
};

/**
 * struct feed_frame - and so many policers, and @len bytes
 * @delivery, @tag, @offset: see struct test_run (testbed.h)
 */
struct feed_frame {
	__u8 delivery;
	__u8 policers;
	__u16 gso_size;
	__u32 tag;
	__u32 offset;
	__u32 len;
};

/** struct feed_policer - @full: ns from now, in the answer too */
struct feed_policer {
	__u32 number;
	__u32 parent;
	__s64 full;
	__u64 cost;
	__u64 burst;
};

/** struct fed - and @len bytes of frame, then all that has changed, so many of each */
struct fed {
	__s32 error; /* of BPF_PROG_TEST_RUN, a negative errno */
	__s32 action;
	__u32 len;
	__u16 counts;
	__u16 flows;
	__u16 hops;
	__u16 policers;
	__u16 events; /* of which the last follows, with all of TURNPIKE_EVENT_FRAME */
	__u16 pad;
};

struct fed_count {
	__u32 direction;
	__u32 verdict;
	struct turnpike_counter counter;
};

/** struct fed_flow - @number: twice the binding's, 1 more to the client */
struct fed_flow {
	__u32 number;
	__u32 pad;
	struct turnpike_counter counter;
};

struct fed_hop {
	__u32 number;
	__u32 ip4_id;
};

#endif /* TURNPIKE_TEST_PROTOCOL_H */
