/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Shared by sink.c and its programs.
 */
#ifndef BENCH_SINK_H
#define BENCH_SINK_H

#include <linux/types.h>

/**
 * struct sink_config - the expected frames
 * @len:   length in bytes, without a VLAN tag
 * @proto: EtherType, network order
 * @tagged: 1: frames have one VLAN tag; 0: none
 * @ip, @ips:     last word of the lowest destination address, host order, and how many follow it
 * @port, @ports: the same for the destination port
 */
struct sink_config {
	__u32 len;
	__be16 proto;
	__u16 tagged;
	__u32 ip;
	__u32 ips;
	__u32 port;
	__u32 ports;
};

#define SINK_TAG_LEN 4

/**
 * struct sink_frame - precedes a frame for user space
 * @len: of the frame
 * @tag: its VLAN tag if that is not in the frame, in host order; otherwise 0
 */
struct sink_frame {
	__u32 len;
	__u32 tag;
};

/** struct sink_counts - element of a per-CPU array */
struct sink_counts {
	__u64 packets;
	__u64 bytes; /* of whole frames */
	__u64 others;
};

#endif /* BENCH_SINK_H */
