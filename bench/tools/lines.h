/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A table with some cache lines for each flow, for the program xdp_lines of bounds.bpf.c: what
 * memory costs a relay, apart from everything else that it does.
 *
 * A packet visits one line of each level. The first is that of its flow, and each says which is
 * next, as a bucket leads to an element, and an element to its next hop. No two flows share a line.
 */
#ifndef BENCH_LINES_H
#define BENCH_LINES_H

#include <linux/types.h>

#define LINES_MAX 8

/**
 * struct line - element of the map lines: flow N begins with element N
 * @next:    the line of the next level
 * @packets: packets that ended here
 */
struct line {
	__u32 next;
	__u32 pad;
	__u64 packets;
	__u64 rest[6];
};

/** lines_fill() - connect the levels of the map @fd, each with as many lines as there are flows */
void lines_fill(int fd, __u32 flows, __u32 levels);

#endif /* BENCH_LINES_H */
