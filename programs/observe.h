/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The observer, at TC egress: looks at the packets that the server sends, and compares those that
 * belong to a sample (steps/confirm.h) with their flows. It changes no packet.
 *
 * Every packet that leaves the device runs through this program. It first skips forwarded and
 * redirected packets, by their ingress device, and then those of other sockets.
 */
#ifndef TURNPIKE_PROGRAMS_OBSERVE_H
#define TURNPIKE_PROGRAMS_OBSERVE_H

#include "ctx/tc.h"
#include "steps/confirm.h"
#include "steps/parse.h"

/* UDP_MAX_SEGMENTS of Linux 6.9; 64 before. */
#define MAX_SEGMENTS 128

/*
 * A packet on its way out.
 * @port:    of the server's socket; NAT may have changed the packet's own
 * @pkt:     its family, tags and VLAN header
 * @l4:      protocol behind the IP header; IPPROTO_FRAGMENT: a fragment, but not the first
 * @is_first: the first fragment, which has the UDP header: the server sends a large datagram
 * @framing: of a message to a client; 0: to a peer
 */
struct departure {
	struct packet pkt;
	__be32 src[4];
	__be32 dst[4];
	__be16 port;
	__be16 sport;
	__be16 dport;
	__be16 framing;
	__u8 l4;
	bool is_first;
};

/* RFC 8200 section 4.5. */
struct fragment_header {
	__u8 nexthdr;
	__u8 reserved;
	__be16 offset; /* the high 13 bits */
	__be32 id;
};

static __always_inline struct turnpike_flow *flow_of(const struct turnpike_sample *sample)
{
	if (sample->table == TURNPIKE_FLOWS4)
		return bpf_map_lookup_elem(&flows4, &sample->key4);
	if (sample->table == TURNPIKE_FLOWS6)
		return bpf_map_lookup_elem(&flows6, &sample->key6);
	return bpf_map_lookup_elem(&sends, &sample->send);
}

static __always_inline bool is_same_address(const __be32 a[4], const __be32 b[4])
{
	return !((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3]));
}

static __always_inline bool has_macs_of(ctx_t *ctx, const struct turnpike_hop *hop)
{
	const __u32 *macs = (const __u32 *)hop;
	__u32 word[3];

	if (bpf_skb_load_bytes(ctx, 0, word, sizeof(word)))
		return false;
	return word[0] == macs[0] && word[1] == macs[1] && word[2] == macs[2];
}

/* Compare the packet with the flow and the hop, the most telling difference first. */
static __always_inline enum turnpike_observation compare(ctx_t *ctx, const struct departure *out,
							 const struct turnpike_flow *flow,
							 const struct turnpike_hop *hop)
{
	if (out->pkt.family != flow->family || !is_same_address(out->src, flow->src))
		return TURNPIKE_OBSERVED_SOURCE;
	if (out->sport != flow->sport)
		return TURNPIKE_OBSERVED_PORT;
	if (hop->ifindex != config.ifindex)
		return TURNPIKE_OBSERVED_DEVICE;
	if (!has_tags_of(&out->pkt, hop))
		return TURNPIKE_OBSERVED_TAGS;
	return has_macs_of(ctx, hop) ? TURNPIKE_OBSERVED_SAME : TURNPIKE_OBSERVED_NEXTHOP;
}

/*
 * From now on the flow is relayed. Its checks are spread over half of the interval. Other DSCPs
 * have to be confirmed anew.
 */
static __always_inline void set_confirmed(struct turnpike_flow *flow,
					  const struct turnpike_sample *sample, __u64 seen,
					  __u64 now)
{
	const __u64 interval = check_interval(), half = interval / 2;
	const __u64 after = interval - half / 2 + half * (__u8)bpf_get_prandom_u32() / 256;

	if (coarse_now() >= flow->expires)
		return;
	flow->tries = 0;
	flow->dscps = 1ull << (sample->dscp & 0x3f);
	flow->dscp_at = now;
	flow->until = now + after + interval;
	check_after(flow, now, after);
	flow->seen = seen;
}

static __always_inline bool is_from_peer(const struct packet *pkt, const struct turnpike_addr *peer)
{
	return pkt->peer_family == peer->family && pkt->peer_port == peer->port &&
	       is_same_address(pkt->peer, (const __be32 *)peer->ip);
}

static __always_inline bool goes_where(const struct departure *out,
				       const struct turnpike_flow *flow)
{
	return is_same_address(out->dst, flow->dst) && out->dport == flow->dport &&
	       out->framing == flow->framing &&
	       (!is_indication(out->framing) || is_from_peer(&out->pkt, &flow->xor_peer));
}

/*
 * The flow does not leave as it says. If it was confirmed, its time of the next check is far ahead,
 * but from now on samples are due.
 */
static __always_inline void set_unconfirmed(struct turnpike_flow *flow, __u64 now)
{
	if (!flow->seen)
		return;
	flow->seen = 0;
	flow->tries = 0;
	flow->check_at = now;
}

