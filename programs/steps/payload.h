/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sums and moves the application data, at a cost per byte. Most packets need neither.
 *
 * Call ctx_pull() first. The functions are global: see common.h.
 */
#ifndef TURNPIKE_PROGRAMS_STEPS_PAYLOAD_H
#define TURNPIKE_PROGRAMS_STEPS_PAYLOAD_H

#include "packet.h"

/* The longest application data that is summed or moved; an XDP buffer is a page at most. */
#define MAX_DATA 4096
#define CHUNK    32

/* Sum the last bytes, fewer than a chunk; @off is even. */
static __always_inline __u64 sum_rest(ctx_t *ctx, __u32 off, __u32 len)
{
	__u64 sum = 0;
	__u16 *word;
	__u8 *byte;
	int i;

	for (i = 0; i < CHUNK / 2; i++) {
		if (len < 2)
			break;
		word = ctx_bytes(ctx, off, 2);
		if (!word)
			break;
		sum += *word;
		off += 2;
		len -= 2;
	}
	if (!len)
		return sum;
	byte = ctx_bytes(ctx, off, 1);
	/* RFC 1071: pad the odd byte with zero. */
	return byte ? sum + bpf_htons((__u16)(*byte << 8)) : sum;
}

/* Return: the sum of @len bytes at @off, which is even. */
__noinline __u64 sum_bytes(ctx_t *ctx, __u32 off, __u32 len)
{
	__u32 chunks = (len / CHUNK) & 0x1ff;
	__u64 sum = 0;
	__u32 *word;
	__u32 i;

	for (i = 0; i < MAX_DATA / CHUNK; i++) {
		if (i >= chunks)
			break;
		word = ctx_bytes(ctx, off + i * CHUNK, CHUNK);
		if (!word)
			break;
		sum += (__u64)word[0] + word[1] + word[2] + word[3];
		sum += (__u64)word[4] + word[5] + word[6] + word[7];
	}
	return sum + sum_rest(ctx, off + chunks * CHUNK, len % CHUNK);
}

/* Read the chunk as a whole before writing it, because source and destination may overlap. */
static __always_inline int move_chunk(ctx_t *ctx, __u32 from, __u32 to)
{
	volatile __u64 *chunk = ctx_bytes(ctx, from, CHUNK);
	__u64 a, b, c, d;

	if (!chunk)
		return -1;
	a = chunk[0];
	b = chunk[1];
	c = chunk[2];
	d = chunk[3];
	chunk = ctx_bytes(ctx, to, CHUNK);
	if (!chunk)
		return -1;
	chunk[0] = a;
	chunk[1] = b;
	chunk[2] = c;
	chunk[3] = d;
	return 0;
}

static __always_inline int move_byte(ctx_t *ctx, __u32 from, __u32 to)
{
	volatile __u8 *byte = ctx_bytes(ctx, from, 1);
	__u8 a;

	if (!byte)
		return -1;
	a = *byte;
	byte = ctx_bytes(ctx, to, 1);
	if (!byte)
		return -1;
	*byte = a;
	return 0;
}

/*
 * Move @len bytes at @off up by @delta, last byte first. The volatile accesses above keep clang
 * from turning the loops into calls of memmove(), which BPF does not have.
 */
__noinline int shift_up(ctx_t *ctx, __u32 off, __u32 len, __u32 delta)
{
	int i;

	for (i = 0; i < MAX_DATA / CHUNK && len >= CHUNK; i++) {
		len -= CHUNK;
		if (move_chunk(ctx, off + len, off + len + delta))
			return -1;
	}
	for (i = 0; i < CHUNK && len; i++) {
		len--;
		if (move_byte(ctx, off + len, off + len + delta))
			return -1;
	}
	return 0;
}

/* Move @len bytes at @off down by @delta, first byte first. */
__noinline int shift_down(ctx_t *ctx, __u32 off, __u32 len, __u32 delta)
{
	int i;

	for (i = 0; i < MAX_DATA / CHUNK && len >= CHUNK; i++) {
		if (move_chunk(ctx, off, off - delta))
			return -1;
		off += CHUNK;
		len -= CHUNK;
	}
	for (i = 0; i < CHUNK && len; i++) {
		if (move_byte(ctx, off, off - delta))
			return -1;
		off++;
		len--;
	}
	return 0;
}

#endif /* TURNPIKE_PROGRAMS_STEPS_PAYLOAD_H */
