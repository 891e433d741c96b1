/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Shared by load.c and its program.
 */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <linux/types.h>

/* Bytes rewritten in each frame: all headers, and the bytes after them, where tail moves of earlier
 * uses have left parts of headers. */
#define LOAD_HEAD 96

/* Bytes that the program cuts off at the end: the kernel restores the length of a recycled frame
 * only if the program has changed it. */
#define LOAD_SPARE 8

/* Fixed-point nanoseconds, so that millions of packets per second have an exact pace. */
#define LOAD_TICK_SHIFT 10

/**
 * struct load_side - how address and port depend on the number of a flow
 * @shift, @mask: address + (flow >> shift), port + (flow & mask)
 * @ip:   the last word of flow 0's address, host order
 * @port: port of flow 0, host order
 */
struct load_side {
	__u32 shift;
	__u32 mask;
	__u32 ip;
	__u32 port;
};

/**
 * struct load_config - constants of a run
 * @ifindex: egress device
 * @l2_len:  bytes before the IP header
 * @flows:   number of flows, visited in steps of @step, which is coprime to it
 * @no_check: 1: UDP without a checksum, over IPv4
 * @interval: between frames, in fixed-point nanoseconds; 0: as fast as possible
 * @l4_sum, @ip_sum: checksums without the fields that differ between flows, not inverted
 */
struct load_config {
	__u32 ifindex;
	__u32 flows;
	__u32 step;
	__u32 no_check;
	__u64 interval;
	__u32 l2_len;
	__u32 pad;
	__u32 l4_sum;
	__u32 ip_sum;
	struct load_side src;
	struct load_side dst;
};

/**
 * struct load_state - state of a run
 * @head: first bytes of the frame of flow 0
 * @began, @ended: time of the first frame, and of one of the last 64; CLOCK_MONOTONIC, ns
 * @due: time of the next frame since @began, in fixed-point nanoseconds
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
