/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Parameters and results of place.bpf.c.
 */
#ifndef TURNPIKE_TESTS_PACKETS_PLACE_H
#define TURNPIKE_TESTS_PACKETS_PLACE_H

#include <linux/types.h>

#define PLACE_MAX 4096

/**
 * struct place - position of a frame in its buffer
 * @offset: bytes of headroom available to adjust_head
 * @len:    length of the frame
 * @tpid, @tci: hwaccel VLAN tag
 * @total:  result: bytes between the limits of adjust_head and adjust_tail
 * @frame:  the frame; the rest of the buffer is filled with ones
 */
struct place {
	__u32 offset;
	__u32 len;
	__u16 tpid;
	__u16 tci;
	__u32 total;
	__u8 frame[PLACE_MAX];
};

#endif /* TURNPIKE_TESTS_PACKETS_PLACE_H */