/*
 * The packet belongs to @sample: confirm its flow, or end its confirmation. Its hash tells no more
 * than that it may be: a client can make data for which the packets of two flows have the same.
 */
static __always_inline void judge(ctx_t *ctx, const struct departure *out,
				  const struct turnpike_sample *sample)
{
	const __u64 now = check_now();
	struct turnpike_flow *flow = flow_of(sample);
	enum turnpike_observation what;
	struct turnpike_nexthop *nexthop;
	__u32 publication;
	__u64 seen;

	/* After a change of the host's rules, the check clock has left older samples far behind. */
	if (!flow || !goes_where(out, flow) || now - sample->taken > SAMPLE_LIFE_NS)
		return;
	nexthop = find_nexthop(flow);
	if (!nexthop)
		return;
	publication = nexthop->current;
	seen = turnpike_seen(sample->ifindex, publication);
	what = compare(ctx, out, flow, &nexthop->hop[publication & 1]);
	if (sample->more) {
		/* Packets with other DSCPs do not depend on it. */
		if (what == TURNPIKE_OBSERVED_SAME && flow->seen == seen)
			flow->dscps |= 1ull << (sample->dscp & 0x3f);
		return;
	}
	flow->observation = what;
	flow->observed_on = config.ifindex;
	if (what == TURNPIKE_OBSERVED_SAME)
		set_confirmed(flow, sample, seen, now);
	else
		set_unconfirmed(flow, now);
}

/* Find the data in the payload of a datagram. Return: false if it has no data for a peer or client.
 */
static __always_inline bool find_data(ctx_t *ctx, struct departure *out, __u32 off, __u32 len)
{
	const __u32 header = channel_hlen(out->framing);

	if (is_indication(out->framing))
		return parse_indication(ctx, &out->pkt, off, len, WORDS_ANYWHERE) ==
		       TURNPIKE_RELAYED;
	out->pkt.in_hlen = off + header;
	out->pkt.data_len = len - header;
	return len >= header;
}

/* Look for the sample of a datagram with @len bytes of payload at @off. Global: see common.h. */
__noinline int observe_datagram(ctx_t *ctx, struct departure *out, __u32 off, __u32 len)
{
	struct turnpike_sample_key key = { 0 };
	const struct turnpike_sample *sample;

	if (!out || !find_data(ctx, out, off, len))
		return 0;
	key.port = out->port;
	key.len = (__u16)out->pkt.data_len;
	key.hash = sample_hash(ctx, hash_destination(out->dst, out->dport, out->framing),
			       out->pkt.in_hlen, out->pkt.data_len);
	sample = bpf_map_lookup_elem(&samples, &key);
	if (!sample)
		return 0;
	judge(ctx, out, sample);
	bpf_map_delete_elem(&samples, &key);
	return 0;
}

/* The payload of UDP: one datagram, or those of a GSO super-packet, all as long but the last. */
static __always_inline void observe_payload(ctx_t *ctx, struct departure *out, __u32 off, __u32 len)
{
	const __u32 stride = ctx->gso_size;
	__u32 i, n;

	if (!stride) {
		observe_datagram(ctx, out, off, len);
		return;
	}
	for (i = 0; i < MAX_SEGMENTS && len; i++) {
		n = len < stride ? len : stride;
		observe_datagram(ctx, out, off, n);
		off += n;
		len -= n;
	}
}

/* Not UDP any more: the packet most likely is the last sample of its socket. */
static __always_inline void observe_hidden(const struct departure *out)
{
	const struct turnpike_sample_key key = { .port = out->port };
	const struct turnpike_sample *sample = bpf_map_lookup_elem(&samples, &key);
	const __u64 now = check_now();
	struct turnpike_flow *flow;

	if (!sample || sample->more || now - sample->taken > SAMPLE_LIFE_NS)
		return;
	flow = flow_of(sample);
	if (!flow)
		return;
	set_unconfirmed(flow, now);
	flow->observed_on = config.ifindex;
	flow->observation = out->l4 == IPPROTO_ESP || out->l4 == IPPROTO_AH
				    ? TURNPIKE_OBSERVED_ENCRYPTED
				    : TURNPIKE_OBSERVED_ENCAPSULATED;
}

/*
 * Read the port of the socket that sends the packet, if it is known. Return: false if the socket is
 * not the server's. The server may listen for TCP at the same port.
 */
static __always_inline bool read_socket(ctx_t *ctx, struct departure *out)
{
	struct bpf_sock *sk = ctx->sk;

	if (sk)
		sk = bpf_sk_fullsock(sk);
	if (!sk || !sk->src_port)
		return true;
	out->port = bpf_htons((__u16)sk->src_port);
	if (sk->protocol != IPPROTO_UDP)
		return false;
	/* Read again: up to Linux 6.12 the verifier forgets that swapped bytes are 16 bits. */
	return port_role(*(volatile __be16 *)&out->port) != TURNPIKE_PORT_NONE;
}

