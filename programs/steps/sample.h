/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Recognizes a packet on its two ways: as it came in and was passed to the stack (confirm.h), and
 * as the server's packet leaves (observe.h). Between them, server and stack change headers, and
 * some hosts change addresses. What stays is the application data, the address that the server
 * sends it to, its framing, and the port of the server's socket.
 */
#ifndef TURNPIKE_PROGRAMS_STEPS_SAMPLE_H
#define TURNPIKE_PROGRAMS_STEPS_SAMPLE_H

#include "maps.h"

/* Words of application data in a hash: they hold the sequence number of an RTP packet. */
#define SAMPLE_WORDS 4

/* Older samples confirm nothing. */
#define SAMPLE_LIFE_NS 2000000000ull

static __always_inline __u32 hash_word(__u32 hash, __u32 word)
{
	hash = (hash ^ word) * 0x9e3779b1u; /* the golden ratio */
	return hash ^ hash >> 15;
}

/* Begin a hash with where, and in what framing, the server sends the packet. */
static __always_inline __u32 hash_destination(const __be32 dst[4], __be16 dport, __be16 framing)
{
	__u32 hash = (__u32)dport << 16 | framing;
	int i;

	for (i = 0; i < 4; i++)
		hash = hash_word(hash, dst[i]);
	return hash;
}

/* End it with @len bytes of data at @off; never 0. Global: see common.h. */
__noinline __u32 sample_hash(ctx_t *ctx, __u32 hash, __u32 off, __u32 len)
{
	__u32 word, i;

	for (i = 0; i < SAMPLE_WORDS; i++) {
		if ((i + 1) * sizeof(word) > len || ctx_word(ctx, off + i * sizeof(word), &word))
			break;
		hash = hash_word(hash, word);
	}
	return hash | 1;
}

#endif /* TURNPIKE_PROGRAMS_STEPS_SAMPLE_H */
