/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reads the 5-tuple and the channel, and validates everything about the incoming packet. The
 * cheapest checks come first, so that other traffic of the host is passed early.
 */
#ifndef TURNPIKE_PROGRAMS_STEPS_PARSE_H
#define TURNPIKE_PROGRAMS_STEPS_PARSE_H

#include "maps.h"
#include "stop.h"
#include "steps/checksum.h"
#include "steps/indication.h"
#include "steps/vlan.h"

#define IPV4_NO_OPTIONS   0x45 /* version 4, five words */
#define IPV4_DF           bpf_htons(0x4000)
#define IPV4_MF           bpf_htons(0x2000)
#define IPV4_OFFSET       bpf_htons(0x1fff)
#define IPV4_MF_OR_OFFSET (IPV4_MF | IPV4_OFFSET)

/* The most bytes of headers that are parsed. */
#define MAX_HLEN                                                                                   \
	(ETH_HLEN + TURNPIKE_TAGS_MAX * TAG_LEN + sizeof(struct ipv6hdr) + sizeof(struct udphdr) + \
	 CHANNEL_HLEN)

#define IP6_TCLASS(word) ((__u8)(bpf_ntohl(word) >> 20))

static __always_inline __u8 port_role(__be16 port)
{
	const __u32 key = 0;
	struct turnpike_ports *roles = bpf_map_lookup_elem(&ports, &key);

	return roles ? roles->role[port] : TURNPIKE_PORT_NONE;
}

/* XDP sees frames to other hosts as well if the device is promiscuous. */
static __always_inline bool to_our_mac(const struct ethhdr *eth)
{
	const __u32 slot = config.slot;
	const struct turnpike_device *device = bpf_map_lookup_elem(&devices, &slot);
	const __u16 *ours, *dest = (const __u16 *)eth->h_dest;

	if (!device)
		return false;
	ours = (const __u16 *)device->mac;
	return dest[0] == ours[0] && dest[1] == ours[1] && dest[2] == ours[2];
}

static __always_inline enum turnpike_verdict parse_ipv4(ctx_t *ctx, struct packet *pkt)
{
	const struct iphdr *ip = ctx_bytes(ctx, pkt->l2_len, sizeof(*ip) + sizeof(struct udphdr));
	const struct udphdr *udp;
	const __u32 *word;

	if (!ip)
		return TURNPIKE_NOT_UDP;
	if (ip->protocol != IPPROTO_UDP)
		return TURNPIKE_NOT_UDP;
	if (*(const __u8 *)ip != IPV4_NO_OPTIONS)
		return TURNPIKE_IP_OPTIONS;
	if (ip->frag_off & IPV4_MF_OR_OFFSET)
		return TURNPIKE_FRAGMENT;

	udp = (const struct udphdr *)(ip + 1);
	copy_word(&pkt->key4.sport, &udp->source);
	pkt->role = port_role(udp->dest);
	if (pkt->role == TURNPIKE_PORT_NONE)
		return TURNPIKE_NOT_OURS;
	if (is_last(STEP_OURS))
		return STOPPED;

	/* A damaged header must not leave with a valid checksum, and all headers are rewritten. */
	word = (const __u32 *)ip;
	if (sum_fold_words((__u64)word[0] + word[1] + word[2] + word[3] + word[4]) != 0xffff)
		return TURNPIKE_MALFORMED;

	pkt->udp_len = bpf_ntohs(udp->len);
	pkt->udp_check = udp->check;
	if (bpf_ntohs(ip->tot_len) != sizeof(*ip) + pkt->udp_len)
		return TURNPIKE_MALFORMED;

	copy_words(&pkt->key4.src, &ip->saddr);
	pkt->tos = ip->tos;
	pkt->ttl = ip->ttl;
	pkt->frag_off = ip->frag_off & IPV4_DF;
	return TURNPIKE_RELAYED;
}

static __always_inline enum turnpike_verdict parse_ipv6(ctx_t *ctx, struct packet *pkt)
{
	const struct ipv6hdr *ip = ctx_bytes(ctx, pkt->l2_len, sizeof(*ip) + sizeof(struct udphdr));
	const struct udphdr *udp;

	/* This includes UDP behind extension headers, which is rare. */
	if (!ip || ip->nexthdr != IPPROTO_UDP)
		return TURNPIKE_NOT_UDP;

	udp = (const struct udphdr *)(ip + 1);
	copy_word(&pkt->key6.sport, &udp->source);
	pkt->role = port_role(udp->dest);
	if (pkt->role == TURNPIKE_PORT_NONE)
		return TURNPIKE_NOT_OURS;
	if (is_last(STEP_OURS))
		return STOPPED;
	if (ip->version != 6)
		return TURNPIKE_MALFORMED;

	pkt->udp_len = bpf_ntohs(udp->len);
	pkt->udp_check = udp->check;
	if (bpf_ntohs(ip->payload_len) != pkt->udp_len)
		return TURNPIKE_MALFORMED;
	/* RFC 8200 section 8.1: the checksum is mandatory in IPv6. */
	if (!pkt->udp_check)
		return TURNPIKE_NO_CHECKSUM;

	copy_words(&pkt->key6.src[0], &ip->saddr.s6_addr32[0]);
	copy_words(&pkt->key6.src[2], &ip->saddr.s6_addr32[2]);
	copy_words(&pkt->key6.dst[0], &ip->daddr.s6_addr32[0]);
	copy_words(&pkt->key6.dst[2], &ip->daddr.s6_addr32[2]);
	pkt->tos = IP6_TCLASS(*(const __be32 *)ip);
	pkt->ttl = ip->hop_limit;
	return TURNPIKE_RELAYED;
}

