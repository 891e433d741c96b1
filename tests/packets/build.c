/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "build.h"
#include "private/array_len.h"
#include "wire.h"

#define STUN_HLEN 20
#define ATTR_HLEN 4

static const struct {
	__u8 ip4[4];
	__u8 ip6[16];
	__u16 port;
} hosts[HOSTS] = {
	[CLIENT] = { { 198, 51, 100, 7 }, { 0x20, 0x01, 0x0d, 0xb8, [4] = 0xc1, [15] = 7 }, 50123 },
	[SERVER] = { { 192, 0, 2, 1 }, { 0x20, 0x01, 0x0d, 0xb8, [4] = 0x5e, [15] = 1 }, 3478 },
	[RELAY] = { { 192, 0, 2, 99 }, { 0x20, 0x01, 0x0d, 0xb8, [4] = 0x5e, [15] = 99 }, 49160 },
	[PEER] = { { 203, 0, 113, 200 }, { 0x20, 0x01, 0x0d, 0xb8, [5] = 0xfe, [14] = 9 }, 6001 },
	[CLIENT_B] = { { 198, 51, 100, 250 }, { 0xfd, [9] = 0xb, [15] = 0xff }, 61000 },
	[NOBODY] = { { 10, 1, 2, 3 }, { 0xfd, [9] = 0xe, [15] = 3 }, 7 },
	[RELAY_B] = { { 192, 0, 2, 98 }, { 0x20, 0x01, 0x0d, 0xb8, [4] = 0x5e, [15] = 98 }, 49161 },
	[NAMED] = { { 203, 0, 113, 77 },
		    { 0x20, 0x01, 0x0d, 0xb8, [4] = 0x9a, [9] = 0x41, [14] = 7, [15] = 5 },
		    6100 },
	[NAMED_B] = { { 192, 0, 2, 77 },
		      { 0x20, 0x01, 0x0d, 0xb8, [5] = 0x5e, [11] = 0xa3, [15] = 98 },
		      49999 },
	[OTHER] = { { 192, 0, 2, 1 }, { 0x20, 0x01, 0x0d, 0xb8, [4] = 0x5e, [15] = 1 }, 53 },
};

static const __u8 macs[MACS][MAC_LEN] = {
	[MAC_OURS] = { 0x02, 0x00, 0x5e, 0x10, 0x00, 0x01 },
	[MAC_ROUTER] = { 0x02, 0xca, 0xfe, 0x00, 0x00, 0x02 },
	[MAC_NEXT] = { 0x02, 0xbe, 0xef, 0x11, 0x22, 0x03 },
	[MAC_EGRESS] = { 0x02, 0x00, 0x5e, 0x20, 0x00, 0x04 },
	[MAC_OTHER0] = { 0x06, 0x00, 0x5e, 0x10, 0x00, 0x01 },
	[MAC_OTHER1] = { 0x02, 0x00, 0x5e, 0x11, 0x00, 0x01 },
	[MAC_OTHER2] = { 0x02, 0x00, 0x5e, 0x10, 0x00, 0x05 },
	[MAC_NEXT0] = { 0x02, 0xbe, 0xef, 0x10, 0x22, 0x03 },
	[MAC_NEXT1] = { 0x02, 0xbe, 0xef, 0x11, 0x22, 0x07 },
	[MAC_BROADCAST] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff },
};

enum body {
	BODY_ANY, /* bytes that nobody reads */
	BODY_PEER,
	BODY_DATA,
};

/*
 * The attributes of STUN messages (RFC 8489 section 18.3, RFC 8656 section 18). Addresses have the
 * peer's family and its length, unless @len is set.
 */
