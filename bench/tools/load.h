/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What load.c and its program share.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <linux/types.h>

/* Rewritten for each frame: all headers, and the bytes behind them that growing a frame at its tail
 * has left headers in. */
#define LOAD_HEAD 96

/* Bytes behind each frame that the program cuts off: the kernel restores a frame's length, which
 * its receiver may have changed, only if the program does so, too. */
#define LOAD_SPARE 8

/* Fixed-point nanoseconds, so that a pace of millions a second is exact. */
#define LOAD_TICK_SHIFT 10

/**
 * struct load_side - how an address and port follow from the number of a flow
 * @shift, @mask: address + (flow >> shift), port + (flow & mask)
 * @ip:   the last word of flow 0's address, host order
 * @port: of flow 0, host order
 */
struct load_side {
	__u32 shift;
	__u32 mask;
	__u32 ip;
	__u32 port;
};

/**
 * struct load_config - constants of a run
 * @ifindex: frames leave by it
 * @flows:   how many, taken in steps of @step, which has no divisor in common with them
 * @interval: between frames, in fixed-point nanoseconds; 0: as fast as it goes
 * @l4_sum, @ip_sum: checksums of flow 0 without what differs from flow to flow, not inverted
 */
struct load_config {
	__u32 ifindex;
	__u32 flows;
	__u32 step;
	__u32 pad;
	__u64 interval;
	__u32 l4_sum;
	__u32 ip_sum;
	struct load_side src;
	struct load_side dst;
};

/**
 * struct load_state - what has been sent
 * @head: what every frame begins with, as of flow 0
 * @began, @ended: CLOCK_MONOTONIC, ns: of the first frame, and of one of the last 64
 * @due: when the next frame is, since @began
 */
struct load_state {
	__u64 head[LOAD_HEAD / 8];
	__u64 sent;
	__u64 began;
	__u64 ended;
	__u64 due;
	__u32 flow;
};

#endif /* BENCH_LOAD_H */
