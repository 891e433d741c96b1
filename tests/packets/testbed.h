/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file run.h
 * One program and its maps, and frames sent through it: in the kernel by BPF_PROG_TEST_RUN (run.c),
 * or on the host (run_host.c). Nothing is attached, and no frame leaves.
 */
#ifndef TURNPIKE_TEST_RUN_H
#define TURNPIKE_TEST_RUN_H

#include <stdbool.h>
#include <stddef.h>

#include <turnpike/abi.h>

#include "flows/encode.h"

/* Not 0, so that a program that forgets its slot is found out. */
#define TESTBED_SLOT    5
#define TESTBED_IFINDEX 7

/** struct variant - one entry point in one configuration */
struct variant {
	const char *name;
	const char *program;
	bool skb;
	bool tail;
	bool tc;
};

#define VARIANTS 5
extern const struct variant variants[VARIANTS];

struct testbed;

/** How a frame comes to the program. */
enum delivery {
	DELIVER_PLAIN,
	DELIVER_PLACED,   /* XDP: at @offset of the whole buffer, in the midst of garbage */
	DELIVER_POISONED, /* TC: with garbage in front and behind; IP only */
	DELIVER_STUCK,    /* TC: with an end that cannot be moved; IP only */
	DELIVER_VLAN,     /* TC: with the VLAN tag @tag beside the frame */
	DELIVER_CUT,      /* TC: cut off at @offset */
	DELIVER_COMPLETE, /* TC: with a CHECKSUM_COMPLETE, which the kernel compares afterwards */
};

/**
 * struct test_run - a frame in, and what became of it
 * @tag:      TPID and TCI
 * @gso_size: of the sk_buff, TC only
 * @out_len:  room in @out before, length of the frame afterwards
 * @action:   what the program returned
 */
struct test_run {
	enum delivery delivery;
	__u32 offset;
	__u32 tag;
	__u32 gso_size;
	const __u8 *in;
	__u32 in_len;
	__u8 *out;
	__u32 out_len;
	int action;
};

/** struct counts - all counters of TESTBED_SLOT, over all CPUs */
struct counts {
	struct turnpike_counter of[TURNPIKE_DIR_MAX][TURNPIKE_VERDICT_MAX];
};

/** testbed_missing() - what this process lacks to run programs, or NULL */
const char *testbed_missing(void);

/** testbed_open() - loads @variant; returns 0 or a negative errno, and has said why on stderr */
int testbed_open(const struct variant *variant, struct testbed **ret);
void testbed_close(struct testbed *testbed);
const struct variant *testbed_variant(const struct testbed *testbed);

/** testbed_buffer() - bytes that a frame may take at most, of which adjust_head gets at all (XDP)
 */
__u32 testbed_buffer(const struct testbed *testbed);

/** testbed_run() - one frame through the program; returns 0 or a negative errno of bpf(2) */
int testbed_run(struct testbed *testbed, struct test_run *run);

/** testbed_has_complete() - does this kernel's BPF_PROG_TEST_RUN have DELIVER_COMPLETE? (TC) */
bool testbed_has_complete(struct testbed *testbed);

/** The maps; failing is the end of the test program, with a message. */
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

/** struct events - what a program has told the library */
struct events {
	__u32 n; /* how many events there were; the rest is of the last */
	struct turnpike_event_record last;
};

/** testbed_take_events() - and forget it */
void testbed_take_events(struct testbed *testbed, struct events *ret);

/** testbed_set_expiry() - runs the program flow_expiry; returns what that returned */
int testbed_set_expiry(struct testbed *testbed, const struct flow_key *key, __u64 expires);

/** testbed_take_counts() - reads the counters of TESTBED_SLOT and sets them to 0 */
void testbed_take_counts(struct testbed *testbed, struct counts *ret);

/** testbed_foreign_packets() - packets that were counted in other slots than TESTBED_SLOT */
__u64 testbed_foreign_packets(struct testbed *testbed);

#endif /* TURNPIKE_TEST_RUN_H */