static const struct attr {
	char letter;
	__u16 type;
	enum body body;
	__u16 len;
	__u8 family;
	__u8 reserved;
	bool unpadded;
} attrs[] = {
	{ 'P', 0x0012, .body = BODY_PEER }, /* XOR-PEER-ADDRESS */
	{ 'p', 0x0012, .body = BODY_PEER, .reserved = 0xff },
	{ 'D', 0x0013, .body = BODY_DATA },
	{ 'd', 0x0013, .body = BODY_DATA, .unpadded = true },
	{ 'F', 0x8028, .len = 4 }, /* FINGERPRINT */
	{ 'S', 0x8022, .len = 9 }, /* SOFTWARE */
	{ 'N', 0x001a, .len = 0 }, /* DONT-FRAGMENT */
	{ 'L', 0x000d, .len = 4 }, /* LIFETIME */
	{ 'M', 0x7fff, .len = 4 }, /* the last type that must be understood */
	{ 'O', 0x8000, .len = 4 }, /* the first type that may be ignored */
	{ 'X', 0xffff, .len = 0 }, /* its length is @extra_len of the frame */

	/* FINGERPRINT of a wrong length. */
	{ 'f', 0x8028, .len = 0 },
	{ 'g', 0x8028, .len = 3 },
	{ 'h', 0x8028, .len = 8 },

	/* XOR-PEER-ADDRESS of a wrong length or family. */
	{ '0', 0x0012, .body = BODY_PEER, .len = 8, .family = 0 },
	{ '1', 0x0012, .body = BODY_PEER, .len = 20, .family = 1 },
	{ '2', 0x0012, .body = BODY_PEER, .len = 8, .family = 2 },
	{ '3', 0x0012, .body = BODY_PEER, .len = 20, .family = 3 },
	{ '4', 0x0012, .body = BODY_PEER, .len = 4, .family = 1 },
	{ '5', 0x0012, .body = BODY_PEER, .len = 7, .family = 1 },
	{ '6', 0x0012, .body = BODY_PEER, .len = 9, .family = 1 },
	{ '7', 0x0012, .body = BODY_PEER, .len = 19, .family = 2 },
	{ '8', 0x0012, .body = BODY_PEER, .len = 24, .family = 2 },
};

size_t ip_hlen(__u8 family)
{
	return family == TURNPIKE_IPV4 ? 20 : 40;
}

static const struct attr *find_attr(char letter)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(attrs); i++)
		if (attrs[i].letter == letter)
			return &attrs[i];
	abort();
}

static size_t attr_len(const struct frame *frame, const struct attr *attr)
{
	if (attr->body == BODY_DATA)
		return frame->data_len;
	if (attr->body == BODY_PEER && !attr->len)
		return frame->peer_family == TURNPIKE_IPV4 ? 8 : 20;
	return attr->letter == 'X' ? frame->extra_len : attr->len;
}

static size_t attr_padding(const struct frame *frame, const struct attr *attr)
{
	return attr->unpadded ? 0 : -attr_len(frame, attr) % 4;
}

/* A STUN message, ChannelData, or plain data. */
static size_t message_len(const struct frame *frame)
{
	size_t len = STUN_HLEN;
	const struct attr *attr;
	const char *letter;

	if (!frame->stun)
		return (size_t)frame->data_len + (frame->channel ? 4u : 0u);
	for (letter = frame->attrs; *letter; letter++) {
		attr = find_attr(*letter);
		len += ATTR_HLEN + attr_len(frame, attr) + attr_padding(frame, attr);
	}
	return len;
}

static size_t udp_len(const struct frame *frame)
{
	return UDP_HLEN + message_len(frame) + frame->padding;
}

size_t ip_len(const struct frame *frame)
{
	return ip_hlen(frame->family) + frame->options + frame->extensions + udp_len(frame);
}

struct turnpike_addr host_addr(enum host host, __u8 family)
{
	struct turnpike_addr addr = { .family = family };

	if (family == TURNPIKE_IPV4)
		memcpy(addr.ip, hosts[host].ip4, sizeof(hosts[host].ip4));
	else
		memcpy(addr.ip, hosts[host].ip6, sizeof(hosts[host].ip6));
	put_wire16((__u8 *)&addr.port, hosts[host].port);
	return addr;
}

void mac_addr(enum mac mac, __u8 *ret)
{
	memcpy(ret, macs[mac], MAC_LEN);
}

/* The pseudo-header: addresses, protocol, length. */
__u16 pseudo_sum(const struct frame *frame)
{
	const size_t len = frame->family == TURNPIKE_IPV4 ? 4 : 16;
	struct turnpike_addr src = host_addr(frame->src, frame->family);
	struct turnpike_addr dst = host_addr(frame->dst, frame->family);
	__u64 sum = IPPROTO_UDP + udp_len(frame) + (__u64)frame->udp_len_add;

	sum = wire_add(sum, src.ip, len);
	sum = wire_add(sum, dst.ip, len);
	return wire_fold(sum);
}

