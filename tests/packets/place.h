/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the test tells place.bpf.c, and what that answers.
 */
#ifndef TURNPIKE_TEST_PLACE_H
#define TURNPIKE_TEST_PLACE_H

#include <linux/types.h>

#define PLACE_MAX 4096

/**
 * struct place - where in its buffer a frame is to lie
 * @offset: bytes of headroom that adjust_head can take
 * @len:    of the frame
 * @tpid, @tci: of a VLAN tag beside the frame
 * @total:  answer: bytes between what the kernel keeps for itself at both ends
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

#endif /* TURNPIKE_TEST_PLACE_H */
