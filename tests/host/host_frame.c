/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <sanitizer/asan_interface.h>

#include "host_frame.h"
#include "wire.h"

static __u8 garbage(__u32 off)
{
	return (__u8)(0xff - off * 13);
}

/* Allocate exactly @size bytes, so that AddressSanitizer detects accesses beyond both ends. */
static void make_memory(struct host_frame *frame, __u32 size)
{
	__u32 i;

	*frame = (struct host_frame){ .size = size, .low = size };
	frame->ctx.memory = malloc(size);
	if (!frame->ctx.memory)
		abort();
	for (i = 0; i < size; i++)
		frame->ctx.memory[i] = garbage(i);
}

static __u32 frame_start(const struct host_frame *frame)
{
	return frame->tc ? frame->ctx.skb.data : frame->ctx.xdp.data;
}

static __u32 frame_end(const struct host_frame *frame)
{
	return frame->tc ? frame->ctx.skb.data + frame->ctx.skb.len : frame->ctx.xdp.data_end;
}

void host_frame_open(struct host_frame *frame)
{
	ASAN_UNPOISON_MEMORY_REGION(frame->ctx.memory, frame->size);
}

void host_frame_close(struct host_frame *frame)
{
	const __u32 start = frame_start(frame);
	const __u32 end = frame->tc ? frame->ctx.skb.data_end : frame->ctx.xdp.data_end;

	if (start < frame->low)
		frame->low = start;
	if (frame_end(frame) > frame->high)
		frame->high = frame_end(frame);
	ASAN_POISON_MEMORY_REGION(frame->ctx.memory, start);
	ASAN_POISON_MEMORY_REGION(frame->ctx.memory + end, frame->size - end);
}

void host_xdp_frame(struct host_frame *frame, const __u8 *bytes, __u32 len, __u32 head, __u32 tail)
{
	make_memory(frame, head + len + tail);
	memcpy(frame->ctx.memory + head, bytes, len);
	frame->ctx.xdp.data = head;
	frame->ctx.xdp.data_end = head + len;
	host_frame_close(frame);
}

void host_skb_frame(struct host_frame *frame, const __u8 *bytes, __u32 len, __u32 linear)
{
	struct __sk_buff *skb = &frame->ctx.skb;

	make_memory(frame, HOST_SKB_ROOM + len + HOST_SKB_ROOM);
	frame->tc = true;
	memcpy(frame->ctx.memory + HOST_SKB_ROOM, bytes, len);
	skb->len = len;
	skb->data = HOST_SKB_ROOM;
	skb->data_end = HOST_SKB_ROOM + (linear < len ? linear : len);
	skb->protocol = (__u32)(bytes[13] << 8 | bytes[12]);
	host_frame_close(frame);
}

void host_frame_free(struct host_frame *frame)
{
	host_frame_open(frame);
	free(frame->ctx.memory);
	frame->ctx.memory = NULL;
}

__u32 host_frame_bytes(struct host_frame *frame, __u8 *ret, __u32 max)
{
	const __u32 len = frame_end(frame) - frame_start(frame);

	host_frame_open(frame);
	memcpy(ret, frame->ctx.memory + frame_start(frame), len < max ? len : max);
	host_frame_close(frame);
	return len;
}

bool host_frame_is_whole(struct host_frame *frame)
{
	bool whole = true;
	__u32 i;

	host_frame_open(frame);
	for (i = 0; i < frame->size; i++)
		if ((i < frame->low || i >= frame->high) && frame->ctx.memory[i] != garbage(i))
			whole = false;
	host_frame_close(frame);
	return whole;
}

__u16 host_frame_sum(struct host_frame *frame)
{
	const __u32 start = frame_start(frame) + ETH_HLEN;
	__u64 sum;

	host_frame_open(frame);
	sum = wire_add(0, frame->ctx.memory + start, frame_end(frame) - start);
	host_frame_close(frame);
	return wire_fold(sum);
}