/* Return: the length of the IP header; 0: the packet is not looked at. */
static __always_inline __u32 read_ipv4(ctx_t *ctx, struct departure *out, __u32 off)
{
	struct iphdr ip;

	if (bpf_skb_load_bytes(ctx, off, &ip, sizeof(ip)))
		return 0;
	out->pkt.family = TURNPIKE_IPV4;
	out->src[0] = ip.saddr;
	out->dst[0] = ip.daddr;
	out->l4 = ip.protocol;
	if (ip.frag_off & IPV4_OFFSET)
		out->l4 = IPPROTO_FRAGMENT;
	out->is_first = ip.frag_off & IPV4_MF;
	return *(const __u8 *)&ip == IPV4_NO_OPTIONS ? sizeof(ip) : 0;
}

/* Return: the length of the header; 0: it is truncated. */
static __always_inline __u32 read_fragment_header(ctx_t *ctx, struct departure *out, __u32 off)
{
	struct fragment_header header;

	if (bpf_skb_load_bytes(ctx, off, &header, sizeof(header)))
		return 0;
	if (!(header.offset & bpf_htons(0xfff8)))
		out->l4 = header.nexthdr;
	out->is_first = true;
	return sizeof(header);
}

static __always_inline __u32 read_ipv6(ctx_t *ctx, struct departure *out, __u32 off)
{
	struct ipv6hdr ip;
	__u32 len;

	if (bpf_skb_load_bytes(ctx, off, &ip, sizeof(ip)))
		return 0;
	out->pkt.family = TURNPIKE_IPV6;
	__builtin_memcpy(out->src, &ip.saddr, sizeof(out->src));
	__builtin_memcpy(out->dst, &ip.daddr, sizeof(out->dst));
	out->l4 = ip.nexthdr;
	if (out->l4 != IPPROTO_FRAGMENT)
		return sizeof(ip);
	len = read_fragment_header(ctx, out, off + sizeof(ip));
	return len ? sizeof(ip) + len : 0;
}

/* Return: the offset of the IP header's end; 0: the packet is not looked at, or not IP. */
static __always_inline __u32 read_headers(ctx_t *ctx, struct departure *out)
{
	__be16 proto;
	__u32 len;

	out->pkt.l2_len = ethernet_len(ctx) & L2_MASK;
	if (!read_tags(ctx, &out->pkt) ||
	    bpf_skb_load_bytes(ctx, out->pkt.l2_len - sizeof(proto), &proto, sizeof(proto)))
		return 0;
	if (proto == bpf_htons(ETH_P_IP))
		len = read_ipv4(ctx, out, out->pkt.l2_len);
	else if (proto == bpf_htons(ETH_P_IPV6))
		len = read_ipv6(ctx, out, out->pkt.l2_len);
	else
		len = 0;
	return len ? out->pkt.l2_len + len : 0;
}

/* Read the framing. Return: false if a listener sends something else, such as a response. */
static __always_inline bool read_framing(ctx_t *ctx, struct departure *out, __u32 off)
{
	__be16 header[2];

	if (port_role(out->port) != TURNPIKE_PORT_LISTENER)
		return true;
	if (bpf_skb_load_bytes(ctx, off, header, sizeof(header)))
		return false;
	out->framing = header[0];
	return out->framing == bpf_htons(TURNPIKE_DATA_INDICATION) ||
	       (bpf_ntohs(header[0]) & 0xc000) == 0x4000;
}

static __always_inline void observe_udp(ctx_t *ctx, struct departure *out, __u32 off)
{
	struct udphdr udp;
	__u32 len;

	if (bpf_skb_load_bytes(ctx, off, &udp, sizeof(udp)))
		return;
	out->sport = udp.source;
	out->dport = udp.dest;
	if (!out->port)
		out->port = udp.source;
	if (port_role(out->port) == TURNPIKE_PORT_NONE)
		return;
	off += sizeof(udp);
	/* A GSO super-packet has more data than its UDP header says, a fragment has less. */
	len = out->is_first ? bpf_ntohs(udp.len) : ctx->len - off + sizeof(udp);
	if (len >= sizeof(udp) && read_framing(ctx, out, off))
		observe_payload(ctx, out, off, len - sizeof(udp));
}

static __always_inline void observe(ctx_t *ctx)
{
	struct departure out = { 0 };
	__u32 off;

	if (ctx->ingress_ifindex || !read_socket(ctx, &out))
		return;
	off = read_headers(ctx, &out);
	if (out.l4 == IPPROTO_UDP && off)
		observe_udp(ctx, &out, off);
	else if (out.port && out.l4 != IPPROTO_UDP && out.l4 != IPPROTO_FRAGMENT)
		observe_hidden(&out);
}

#endif /* TURNPIKE_PROGRAMS_OBSERVE_H */
