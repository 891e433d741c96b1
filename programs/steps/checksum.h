/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Ones' complement sums (RFC 1071, RFC 1624) over 16-bit words in packet byte order.
 *
 * A packet from a local sender has a partial UDP checksum (CHECKSUM_PARTIAL): the sum of the
 * pseudo-header, not inverted, for the device to complete, which veth, tap and virtio never do.
 * Neither XDP nor TC shows this state to a program, so it is detected: if the field equals the sum
 * of the pseudo-header, as one in 65,535 complete checksums does, the sum of the whole datagram
 * decides. All other packets pay for one comparison.
 *
 * Native XDP discards the sk_buff and its checksum state, so the checksum is completed here. In
 * generic XDP and TC the kernel will still complete it, at csum_start. So the UDP header stays
 * where it was, which moving the tail achieves, and gets the partial sum of the new pseudo-header.
 */
#ifndef TURNPIKE_PROGRAMS_STEPS_CHECKSUM_H
#define TURNPIKE_PROGRAMS_STEPS_CHECKSUM_H

#include "packet.h"

static __always_inline __u16 sum_fold(__u32 sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	return (__u16)((sum & 0xffff) + (sum >> 16));
}

/* Fold a sum of 32-bit words, of as many as a packet has at most. */
static __always_inline __u16 sum_fold_words(__u64 sum)
{
	sum = (sum & 0xffffffff) + (sum >> 32);
	return sum_fold((__u32)sum + (__u32)(sum >> 32));
}

/*
 * Return: 1 if @word is 0, else 0. Without a branch: the verifier would follow all that comes after
 * it twice, as it would remember the value.
 */
static __always_inline __u32 is_zero(__u16 word)
{
	return ((__u32)word - 1) >> 31;
}

/* RFC 768: a computed checksum of 0 is sent as all ones. */
static __always_inline __u16 sum_to_udp_check(__u32 sum)
{
	const __u16 check = (__u16)~sum_fold(sum);

	return check ? check : 0xffff;
}

/*
 * Sum @len bytes of padding, 3 at most, to take it out of the checksum: it may be any bytes, and is
 * not relayed. Call ctx_pull() first.
 */
static __always_inline __u16 padding_sum(ctx_t *ctx, __u32 off, __u32 len)
{
	__u32 sum = 0;
	__u8 *byte;
	__u32 i;

	for (i = 0; i < CHANNEL_MAX_PADDING; i++) {
		if (i >= len)
			break;
		byte = ctx_bytes(ctx, off + i, 1);
		if (!byte)
			break;
		sum += bpf_htons((off + i) & 1 ? *byte : (__u16)(*byte << 8));
	}
	return sum_fold(sum);
}

/* Sum the pseudo-header; @addresses is the sum of all of it but the length. */
static __always_inline __u16 pseudo_sum(__u16 addresses, __u16 udp_len)
{
	return sum_fold((__u32)addresses + bpf_htons(udp_len));
}

static __always_inline __u16 channel_sum(__be16 framing, __u32 len)
{
	return is_channel(framing) ? sum_fold((__u32)framing + bpf_htons((__u16)len)) : 0;
}

/* Sum the UDP and ChannelData headers of the incoming packet. */
static __always_inline __u32 headers_sum(const struct packet *pkt)
{
	const bool ipv4 = pkt->family == TURNPIKE_IPV4;
	const __be16 sport = ipv4 ? pkt->key4.sport : pkt->key6.sport;
	const __be16 dport = ipv4 ? pkt->key4.dport : pkt->key6.dport;

	return (__u32)sport + dport + bpf_htons(pkt->udp_len) + pkt->udp_check +
	       channel_sum(pkt->framing, pkt->data_len);
}

#endif /* TURNPIKE_PROGRAMS_STEPS_CHECKSUM_H */
