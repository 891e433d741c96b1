/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The protocol between feeder.c and feeder.py: these structs, in host byte order and without
 * padding.
 *
 * The feeder starts with struct feed_hello and the null-terminated names of the verdicts. Then it
 * reads requests, each of which begins with a byte that identifies it. ORDER_WORLD has no reply.
 */
#ifndef TURNPIKE_TESTS_MODEL_PROTOCOL_H
#define TURNPIKE_TESTS_MODEL_PROTOCOL_H

#include <turnpike/abi.h>

#define ORDER_WORLD 'W'
#define ORDER_FRAME 'F'

/** struct feed_hello - @buffer: bytes of an XDP frame and its room; 0: TC */
struct feed_hello {
	__u32 ifindex;
	__u32 buffer;
	__u32 verdicts;
	__u8 mac[6];
	__u16 event_frame; /* TURNPIKE_EVENT_FRAME */
};

/** struct feed_world - followed by these numbers of ports, bindings, hairpins, next hops */
struct feed_world {
	__u16 mtu; /* of the ingress device */
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

/** struct feed_state - confirmation of a flow; times are ns from now; @ifindex 0: never seen */
struct feed_state {
	__s64 check_at;
	__s64 until;
	__s64 dscp_at;
	__u64 dscps;
	__u32 ifindex;
	__u32 publication;
	__u32 tries;
	__u32 observation;
};

/** struct feed_binding - arrays: [0] to the peer, [1] to the client; @expires: ns from now */
struct feed_binding {
	struct turnpike_addr client;
	struct turnpike_addr server;
	struct turnpike_addr relay;
	struct turnpike_addr peer;
	struct turnpike_addr xor_peer; /* all zero with a channel */
	__u16 channel;                 /* 0: by indications */
	__u16 pad;
	__u16 nexthop[2];
	__u32 pad2;
	__s64 expires[2];
	__u32 policer[2];
	__u32 label[2];
	struct feed_state state[2];
};

/** struct feed_hairpin - packets of binding @from go to the client of binding @to */
struct feed_hairpin {
	__u16 from;
	__u16 to;
};

/**
 * struct feed_frame - followed by this number of policers, and by @len bytes
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

/** struct feed_policer - @full: ns from now, also in replies */
struct feed_policer {
	__u16 number;
	__u16 unit;
	__u32 parent;
	__s64 full;
	__u64 cost;
	__u64 burst;
};

/**
 * struct fed - reply, followed by @len bytes of frame and these numbers of changed objects; samples
 * are struct sample of testbed.h, with times in ns from now
 */
struct fed {
	__s32 error; /* negative errno of BPF_PROG_TEST_RUN */
	__s32 action;
	__u32 len;
	__u16 counts;
	__u16 flows;
	__u16 hops;
	__u16 policers;
	__u16 samples;
	__u16 events; /* the last one follows, with TURNPIKE_EVENT_FRAME bytes of frame */
};

struct fed_count {
	__u32 direction;
	__u32 verdict;
	struct turnpike_counter counter;
};

/** struct fed_flow - @number: twice the index of the binding, plus 1 to the client */
struct fed_flow {
	__u32 number;
	__u32 pad;
	struct turnpike_counter counter;
	struct feed_state state;
};

struct fed_hop {
	__u32 number;
	__u32 ip4_id;
};

#endif /* TURNPIKE_TESTS_MODEL_PROTOCOL_H */
