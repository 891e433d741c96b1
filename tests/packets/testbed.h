/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file testbed.h
 * One program with its maps, and frames run through it: in the kernel by BPF_PROG_TEST_RUN
 * (testbed.c), or on the host (testbed_host.c). Nothing is attached, and no frame leaves.
 */
#ifndef TURNPIKE_TESTS_PACKETS_TESTBED_H
#define TURNPIKE_TESTS_PACKETS_TESTBED_H

#include <stdbool.h>
#include <stddef.h>

#include <turnpike/abi.h>

#include "flows/encode.h"

/* Not 0, to catch a program that ignores its slot. */
#define TESTBED_SLOT    5
#define TESTBED_IFINDEX 7

/* CLOCK_MONOTONIC and the check clock stand still, far from each other. ns. */
#define TESTBED_NOW       1000000000000000ull
#define TESTBED_CHECK_NOW 7000000000000000ull

/* Time between two checks of a flow, by programs that confirm flows. */
#define TESTBED_CONFIRM_NS 10000000000ull

/** struct variant - one entry point in one configuration */
struct variant {
	const char *name;
	const char *program;
	bool skb;
	bool tail;
	bool tc;
	bool confirms; /* flows; otherwise all flows are relayed */
	bool egress;   /* the observer */
};

#define VARIANTS 7
extern const struct variant variants[VARIANTS];

/** The observer, at TC egress. */
extern const struct variant observer;

struct testbed;

/** How a frame is delivered to the program. */
enum delivery {
	DELIVER_PLAIN,
	DELIVER_PLACED,   /* XDP: at @offset in the buffer, surrounded by garbage */
	DELIVER_POISONED, /* TC: surrounded by garbage; IP only */
	DELIVER_STUCK,    /* TC: the tail cannot be moved; IP only */
	DELIVER_VLAN,     /* TC: with hwaccel tag @tag */
	DELIVER_CUT,      /* TC: truncated to @offset bytes */
	DELIVER_COMPLETE, /* TC: CHECKSUM_COMPLETE, which the kernel verifies afterwards */
};

/** struct test_socket - what sends a packet; @protocol 0: there is no socket */
struct test_socket {
	__u16 port;
	__u8 protocol;
	bool request; /* not a full socket */
};

/**
 * struct test_run - one run of the program
 * @tag:      TPID and TCI
 * @gso_size, @ingress_ifindex: of the sk_buff, TC only
 * @socket:   of the sk_buff, on the host only: in the kernel there is none
 * @out_len:  size of @out beforehand, length of the frame afterwards
 * @action:   return value of the program
 */
struct test_run {
	enum delivery delivery;
	__u32 offset;
	__u32 tag;
	__u32 gso_size;
	__u32 ingress_ifindex;
	struct test_socket socket;
	const __u8 *in;
	__u32 in_len;
	__u8 *out;
	__u32 out_len;
	int action;
};

/** struct counts - all counters of TESTBED_SLOT, summed over all CPUs */
struct counts {
	struct turnpike_counter of[TURNPIKE_DIR_MAX][TURNPIKE_VERDICT_MAX];
};

/** testbed_missing() - the reason why this process cannot run programs, or NULL */
const char *testbed_missing(void);

/** testbed_open() - load @variant. Return: 0 or a negative errno; stderr has the reason */
int testbed_open(const struct variant *variant, struct testbed **ret);
void testbed_close(struct testbed *testbed);
const struct variant *testbed_variant(const struct testbed *testbed);

/** testbed_buffer() - XDP: bytes between the limits of adjust_head and adjust_tail */
__u32 testbed_buffer(const struct testbed *testbed);

/** testbed_run() - run the program on a frame. Return: 0 or a negative errno of bpf(2) */
int testbed_run(struct testbed *testbed, struct test_run *run);

/** testbed_has_sockets() - does @socket of struct test_run have an effect? */
bool testbed_has_sockets(const struct testbed *testbed);

/** testbed_has_complete() - TC: does the kernel support DELIVER_COMPLETE? */
bool testbed_has_complete(struct testbed *testbed);

/* Access to the maps; on failure these print a message and exit. */
void testbed_set_role(struct testbed *testbed, __be16 port, enum turnpike_port_role role);
void testbed_set_nexthop(struct testbed *testbed, __u32 index,
			 const struct turnpike_nexthop *nexthop);
void testbed_set_flow(struct testbed *testbed, const struct encoded_flow *flow);
void testbed_get_flow(struct testbed *testbed, const struct flow_key *key,
		      struct turnpike_flow *ret);
void testbed_delete_flow(struct testbed *testbed, const struct flow_key *key);

void testbed_set_mtu(struct testbed *testbed, __u16 mtu);
void testbed_get_nexthop(struct testbed *testbed, __u32 index, struct turnpike_nexthop *ret);
void testbed_set_policer(struct testbed *testbed, __u32 index,
			 const struct turnpike_policer *policer);
void testbed_get_policer(struct testbed *testbed, __u32 index, struct turnpike_policer *ret);

/** struct events - what a program has reported to the library */
struct events {
	__u32 n; /* number of events */
	struct turnpike_event_record last;
};

/** testbed_take_events() - read and clear the events */
void testbed_take_events(struct testbed *testbed, struct events *ret);

/** struct sample - element of the map samples */
struct sample {
	struct turnpike_sample_key key;
	struct turnpike_sample value;
};

/** A packet has two elements: its own, and that of its port. */
#define SAMPLE_ELEMENTS 2

/** struct samples - elements of the map samples, by key */
struct samples {
	__u32 n;
	struct sample of[2 * SAMPLE_ELEMENTS];
};

/** testbed_set_sample() - add or replace an element of the map samples */
void testbed_set_sample(struct testbed *testbed, const struct sample *sample);

/** testbed_set_check_now() - set the check clock */
void testbed_set_check_now(struct testbed *testbed, __u64 now);

/** testbed_take_samples() - read and clear the samples, of which there are a few at most */
void testbed_take_samples(struct testbed *testbed, struct samples *ret);

/** testbed_set_expiry() - run the program flow_expiry. Return: its return value */
int testbed_set_expiry(struct testbed *testbed, const struct flow_key *key, __u64 expires);

/** testbed_take_counts() - read and clear the counters of TESTBED_SLOT */
void testbed_take_counts(struct testbed *testbed, struct counts *ret);

/** testbed_foreign_packets() - number of packets counted in other slots */
__u64 testbed_foreign_packets(struct testbed *testbed);

#endif /* TURNPIKE_TESTS_PACKETS_TESTBED_H */