/*
 * Return: the Ethernet type after the VLAN tags, or that of a VLAN tag if there are more tags than
 * this path reads.
 */
static __always_inline __be16 parse_ethernet(ctx_t *ctx, struct packet *pkt,
					     const struct ethhdr *eth, enum relay_path path)
{
	const __be16 *proto;

	if (path == FAST_PATH) {
		pkt->l2_len = ETH_HLEN;
		return ctx_hwaccel_tag(ctx, &pkt->tag[0]) ? bpf_htons(ETH_P_8021Q)
							  : ((const __be16 *)eth)[ETH_ALEN];
	}
	pkt->l2_len = ethernet_len(ctx) & L2_MASK;
	if (!read_tags(ctx, pkt))
		return bpf_htons(ETH_P_8021Q);
	proto = ctx_bytes(ctx, pkt->l2_len - sizeof(*proto), sizeof(*proto));
	return proto ? *proto : bpf_htons(ETH_P_8021Q);
}

static __always_inline enum turnpike_verdict parse_ip(ctx_t *ctx, struct packet *pkt,
						      enum relay_path path)
{
	const struct ethhdr *eth = ctx_bytes(ctx, 0, ETH_HLEN);
	__be16 proto;

	if (!eth)
		return TURNPIKE_NOT_IP;
	if (!to_our_mac(eth))
		return TURNPIKE_OTHER_HOST;
	if (is_last(STEP_ADDRESSED))
		return STOPPED;
	proto = parse_ethernet(ctx, pkt, eth, path);
	switch (proto) {
	case bpf_htons(ETH_P_IP):
		pkt->family = TURNPIKE_IPV4;
		return parse_ipv4(ctx, pkt);
	case bpf_htons(ETH_P_IPV6):
		pkt->family = TURNPIKE_IPV6;
		return parse_ipv6(ctx, pkt);
	default:
		if (!is_tag(proto))
			return TURNPIKE_NOT_IP;
		return path == FAST_PATH ? NEEDS_SLOW_PATH : TURNPIKE_VLAN;
	}
}

/* A super-packet of indications looks like one whose length is wrong. */
static __always_inline enum turnpike_verdict parse_send(ctx_t *ctx, struct packet *pkt)
{
	if (ctx_has_segments(ctx))
		return TURNPIKE_GSO;
	if (ctx_pull(ctx, pkt->in_hlen + pkt->data_len))
		return TURNPIKE_MALFORMED;
	return (enum turnpike_verdict)read_indication(ctx, pkt, pkt->in_hlen, pkt->data_len);
}

/* RFC 8656 section 12.4: channel number, length, application data; padding may follow. */
static __always_inline enum turnpike_verdict parse_channel(ctx_t *ctx, struct packet *pkt,
							   __u32 len, enum relay_path path)
{
	pkt->in_hlen += CHANNEL_HLEN;
	pkt->data_len -= CHANNEL_HLEN;
	if (len > pkt->data_len)
		return TURNPIKE_BAD_CHANNEL;
	pkt->padding = pkt->data_len - len;
	if (path == FAST_PATH && pkt->padding)
		return NEEDS_SLOW_PATH;
	/* Several messages in a super-packet look like one with padding. */
	if (pkt->padding > CHANNEL_MAX_PADDING)
		return ctx_has_segments(ctx) ? TURNPIKE_GSO : TURNPIKE_LONG_PADDING;
	pkt->data_len = len;
	return TURNPIKE_RELAYED;
}

static __always_inline enum turnpike_verdict parse_client(ctx_t *ctx, struct packet *pkt,
							  enum relay_path path)
{
	const __be16 *header;

	/* RFC 8656 section 12: ChannelData begins with the bits 01, STUN with 00. */
	if (pkt->data_len < CHANNEL_HLEN)
		return TURNPIKE_CONTROL;
	header = ctx_bytes(ctx, pkt->in_hlen, CHANNEL_HLEN);
	if (!header)
		return TURNPIKE_MALFORMED;
	pkt->framing = header[0];
	if (pkt->framing == bpf_htons(TURNPIKE_SEND_INDICATION))
		return path == FAST_PATH ? NEEDS_SLOW_PATH : parse_send(ctx, pkt);
	if ((bpf_ntohs(header[0]) & 0xc000) != 0x4000)
		return TURNPIKE_CONTROL;
	return parse_channel(ctx, pkt, bpf_ntohs(header[1]), path);
}

static __always_inline enum turnpike_verdict parse(ctx_t *ctx, struct packet *pkt,
						   enum relay_path path)
{
	enum turnpike_verdict verdict;

	if (ctx_pull_headers(ctx, MAX_HLEN))
		return TURNPIKE_MALFORMED;
	verdict = parse_ip(ctx, pkt, path);
	if (verdict != TURNPIKE_RELAYED)
		return verdict;
	pkt->in_hlen = pkt->l2_len + ip_hlen(pkt->family) + sizeof(struct udphdr);
	if (pkt->udp_len < sizeof(struct udphdr))
		return TURNPIKE_MALFORMED;
	pkt->data_len = pkt->udp_len - sizeof(struct udphdr);
	if (pkt->in_hlen + pkt->data_len > pkt->len)
		return TURNPIKE_MALFORMED;
	if (ctx_is_gso(ctx, ip_hlen(pkt->family) + pkt->udp_len))
		return TURNPIKE_GSO;
	if (pkt->role == TURNPIKE_PORT_LISTENER)
		return parse_client(ctx, pkt, path);
	return ctx_has_segments(ctx) ? TURNPIKE_GSO : TURNPIKE_RELAYED;
}

#endif /* TURNPIKE_PROGRAMS_STEPS_PARSE_H */
