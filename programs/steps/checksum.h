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
#ifndef TURNPIKE_PROGRAMS_STEPS_CHECKSUM_H
#define TURNPIKE_PROGRAMS_STEPS_CHECKSUM_H

#include "packet.h"

static __always_inline __u16 sum_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)((sum & 0xffff) + (sum >> 16));
}

/* Of 32-bit words: any number of them that fits a packet. */
static __always_inline __u16 sum_fold_words(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	return sum_fold((__u32)sum + (__u32)(sum >> 32));
}

/* RFC 768: a checksum that comes out as 0 is sent as all ones. */
static __always_inline __u16 sum_to_udp_check(__u32 sum)
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
		byte = ctx_bytes(ctx, off + i, 1);
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

static __always_inline __u16 channel_sum(__be16 channel, __u32 len)
{
	return channel ? sum_fold((__u32)channel + bpf_htons((__u16)len)) : 0;
}

/* The UDP header of the incoming packet and what else it has in front of the data. */
static __always_inline __u32 headers_sum(const struct packet *pkt)
{
	const bool ipv4 = pkt->family == TURNPIKE_IPV4;
	const __be16 sport = ipv4 ? pkt->key4.sport : pkt->key6.sport;
	const __be16 dport = ipv4 ? pkt->key4.dport : pkt->key6.dport;

	return (__u32)sport + dport + bpf_htons(pkt->udp_len) + pkt->udp_check +
	       channel_sum(pkt->channel, pkt->data_len);
}

#endif /* TURNPIKE_PROGRAMS_STEPS_CHECKSUM_H */
