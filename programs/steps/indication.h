/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Send and Data indications: STUN messages that carry application data without a channel (RFC 8656
 * section 11). Slow path only.
 *
 * FINGERPRINT is not verified: the 5-tuple, the exact peer and the UDP checksum identify the packet
 * of a flow. Whatever is unusual is left to the server.
 */
#ifndef TURNPIKE_PROGRAMS_STEPS_INDICATION_H
#define TURNPIKE_PROGRAMS_STEPS_INDICATION_H

#include "steps/checksum.h"
#include "steps/payload.h"

/* RFC 8489 section 5. */
#define MAGIC_COOKIE 0x2112a442u

/* RFC 8656 section 18; RFC 8489 section 14.7. */
#define ATTR_XOR_PEER_ADDRESS 0x0012u
#define ATTR_DATA             0x0013u
#define ATTR_FINGERPRINT      0x8028u

/* RFC 8489 section 14: attributes from here on may be ignored. */
#define ATTR_OPTIONAL 0x8000u

/* RFC 8489 section 14.1: families and lengths of addresses in attributes. */
#define ADDR_IPV4     1u
#define ADDR_IPV6     2u
#define ADDR_IPV4_LEN 8u
#define ADDR_IPV6_LEN 20u

/* Most attributes, and most bytes before or behind the data, that are read here. */
#define MAX_ATTRS  4
#define MAX_AROUND 128

/* The most words before the data of a Data indication. */
#define DATA_INDICATION_WORDS 12

/* Offsets of values in the frame, 0: not there; lengths without padding. */
struct attributes {
	__u32 peer;
	__u32 peer_len;
	__u32 data;
	__u32 data_len;
};

static __always_inline __u32 indication_hlen(__u8 peer_family)
{
	return STUN_HLEN + 2 * STUN_ATTR_HLEN +
	       (peer_family == TURNPIKE_IPV4 ? ADDR_IPV4_LEN : ADDR_IPV6_LEN);
}

/* Bytes from the end of the UDP header to the data of the outgoing packet. */
static __always_inline __u32 out_framing_hlen(const struct packet *pkt)
{
	return is_indication(pkt->out_framing) ? indication_hlen(pkt->xor_family)
					       : channel_hlen(pkt->out_framing);
}

/* Where the words of a message are: in linear memory, after ctx_pull(), or anywhere. */
enum words {
	WORDS_LINEAR,
	WORDS_ANYWHERE,
};

static __always_inline int read_word(ctx_t *ctx, __u32 off, __u32 *to, enum words words)
{
	const void *from;

	if (words == WORDS_ANYWHERE)
		return ctx_word(ctx, off, to);
	from = ctx_bytes(ctx, off, sizeof(*to));
	if (!from)
		return -1;
	copy_word(to, from);
	return 0;
}

/* Return: the offset of the next attribute; 0: this one is for the server. */
static __always_inline __u32 read_attr(ctx_t *ctx, struct attributes *attrs, __u32 off, __u32 end,
				       enum words words)
{
	__u32 word, type, len, next;

	if (read_word(ctx, off, &word, words))
		return 0;
	type = bpf_ntohl(word) >> 16;
	len = bpf_ntohl(word) & 0xffff;
	off += STUN_ATTR_HLEN;
	next = off + ((len + 3) & ~3u);
	if (next > end)
		return 0;
	switch (type) {
	case ATTR_XOR_PEER_ADDRESS:
		if (attrs->peer)
			return 0;
		attrs->peer = off;
		attrs->peer_len = len;
		return next;
	case ATTR_DATA:
		if (attrs->data)
			return 0;
		attrs->data = off;
		attrs->data_len = len;
		return next;
	case ATTR_FINGERPRINT:
		return len == sizeof(word) && next == end ? next : 0;
	default:
		return type & ATTR_OPTIONAL ? next : 0;
	}
}

/* RFC 8489 section 14.2. @stun: offset of the message, whose bytes 4 to 19 mask the address. */
static __always_inline int read_xor_peer(ctx_t *ctx, struct packet *pkt,
					 const struct attributes *attrs, __u32 stun,
					 enum words words)
{
	__u32 word, mask, i;

