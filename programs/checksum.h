/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Ones' complement sums (RFC 1071, RFC 1624) over words as they lie in the packet.
 *
 * Packets of local senders reach us with a partial UDP checksum: the pseudo-header's sum only, not
 * inverted, to be completed by a device that never comes on veth, tap or virtio. Neither XDP nor TC
 * shows that, so it is found out: if the field equals the pseudo-header's sum, which a full
 * checksum does once in 65,535 packets, the sum over the whole datagram decides. All other packets
 * pay for one comparison.
 *
 * Native XDP drops the sk_buff's notes, so the checksum is completed here. Where the sk_buff lives
 * on (generic XDP, TC), the kernel still means to complete it, at the place where the UDP header
 * was: then the UDP header must stay there, which moving the tail does, and gets the partial sum of
 * the new pseudo-header.
 */
#ifndef TURNPIKE_CHECKSUM_H
#define TURNPIKE_CHECKSUM_H

#include "packet.h"

static __always_inline __u16 sum_fold(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	sum = (sum & 0xffff) + ((sum >> 16) & 0xffff) + (sum >> 32);
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)sum;
}

/* RFC 768: a checksum that comes out as 0 is sent as all ones. */
static __always_inline __u16 sum_to_udp_check(__u64 sum)
{
	__u16 check = (__u16)~sum_fold(sum);

	return check ? check : 0xffff;
}

/* ChannelData padding is dropped, and with it its share of the checksum; it may be any bytes. Pull
 * first. */
static __always_inline __u16 padding_sum(ctx_t *ctx, const struct packet *pkt)
{
	__u32 off = pkt->in_hlen + pkt->data_len;
	__u32 sum = 0;
	__u8 *byte;
	__u32 i;

	for (i = 0; i < CHANNEL_MAX_PADDING; i++) {
		if (i >= pkt->padding)
			break;
		byte = ctx_linear(ctx, off + i, 1);
		if (!byte)
			break;
		sum += bpf_htons((off + i) & 1 ? *byte : (__u16)(*byte << 8));
	}
	return sum_fold(sum);
}

/* Pseudo-header, but for the addresses: they are in @addresses. */
static __always_inline __u16 pseudo_sum(__u16 addresses, __u16 udp_len)
{
	return sum_fold((__u32)addresses + bpf_htons(udp_len));
}

#endif /* TURNPIKE_CHECKSUM_H */