static __u8 ttl(const struct frame *frame)
{
	return (__u8)(frame->ttl ? frame->ttl : TTL_DEFAULT);
}

void build_data(const struct frame *frame, __u8 *to)
{
	size_t i;

	for (i = 0; i < frame->data_len; i++)
		to[i] = (__u8)(i * 7 + 0x35 + (i >> 8));
	if (frame->word)
		put_wire16(to, frame->word);
}

/* RFC 8489 section 14.2: port and address are masked by the cookie and the transaction ID. */
static void put_peer(const struct frame *frame, const struct attr *attr, __u8 *to)
{
	const bool ipv4 = frame->peer_family == TURNPIKE_IPV4;
	__u8 mask[16] = { 0x21, 0x12, 0xa4, 0x42 };
	__u8 body[4 + 16] = { attr->reserved, attr->len ? attr->family : ipv4 ? 1 : 2 };
	size_t i;

	memcpy(mask + 4, frame->transaction, TRANSACTION_LEN);
	put_wire16(body + 2, hosts[frame->peer].port);
	memcpy(body + 4, ipv4 ? hosts[frame->peer].ip4 : hosts[frame->peer].ip6, ipv4 ? 4 : 16);
	for (i = 0; i < sizeof(mask); i++)
		body[4 + i] ^= mask[i];
	body[2] ^= mask[0];
	body[3] ^= mask[1];
	memset(to, 0, attr_len(frame, attr));
	memcpy(to, body,
	       attr_len(frame, attr) < sizeof(body) ? attr_len(frame, attr) : sizeof(body));
}

/* Return: its length with header and padding. */
static size_t put_attr(const struct frame *frame, const struct attr *attr, __u8 *to)
{
	const size_t len = attr_len(frame, attr), padding = attr_padding(frame, attr);
	__u8 *body = to + ATTR_HLEN;

	put_wire16(to, attr->type);
	put_wire16(to + 2, len + (size_t)(attr->body == BODY_DATA ? frame->data_len_add : 0));
	switch (attr->body) {
	case BODY_ANY:
		memset(body, 0x5b, len);
		break;
	case BODY_PEER:
		put_peer(frame, attr, body);
		break;
	case BODY_DATA:
		build_data(frame, body);
		break;
	}
	memset(body + len, frame->filler, padding);
	return ATTR_HLEN + len + padding;
}

static void put_stun(const struct frame *frame, __u8 *to)
{
	const __u32 cookie = 0x2112a442 ^ frame->cookie_error;
	const char *letter;
	size_t len = STUN_HLEN;

	put_wire16(to, frame->stun);
	put_wire16(to + 2, message_len(frame) - STUN_HLEN + (size_t)frame->stun_len_add);
	put_wire16(to + 4, cookie >> 16);
	put_wire16(to + 6, cookie);
	memcpy(to + TRANSACTION_OFFSET, frame->transaction, TRANSACTION_LEN);
	for (letter = frame->attrs; *letter; letter++)
		len += put_attr(frame, find_attr(*letter), to + len);
}

static void put_message(const struct frame *frame, __u8 *to)
{
	if (frame->stun) {
		put_stun(frame, to);
		return;
	}
	if (frame->channel) {
		put_wire16(to, frame->channel);
		put_wire16(to + 2, frame->data_len + (size_t)frame->data_len_add);
		to += 4;
	}
	build_data(frame, to);
}

size_t build_payload(const struct frame *frame, __u8 *to)
{
	size_t len = message_len(frame);
	size_t i;

	put_message(frame, to);
	for (i = 0; i < frame->padding; i++)
		to[len++] = (__u8)(0xa7 + 0x11 * i);
	return len;
}

/* UDP header and payload, with a checksum field of 0. */
static size_t put_datagram(const struct frame *frame, __u8 *to)
{
	put_wire16(to, hosts[frame->src].port);
	put_wire16(to + 2, hosts[frame->dst].port);
	put_wire16(to + 4, udp_len(frame) + (size_t)frame->udp_len_add);
	put_wire16(to + 6, 0);
	return UDP_HLEN + build_payload(frame, to + UDP_HLEN);
}

static __u16 full_check(const struct frame *frame, bool zero_allowed)
{
	__u8 datagram[FRAME_MAX];
	size_t len = put_datagram(frame, datagram);
	__u16 check = (__u16)~wire_fold(wire_add(pseudo_sum(frame), datagram, len));

	return check || zero_allowed ? check : 0xffff;
}

