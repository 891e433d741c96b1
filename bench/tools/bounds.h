/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Shared by bounds.c and its programs.
 */
#ifndef BENCH_BOUNDS_H
#define BENCH_BOUNDS_H

#include <linux/types.h>

/**
 * struct bounds_config - constants of the programs
 * @ifindex: egress device
 * @macs:    new destination and source address, as in the frame
 * @proto:   EtherType of the packets to forward, network order
 * @levels:  lines that xdp_lines visits for each packet: see lines.h
 * @flows:   flows in its table
 * @ip, @port, @bits: flow N comes from @ip + N / 2^@bits and @port + N % 2^@bits, host order
 */
struct bounds_config {
	__u32 ifindex;
	__u32 macs[3];
	__be16 proto;
	__u16 port;
	__u32 levels;
	__u32 flows;
	__u32 ip;
	__u32 bits;
};

#endif /* BENCH_BOUNDS_H */
