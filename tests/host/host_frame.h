/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file host_frame.h
 * A frame on the host, and the BPF helpers for it. AddressSanitizer poisons what a program must not
 * touch: everything around the frame, and the non-linear part of an sk_buff. host_frame_is_whole()
 * detects stray writes without a sanitizer, too.
 *
 * The helpers behave and fail as in net/core/filter.c of Linux 6.1.
 */
#ifndef TURNPIKE_TESTS_HOST_HOST_FRAME_H
#define TURNPIKE_TESTS_HOST_HOST_FRAME_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>

#include <turnpike/abi.h>

#include "env/host.h"

/** Bytes around an sk_buff, more than the programs ever need. */
#define HOST_SKB_ROOM 512

/**
 * struct host_frame - one frame
 * @ctx:       context of the program; the first member, so that helpers can find the frame
 * @tc:        an sk_buff in TC, not an XDP buffer
 * @size:      bytes at @ctx.memory
 * @floor:     XDP: the lowest offset that adjust_head allows; it may exceed the start of the frame
 *             if the driver leaves less headroom than the kernel reserves
 * @low, @high: the lowest and highest offsets that the frame has ever covered
 * @stuck:     TC: the tail cannot be moved
 * @fails_in:  TC: number of the helper call that fails, counted from now; 0: none
 * @failed:    TC: a helper has failed that way
 * @decrypted: TC: IPsec has decrypted the packet
 * @complete:  TC: CHECKSUM_COMPLETE, which helpers update when they change the frame
 * @csum:      TC: its value, the folded sum of everything after the Ethernet header
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
	bool decrypted;
	bool complete;
	__u16 csum;
};

/** host_xdp_frame() - make an XDP frame of @len bytes with @head and @tail bytes of room */
void host_xdp_frame(struct host_frame *frame, const __u8 *bytes, __u32 len, __u32 head, __u32 tail);

/** host_skb_frame() - make an sk_buff of @len bytes, the first @linear of them linear */
void host_skb_frame(struct host_frame *frame, const __u8 *bytes, __u32 len, __u32 linear);

/** host_frame_free() - free the memory of the frame, not the struct */
void host_frame_free(struct host_frame *frame);

/** host_frame_bytes() - copy at most @max bytes to @ret. Return: the length of the frame */
__u32 host_frame_bytes(struct host_frame *frame, __u8 *ret, __u32 max);

/** host_frame_is_whole() - is the memory outside @low to @high unchanged? */
bool host_frame_is_whole(struct host_frame *frame);

/** host_frame_sum() - compute what @csum must be */
__u16 host_frame_sum(struct host_frame *frame);

/** host_frame_open() - for the helpers: unpoison all of the memory until host_frame_close() */
void host_frame_open(struct host_frame *frame);
void host_frame_close(struct host_frame *frame);

#endif /* TURNPIKE_TESTS_HOST_HOST_FRAME_H */