	if (read_word(ctx, attrs->peer, &word, words))
		return -1;
	word = bpf_ntohl(word);
	pkt->peer_port = bpf_htons((__u16)(word ^ MAGIC_COOKIE >> 16));
	word = word >> 16 & 0xff;
	if (word == ADDR_IPV4 && attrs->peer_len == ADDR_IPV4_LEN)
		pkt->peer_family = TURNPIKE_IPV4;
	else if (word == ADDR_IPV6 && attrs->peer_len == ADDR_IPV6_LEN)
		pkt->peer_family = TURNPIKE_IPV6;
	else
		return -1;
	for (i = 0; i < 4; i++) {
		pkt->peer[i] = 0;
		if (i && pkt->peer_family == TURNPIKE_IPV4)
			continue;
		if (read_word(ctx, attrs->peer + (i + 1) * sizeof(word), &word, words) ||
		    read_word(ctx, stun + (i + 1) * sizeof(word), &mask, words))
			return -1;
		pkt->peer[i] = word ^ mask;
	}
	return 0;
}

/*
 * parse_indication() - find peer and data in an indication of @len bytes at @off
 *
 * The message must be the whole datagram, with XOR-PEER-ADDRESS and DATA once, in any order, and
 * no other attribute that has to be understood. Clients differ in the order, and some add
 * FINGERPRINT: see docs/clients.md.
 *
 * Return: TURNPIKE_RELAYED, or TURNPIKE_CONTROL, and @pkt is undefined.
 */
static __always_inline int parse_indication(ctx_t *ctx, struct packet *pkt, __u32 off, __u32 len,
					    enum words words)
{
	const __u32 end = off + len;
	__u32 word, cookie, i, at = off + STUN_HLEN;
	struct attributes attrs = { 0 };

	/* An offset beyond the mask would wrap around to other bytes. */
	if (!pkt || len < STUN_HLEN || len > OFF_MASK || end > OFF_MASK ||
	    read_word(ctx, off, &word, words) || read_word(ctx, off + sizeof(word), &cookie, words))
		return TURNPIKE_CONTROL;
	if ((bpf_ntohl(word) & 0xffff) != len - STUN_HLEN || cookie != bpf_htonl(MAGIC_COOKIE))
		return TURNPIKE_CONTROL;
	for (i = 0; i < MAX_ATTRS && at < end; i++) {
		at = read_attr(ctx, &attrs, at, end, words);
		if (!at)
			return TURNPIKE_CONTROL;
	}
	if (at != end || !attrs.peer || !attrs.data || read_xor_peer(ctx, pkt, &attrs, off, words))
		return TURNPIKE_CONTROL;
	pkt->in_hlen = attrs.data;
	pkt->data_len = attrs.data_len;
	pkt->padding = end - attrs.data - attrs.data_len;
	return attrs.data - off <= MAX_AROUND && pkt->padding <= MAX_AROUND ? TURNPIKE_RELAYED
									    : TURNPIKE_CONTROL;
}

/* Global: see common.h. */
__noinline int read_indication(ctx_t *ctx, struct packet *pkt, __u32 off, __u32 len)
{
	return parse_indication(ctx, pkt, off, len, WORDS_LINEAR);
}

/* Sum all of the incoming indication but its data. Global: see common.h. */
__noinline __u32 sum_around_data(ctx_t *ctx, const struct packet *pkt)
{
	__u32 begin, end, padding;

	if (!pkt)
		return 0;
	begin = pkt->l2_len + ip_hlen(pkt->family) + sizeof(struct udphdr);
	padding = -pkt->data_len & 3;
	end = pkt->in_hlen + pkt->data_len;
	return (__u32)padding_sum(ctx, end, padding) +
	       sum_fold_words(sum_bytes(ctx, begin, pkt->in_hlen - begin)) +
	       sum_fold_words(sum_bytes(ctx, end + padding, pkt->padding - padding));
}