__u16 udp_check(const struct frame *frame)
{
	switch (frame->checksum) {
	case CHECKSUM_ZERO:
		return 0;
	case CHECKSUM_PARTIAL:
		return pseudo_sum(frame);
	case CHECKSUM_WRONG:
		return wire_fold((__u32)full_check(frame, false) + CHECKSUM_ERROR);
	case CHECKSUM_FULL:
		break;
	}
	return full_check(frame, false);
}

__u16 word_for_check(const struct frame *frame, __u16 check)
{
	struct frame blank = *frame;
	__u32 sum;

	/* A word of 0 means the pattern, so override it with the other zero, all ones. */
	blank.word = 0xffff;
	sum = (__u16)~full_check(&blank, true);
	return wire_fold((__u16)~check + (__u32)(__u16)~sum);
}

static size_t put_ethernet(const struct frame *frame, __u8 *to)
{
	const __u16 ethertype = frame->family == TURNPIKE_IPV4 ? 0x0800 : 0x86dd;
	size_t len = 0, i;

	mac_addr(frame->dmac ? frame->dmac : MAC_OURS, to);
	mac_addr(frame->smac ? frame->smac : MAC_ROUTER, to + MAC_LEN);
	len += 2 * MAC_LEN;
	for (i = 0; i < TAGS && frame->tag[i]; i++) {
		put_wire16(to + len, frame->tag[i] >> 16);
		put_wire16(to + len + 2, frame->tag[i] & 0xffff);
		len += TAG_LEN;
	}
	put_wire16(to + len, frame->ethertype ? frame->ethertype : ethertype);
	return len + 2;
}

static size_t put_ipv4(const struct frame *frame, __u8 *to)
{
	const size_t hlen = 20u + frame->options;
	const __u8 version = frame->version ? frame->version : 4;
	__u16 check;

	memset(to, 0, hlen);
	to[0] = (__u8)((unsigned int)version << 4 | hlen / 4);
	to[1] = frame->tos;
	put_wire16(to + 2, ip_len(frame) + (size_t)frame->ip_len_add);
	put_wire16(to + 4, frame->id);
	put_wire16(to + 6, frame->frag_off);
	to[8] = ttl(frame);
	to[9] = frame->protocol ? frame->protocol : IPPROTO_UDP;
	memcpy(to + 12, hosts[frame->src].ip4, 4);
	memcpy(to + 16, hosts[frame->dst].ip4, 4);
	memset(to + 20, 1, frame->options); /* No Operation */
	check = (__u16)~wire_fold(wire_add(0, to, hlen));
	put_wire16(to + 10, check + (size_t)frame->ip_check_add);
	return hlen;
}

static size_t put_ipv6(const struct frame *frame, __u8 *to)
{
	const __u8 version = frame->version ? frame->version : 6;
	const __u8 protocol = frame->protocol ? frame->protocol : IPPROTO_UDP;

	to[0] = (__u8)(version << 4 | frame->tos >> 4);
	to[1] = (__u8)((__u32)frame->tos << 4 | frame->label >> 16);
	put_wire16(to + 2, frame->label & 0xffff);
	put_wire16(to + 4, ip_len(frame) - 40 + (size_t)frame->ip_len_add);
	to[6] = frame->extensions ? IPPROTO_DSTOPTS : protocol;
	to[7] = ttl(frame);
	memcpy(to + 8, hosts[frame->src].ip6, 16);
	memcpy(to + 24, hosts[frame->dst].ip6, 16);
	if (frame->extensions) {
		memset(to + 40, 0, frame->extensions); /* Pad1 */
		to[40] = protocol;
		to[41] = (__u8)(frame->extensions / 8 - 1);
	}
	return 40u + frame->extensions;
}

size_t build(const struct frame *frame, __u8 *ret)
{
	size_t len = put_ethernet(frame, ret);
	__u8 *udp;

	len += frame->family == TURNPIKE_IPV4 ? put_ipv4(frame, ret + len)
					      : put_ipv6(frame, ret + len);
	udp = ret + len;
	len += put_datagram(frame, udp);
	put_wire16(udp + 6, udp_check(frame));
	while (len < frame->min_len)
		ret[len++] = 0xee;
	return frame->cut ? frame->cut : len;
}
