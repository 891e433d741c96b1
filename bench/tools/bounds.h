/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What bounds.c and its programs share.
 */
#ifndef BENCH_BOUNDS_H
#define BENCH_BOUNDS_H

#include <linux/types.h>

/**
 * struct bounds_config - constants of the programs
 * @ifindex: packets leave by it
 * @macs:    destination and source address, as they lie in the frame
 * @proto:   as in the Ethernet header: what is sent on
 */
struct bounds_config {
	__u32 ifindex;
	__u32 macs[3];
	__be16 proto;
	__u16 pad;
};

#endif /* BENCH_BOUNDS_H */
