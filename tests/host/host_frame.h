/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file host_frame.h
 * A frame on the host, and the programs run on it. What a program may not touch is poisoned for
 * AddressSanitizer: all around the frame, and what is not linear of an sk_buff. What it has
 * touched nonetheless, sanitizer or not, host_frame_is_whole() tells.
 *
 * Helpers behave, and fail, as net/core/filter.c of Linux 6.1 has it.
 */
#ifndef TURNPIKE_HOST_FRAME_H
#define TURNPIKE_HOST_FRAME_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <turnpike/abi.h>

#include "env/host.h"

/** What an sk_buff has around it here: more than the programs ever need, as memory is plenty. */
#define HOST_SKB_ROOM 512

/**
 * struct host_frame - one frame, as long as it is on its way
 * @ctx:       what the program is given; first, since helpers get the frame from it
 * @tc:        it is an sk_buff at TC, not an XDP buffer
 * @size:      bytes at @ctx.memory
 * @floor:     XDP: adjust_head goes down to this offset; beyond the frame's start where a driver
 *             leaves less than the kernel keeps for itself
 * @low, @high: the lowest and highest offsets that ever were the frame's
 * @stuck:     TC: the end cannot be moved
 * @fails_in:  TC: so many calls of helpers from now, one fails; 0: none
 * @failed:    TC: that it has
 * @complete:  TC: there is a CHECKSUM_COMPLETE, which helpers that change the frame keep up to date
 * @csum:      TC: its value, the sum over all behind the Ethernet addresses and type, folded
 */
struct host_frame {
	struct host_ctx ctx;
	bool tc;
	__u32 size;
	__u32 floor;
	__u32 low;
	__u32 high;
	bool stuck;
	__u32 fails_in;
	bool failed;
	bool complete;
	__u16 csum;
};

/** host_xdp_frame() - @len bytes with @head in front, of which adjust_head gets all, and @tail */
void host_xdp_frame(struct host_frame *frame, const __u8 *bytes, __u32 len, __u32 head, __u32 tail);

/** host_skb_frame() - @len bytes, the first @linear of them in linear memory */
void host_skb_frame(struct host_frame *frame, const __u8 *bytes, __u32 len, __u32 linear);

/** host_frame_free() - its memory, not itself */
void host_frame_free(struct host_frame *frame);

/** host_frame_bytes() - a copy of the frame to @ret, at most @max; returns the frame's length */
__u32 host_frame_bytes(struct host_frame *frame, __u8 *ret, __u32 max);

/** host_frame_is_whole() - is the memory that never was the frame's as it was? */
bool host_frame_is_whole(struct host_frame *frame);

/** host_frame_sum() - what @csum must be now */
__u16 host_frame_sum(struct host_frame *frame);

/** For the helpers: all of the memory may be touched until host_frame_close(). */
void host_frame_open(struct host_frame *frame);
void host_frame_close(struct host_frame *frame);

#endif /* TURNPIKE_HOST_FRAME_H */
