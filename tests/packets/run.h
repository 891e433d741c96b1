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
#define BENCH_SLOT    5
#define BENCH_IFINDEX 7

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

struct bench;

/** How a frame comes to the program. */
enum way {
	WAY_PLAIN,
	WAY_PLACED,   /* XDP: at @offset of the whole buffer, in the midst of garbage */
	WAY_POISONED, /* TC: with garbage in front and behind; IP only */
	WAY_STUCK,    /* TC: with an end that cannot be moved; IP only */
	WAY_VLAN,     /* TC: with the VLAN tag @tag beside the frame */
	WAY_CUT,      /* TC: cut off at @offset */
	WAY_COMPLETE, /* TC: with a CHECKSUM_COMPLETE, which the kernel compares afterwards */
};

/**
 * struct trip - a frame in, and what became of it
 * @tag:      TPID and TCI
 * @gso_size: of the sk_buff, TC only
 * @out_len:  room in @out before, length of the frame afterwards
 * @action:   what the program returned
 */
struct trip {
	enum way way;
	__u32 offset;
	__u32 tag;
	__u32 gso_size;
	const __u8 *in;
	__u32 in_len;
	__u8 *out;
	__u32 out_len;
	int action;
};

/** struct counts - all counters of BENCH_SLOT, over all CPUs */
struct counts {
	struct turnpike_counter of[TURNPIKE_DIR_MAX][TURNPIKE_VERDICT_MAX];
};

/** bench_missing() - what this process lacks to run programs, or NULL */
const char *bench_missing(void);

/** bench_open() - loads @variant; returns 0 or a negative errno, and has said why on stderr */
int bench_open(const struct variant *variant, struct bench **ret);
void bench_close(struct bench *bench);
const struct variant *bench_variant(const struct bench *bench);

/** bench_buffer() - bytes that a frame may take at most, of which adjust_head gets at all (XDP) */
__u32 bench_buffer(const struct bench *bench);

/** bench_run() - one frame through the program; returns 0 or a negative errno of bpf(2) */
int bench_run(struct bench *bench, struct trip *trip);

/** bench_knows_complete() - does this kernel's BPF_PROG_TEST_RUN have WAY_COMPLETE? (TC) */
bool bench_knows_complete(struct bench *bench);

/** The maps; failing is the end of the test program, with a message. */
void bench_set_role(struct bench *bench, __be16 port, enum turnpike_port_role role);
void bench_set_nexthop(struct bench *bench, __u32 index, const struct turnpike_nexthop *nexthop);
void bench_set_flow(struct bench *bench, const struct encoded_flow *flow);
void bench_get_flow(struct bench *bench, const struct flow_key *key, struct turnpike_flow *ret);
void bench_delete_flow(struct bench *bench, const struct flow_key *key);

void bench_set_mtu(struct bench *bench, __u16 mtu);
void bench_get_nexthop(struct bench *bench, __u32 index, struct turnpike_nexthop *ret);
void bench_set_policer(struct bench *bench, __u32 index, const struct turnpike_policer *policer);
void bench_get_policer(struct bench *bench, __u32 index, struct turnpike_policer *ret);

/** struct told - what a program has told the library */
struct told {
	__u32 n; /* how many events there were; the rest is of the last */
	struct turnpike_event_record last;
};

/** bench_take_told() - and forget it */
void bench_take_told(struct bench *bench, struct told *ret);

/** bench_set_expiry() - runs the program flow_expiry; returns what that returned */
int bench_set_expiry(struct bench *bench, const struct flow_key *key, __u64 expires);

/** bench_take_counts() - reads the counters of BENCH_SLOT and sets them to 0 */
void bench_take_counts(struct bench *bench, struct counts *ret);

/** bench_foreign_packets() - packets that were counted in other slots than BENCH_SLOT */
__u64 bench_foreign_packets(struct bench *bench);

#endif /* TURNPIKE_TEST_RUN_H */