/* Write what comes before the data of the outgoing Data indication; unused words stay. */
static __always_inline void write_indication(const struct packet *pkt, __be32 *to)
{
	const __be32 data = bpf_htonl(ATTR_DATA << 16 | pkt->data_len);
	const bool ipv4 = pkt->xor_family == TURNPIKE_IPV4;
	const __u32 hlen = indication_hlen(pkt->xor_family), family = ipv4 ? ADDR_IPV4 : ADDR_IPV6;
	const __u32 len = hlen - STUN_HLEN + pkt->data_len + pkt->out_padding;
	const __u32 port = bpf_ntohs(pkt->peer_port) ^ MAGIC_COOKIE >> 16;

	to[0] = bpf_htonl(TURNPIKE_DATA_INDICATION << 16 | len);
	to[1] = bpf_htonl(MAGIC_COOKIE);
	to[2] = pkt->transaction[0];
	to[3] = pkt->transaction[1];
	to[4] = pkt->transaction[2];
	to[5] = bpf_htonl(ATTR_XOR_PEER_ADDRESS << 16 | (ipv4 ? ADDR_IPV4_LEN : ADDR_IPV6_LEN));
	to[6] = bpf_htonl(family << 16 | port);
	to[7] = pkt->peer[0] ^ bpf_htonl(MAGIC_COOKIE);
	if (ipv4) {
		to[8] = data;
		return;
	}
	to[8] = pkt->peer[1] ^ pkt->transaction[0];
	to[9] = pkt->peer[2] ^ pkt->transaction[1];
	to[10] = pkt->peer[3] ^ pkt->transaction[2];
	to[11] = data;
}

/*
 * Choose the transaction ID and the peer of the outgoing Data indication, and sum its headers.
 * Global: see common.h.
 */
__noinline int prepare_indication(struct packet *pkt, const struct turnpike_flow *flow)
{
	__be32 words[DATA_INDICATION_WORDS] = { 0 };
	const __be32 *peer;
	__u64 sum = 0;
	int i;

	if (!pkt || !flow)
		return -1;
	peer = (const __be32 *)flow->xor_peer.ip;
	pkt->peer_port = flow->xor_peer.port;
	for (i = 0; i < 4; i++)
		pkt->peer[i] = peer[i];
	for (i = 0; i < 3; i++)
		pkt->transaction[i] = bpf_get_prandom_u32();
	write_indication(pkt, words);
	for (i = 0; i < DATA_INDICATION_WORDS; i++)
		sum += words[i];
	pkt->out_sum = sum_fold_words(sum);
	return 0;
}

/* The family is a literal in each call, so that lengths are constants. */
static __always_inline int store_headers(ctx_t *ctx, const struct packet *pkt, __u32 off,
					 __u8 family)
{
	__u32 scratch[DATA_INDICATION_WORDS];
	void *to = ctx_buffer(ctx, scratch, off, indication_hlen(family));

	if (!to || pkt->xor_family != family)
		return -1;
	write_indication(pkt, to);
	return ctx_store(ctx, scratch, off, indication_hlen(family));
}

/* Store what surrounds the data of the outgoing Data indication. Global: see common.h. */
__noinline int store_indication(ctx_t *ctx, const struct packet *pkt)
{
	const __u8 zero = 0;
	__u32 off, i;
	int err;

	if (!pkt)
		return -1;
	off = pkt->out_hlen - indication_hlen(pkt->xor_family);
	if (pkt->xor_family == TURNPIKE_IPV4)
		err = store_headers(ctx, pkt, off, TURNPIKE_IPV4);
	else
		err = store_headers(ctx, pkt, off, TURNPIKE_IPV6);
	off = pkt->out_hlen + pkt->data_len;
	for (i = 0; i < CHANNEL_MAX_PADDING && !err; i++) {
		if (i >= pkt->out_padding)
			break;
		err = ctx_store_byte(ctx, off + i, zero);
	}
	return err;
}

#endif /* TURNPIKE_PROGRAMS_STEPS_INDICATION_H */
