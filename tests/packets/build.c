/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>

#include "build.h"
#include "wire.h"

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

size_t ip_hlen(__u8 family)
{
	return family == TURNPIKE_IPV4 ? 20 : 40;
}

static size_t channel_hlen(const struct frame *frame)
{
	return frame->channel ? 4 : 0;
}

static size_t udp_len(const struct frame *frame)
{
	return UDP_HLEN + channel_hlen(frame) + frame->data_len + frame->padding;
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

/* UDP header and payload, with a checksum field of 0. */
static size_t put_datagram(const struct frame *frame, __u8 *to)
{
	size_t len = UDP_HLEN + channel_hlen(frame);
	size_t i;

	put_wire16(to, hosts[frame->src].port);
	put_wire16(to + 2, hosts[frame->dst].port);
	put_wire16(to + 4, udp_len(frame) + (size_t)frame->udp_len_add);
	put_wire16(to + 6, 0);
	if (frame->channel) {
		put_wire16(to + 8, frame->channel);
		put_wire16(to + 10, frame->data_len + (size_t)frame->channel_len_add);
	}
	build_data(frame, to + len);
	len += frame->data_len;
	for (i = 0; i < frame->padding; i++)
		to[len++] = (__u8)(0xa7 + 0x11 * i);
	return len;
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
