/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>

#include <arpa/inet.h>

#include "host_maps.h"
#include "indication.h"
#include "model_confirm.h"
#include "wire.h"

#define DF          0x4000
#define DATA_MAX    4096 /* longest data that is summed or moved */
#define CHANNEL_LEN 4
#define AROUND_DATA (38 + 40 + 8 + 4) /* Ethernet, IPv6, UDP, ChannelData */

/* The last offset of padding that can be taken out of a checksum, or be written. */
#define PADDING_END_MAX 0x3fff

/* The packet while it is parsed. */
struct packet {
	const struct situation *s;
	const __u8 *ip, *udp, *data;
	__u32 left; /* bytes of the frame from the IP header on */
	struct turnpike_tag tag[TURNPIKE_TAGS_MAX];
	__u8 family;
	__u32 hlen; /* length of the IP header */
	__u32 udp_len;
	__u32 port;
	__u16 framing;             /* channel number or TURNPIKE_SEND_INDICATION; 0: plain UDP */
	struct turnpike_addr peer; /* of an indication */
	const struct turnpike_hop *hop;
	__u32 out_len; /* length of the outgoing IP packet */
	__u32 out_hlen;
	__u32 out_padding; /* of a Data indication */
};

static __u8 tos_of(const struct packet *p)
{
	return p->family == TURNPIKE_IPV4 ? p->ip[1] : (__u8)(wire16(p->ip) >> 4);
}

static bool is_listener(__u32 port)
{
	return port == ntohs(host_addr(SERVER, TURNPIKE_IPV4).port);
}

static bool has_role(__u32 port)
{
	return is_listener(port) || port == ntohs(host_addr(RELAY, TURNPIKE_IPV4).port);
}

/* Rows 1 to 4. */
static enum turnpike_verdict ethernet(struct packet *p, struct outcome *o)
{
	const struct situation *s = p->s;
	__u8 ours[MAC_LEN];
	__u32 i;

	mac_addr(MAC_OURS, ours);
	if (memcmp(s->frame, ours, MAC_LEN))
		return TURNPIKE_OTHER_HOST;
	o->l2_len = wire_l2_len(s->frame, s->len);
	if (o->l2_len > s->len)
		return TURNPIKE_VLAN;
	if (s->has_hwaccel_tag)
		p->tag[o->tags++] = s->hwaccel_tag;
	for (i = ETH_HLEN; i < o->l2_len; i += 4) {
		if (o->tags == TURNPIKE_TAGS_MAX)
			return TURNPIKE_VLAN;
		memcpy(&p->tag[o->tags++], s->frame + i - 2, 4);
	}
	p->ip = s->frame + o->l2_len;
	p->left = s->len - o->l2_len;
	switch (wire16(p->ip - 2)) {
	case 0x0800:
		p->family = TURNPIKE_IPV4;
		return TURNPIKE_RELAYED;
	case 0x86dd:
		p->family = TURNPIKE_IPV6;
		return TURNPIKE_RELAYED;
	default:
		return wire_is_tag(wire16(p->ip - 2)) ? TURNPIKE_VLAN : TURNPIKE_NOT_IP;
	}
}

/* Rows 5 to 12. */
static enum turnpike_verdict internet(struct packet *p)
{
	const bool ipv4 = p->family == TURNPIKE_IPV4;

	p->hlen = wire_ip_hlen(p->family);
	if (p->left < p->hlen + UDP_HLEN || p->ip[ipv4 ? 9 : 6] != IPPROTO_UDP)
		return TURNPIKE_NOT_UDP;
	p->udp = p->ip + p->hlen;
	p->port = wire16(p->udp + 2);
	p->udp_len = wire16(p->udp + 4);
	if (ipv4 && p->ip[0] != 0x45)
		return TURNPIKE_IP_OPTIONS;
	if (ipv4 && wire16(p->ip + 6) & 0x3fff)
		return TURNPIKE_FRAGMENT;
	if (!has_role(p->port))
		return TURNPIKE_NOT_OURS;
	if (!ipv4 && p->ip[0] >> 4 != 6)
		return TURNPIKE_MALFORMED;
	if (ipv4 && wire_fold(wire_add(0, p->ip, 20)) != 0xffff)
		return TURNPIKE_MALFORMED;
	if (wire16(p->ip + (ipv4 ? 2 : 4)) != p->udp_len + (ipv4 ? p->hlen : 0))
		return TURNPIKE_MALFORMED;
	if (!ipv4 && !wire16(p->udp + 6))
		return TURNPIKE_NO_CHECKSUM;
	return TURNPIKE_RELAYED;
}

/* Row 15, of Send indications. */
static enum turnpike_verdict indication(struct packet *p, struct outcome *o)
{
	const __u8 *frame = p->s->frame;
	const __u32 len = o->data_len;
	struct indication read;

	o->is_send = true;
	if (!indication_read(frame, p->s->len, (__u32)(p->data - frame), len, &read))
		return TURNPIKE_CONTROL;
	p->framing = TURNPIKE_SEND_INDICATION;
	p->peer = read.peer;
	p->data += read.data;
	o->data_len = read.data_len;
	o->padding = len - read.data - read.data_len;
	return TURNPIKE_RELAYED;
}

/* Rows 13 to 17. */
static enum turnpike_verdict datagram(struct packet *p, struct outcome *o)
{
	const struct situation *s = p->s;
	__u32 len;

	if (p->udp_len < UDP_HLEN || p->hlen + p->udp_len > p->left)
		return TURNPIKE_MALFORMED;
	if (s->gso || (s->variant->skb && !s->variant->tc && p->hlen + p->udp_len > s->device_mtu))
		return TURNPIKE_GSO;
	p->data = p->udp + UDP_HLEN;
	o->data_len = p->udp_len - UDP_HLEN;
	if (!is_listener(p->port))
		return TURNPIKE_RELAYED;
	if (o->data_len >= CHANNEL_LEN && wire16(p->data) == TURNPIKE_SEND_INDICATION)
		return indication(p, o);
	if (o->data_len < CHANNEL_LEN || p->data[0] >> 6 != 1)
		return TURNPIKE_CONTROL;
	p->framing = wire16(p->data);
	len = wire16(p->data + 2);
	p->data += CHANNEL_LEN;
	o->data_len -= CHANNEL_LEN;
	if (len > o->data_len)
		return TURNPIKE_BAD_CHANNEL;
	o->padding = o->data_len - len;
	o->data_len = len;
	return o->padding > 3 ? TURNPIKE_LONG_PADDING : TURNPIKE_RELAYED;
}

/* All bytes of the key that mean nothing are zero. */
static bool is_of_send(const struct packet *p)
{
	const bool ipv4 = p->family == TURNPIKE_IPV4;
	struct turnpike_send_key key = { .family = p->family,
					 .peer_family = p->peer.family,
					 .peer_port = p->peer.port };

	memcpy(key.src, p->ip + (ipv4 ? 12 : 8), ipv4 ? 4 : 16);
	memcpy(key.dst, p->ip + (ipv4 ? 16 : 24), ipv4 ? 4 : 16);
	memcpy(key.peer, p->peer.ip, sizeof(key.peer));
	memcpy(&key.sport, p->udp, 4);
	return p->s->flow.key.table == TURNPIKE_SENDS &&
	       !memcmp(&key, &p->s->flow.key.send, sizeof(key));
}

/* Row 18. */
static bool is_of_flow(const struct packet *p)
{
	const struct flow_key *key = &p->s->flow.key;
	const bool ipv4 = p->family == TURNPIKE_IPV4;

	if (p->s->has_flow && p->framing == TURNPIKE_SEND_INDICATION)
		return is_of_send(p);
	if (!p->s->has_flow || key->table != (ipv4 ? TURNPIKE_FLOWS4 : TURNPIKE_FLOWS6))
		return false;
	if (memcmp(p->ip + (ipv4 ? 12 : 8), ipv4 ? (const void *)&key->key4.src : &key->key6.src,
		   ipv4 ? 8 : 32))
		return false;
	if (memcmp(p->udp, ipv4 ? &key->key4.sport : &key->key6.sport, 4))
		return false;
	return htons(p->framing) == (ipv4 ? key->key4.channel : key->key6.channel);
}

static bool same_tags(const struct packet *p, const struct outcome *o)
{
	__u32 i;

	for (i = 0; i < o->tags && i < p->hop->tags; i++)
		if (p->tag[i].tpid != p->hop->tag[i].tpid ||
		    (ntohs(p->tag[i].tci) & 0xfff) != ntohs(p->hop->tag[i].tci))
			return false;
	return o->tags == p->hop->tags;
}

static bool makes_indications(const struct packet *p)
{
	return p->s->flow.flow.framing == htons(TURNPIKE_DATA_INDICATION);
}

/* Bytes between the UDP header and the data. */
static __u32 framing_len(const struct packet *p)
{
	if (makes_indications(p))
		return p->s->flow.flow.xor_peer.family == TURNPIKE_IPV4 ? 36 : 48;
	return p->s->flow.flow.framing ? CHANNEL_LEN : 0;
}

/* The padding of incoming data, which differs from one packet to the next. */
static __u32 in_padding(const struct packet *p, const struct outcome *o)
{
	if (o->is_send)
		return -o->data_len & 3;
	return p->framing ? p->udp_len - UDP_HLEN - CHANNEL_LEN - o->data_len : 0;
}

/* Row 28. */
static enum turnpike_verdict size(const struct packet *p, struct outcome *o)
{
	const __u32 in_len = p->hlen + p->udp_len;
	const bool df = wire16(p->ip + 6) & DF;
	const bool out_ipv6 = p->s->flow.flow.family == TURNPIKE_IPV6;
	int mtu =
		p->hop->mtu + (int)(in_len - in_padding(p, o)) - (int)(p->out_len - p->out_padding);

	if (p->out_len <= p->hop->mtu && p->family == TURNPIKE_IPV4 && out_ipv6 && !df)
		return p->out_len > 1280 ? TURNPIKE_TOO_BIG : TURNPIKE_RELAYED;
	if (p->out_len <= p->hop->mtu)
		return TURNPIKE_RELAYED;
	if (makes_indications(p))
		mtu -= 3;
	else if (o->direction == TURNPIKE_DIR_TO_CLIENT)
		mtu -= 48;
	if (p->family == TURNPIKE_IPV6 ? in_len <= 1280 : !df || mtu < 68)
		return TURNPIKE_TOO_BIG;
	o->notify_mtu = (__u32)(p->family == TURNPIKE_IPV6 && mtu < 1280 ? 1280 : mtu);
	return TURNPIKE_DONT_FRAGMENT;
}

static enum sum sum_of(const struct packet *p)
{
	const __u16 check = wire16(p->udp + 6);

	if (!check)
		return SUM_NONE;
	if (wire_udp_sum(p->ip, p->udp_len) == 0xffff)
		return SUM_RIGHT;
	return check == wire_pseudo_sum(p->ip, p->udp_len) ? SUM_PARTIAL : SUM_WRONG;
}

/* Rows 19 to 30. */
static enum turnpike_verdict admitted(struct packet *p, struct outcome *o)
{
	const struct turnpike_flow *flow = &p->s->flow.flow;
	const struct carried carried = { p->s, tos_of(p), p->data };
	const __u16 check = wire16(p->udp + 6);
	enum turnpike_verdict verdict;

	if (p->s->hop >= HOST_NEXTHOPS)
		return TURNPIKE_NO_NEXTHOP; /* no such element */
	if (flow->expires <= TESTBED_NOW)
		return TURNPIKE_EXPIRED;
	p->hop = turnpike_current_hop(&p->s->nexthop);
	if (!p->hop->ifindex)
		return TURNPIKE_NO_NEXTHOP;
	if (!same_tags(p, o))
		return TURNPIKE_VLAN;
	verdict = confirmed(&carried, o);
	if (verdict != TURNPIKE_RELAYED)
		return verdict;
	if (p->ip[p->family == TURNPIKE_IPV4 ? 8 : 7] <= 1)
		return TURNPIKE_TTL;
	if (!p->s->variant->skb && p->hop->ifindex != TESTBED_IFINDEX && !p->hop->flags)
		return TURNPIKE_NO_EGRESS;
	p->out_hlen = wire_ip_hlen(flow->family) + UDP_HLEN + framing_len(p);
	p->out_padding = makes_indications(p) ? -o->data_len % 4 : 0;
	p->out_len = p->out_hlen + o->data_len + p->out_padding;
	if (size(p, o) != TURNPIKE_RELAYED)
		return size(p, o);
	if (o->padding && (p->data - p->s->frame) + o->data_len + o->padding > PADDING_END_MAX)
		return TURNPIKE_NO_CHECKSUM;
	if (p->out_padding && o->l2_len + p->out_len > PADDING_END_MAX)
		return TURNPIKE_NO_CHECKSUM;
	/* Longer data is not summed to tell whether a checksum is partial. */
	if (o->data_len > DATA_MAX &&
	    (check ? check == wire_pseudo_sum(p->ip, p->udp_len) : flow->family == TURNPIKE_IPV6))
		return TURNPIKE_NO_CHECKSUM;
	o->sum = sum_of(p);
	return TURNPIKE_RELAYED;
}

/* Row 32. */
static bool within_limits(const struct situation *s, struct outcome *o)
{
	const __u32 takes = s->level == VECTOR_PACKETS_LEVEL ? 1 : o->data_len + AROUND_DATA;
	int i;

	for (i = 0; s->limited && i < TURNPIKE_FLOW_POLICERS; i++) {
		if (takes > s->allow[i])
			return false;
	}
	o->charged = s->limited;
	return true;
}

static bool head_moves(const struct situation *s, int by)
{
	return !by || by <= (s->no_floor ? -SCENARIO_FLOOR : (int)s->head);
}

static bool tail_moves(const struct situation *s, const struct outcome *o, int by)
{
	return o->data_len <= DATA_MAX && by <= (int)s->tail;
}

/* The padding of a Data indication needs room at the tail, or else the data moves as well. */
static bool head_and_data_move(const struct packet *p, struct outcome *o, int by)
{
	const struct situation *s = p->s;
	const int behind = (int)(s->frame + s->len - p->data) - (int)o->data_len;
	const int missing = (int)p->out_padding - behind;

	if (missing <= 0 || missing <= (int)s->tail)
		return head_moves(s, by);
	o->data_moved = o->data_len <= DATA_MAX && head_moves(s, by + missing);
	return o->data_moved;
}

/* Row 31, for XDP: the preferred end first. */
static bool has_room(const struct packet *p, struct outcome *o)
{
	const struct situation *s = p->s;
	const int in_hlen = (int)(p->data - p->ip);
	const int grows = (int)p->out_hlen - in_hlen;
	const int behind = (int)(o->l2_len + p->out_len) - (int)s->len;
	int ip_grows = (int)wire_ip_hlen(s->flow.flow.family) - (int)p->hlen;

	if (s->variant->tc)
		return true;
	if (o->sum == SUM_PARTIAL && s->variant->skb) {
		/* The head moves for the IP header, the tail for the rest; IP shrinks last. */
		o->head_failed = ip_grows > 0 && !head_moves(s, ip_grows);
		o->tail_failed = !o->head_failed && !tail_moves(s, o, behind - ip_grows);
		return !o->head_failed && !o->tail_failed;
	}
	if (s->variant->tail) {
		o->tail_failed = !tail_moves(s, o, behind);
		o->head_failed = o->tail_failed && !head_and_data_move(p, o, grows);
	} else {
		o->head_failed = !head_and_data_move(p, o, grows);
		o->tail_failed = o->head_failed && !tail_moves(s, o, behind);
	}
	return !(o->head_failed && o->tail_failed);
}

static __u32 write_ip(const struct packet *p, struct outcome *o, __u8 *to)
{
	const bool in4 = p->family == TURNPIKE_IPV4;
	const struct turnpike_flow *flow = &p->s->flow.flow;
	const __u8 tos = tos_of(p);
	const __u8 ttl = (__u8)(p->ip[in4 ? 8 : 7] - 1);
	const bool df = in4 ? wire16(p->ip + 6) & DF : p->out_len > 1260;

	memset(to, 0, p->out_hlen);
	if (flow->family == TURNPIKE_IPV6) {
		to[0] = (__u8)(6 << 4 | tos >> 4);
		to[1] = (__u8)((__u32)tos << 4 | OUT_LABEL >> 16);
		put_wire16(to + 2, OUT_LABEL & 0xffff);
		put_wire16(to + 4, p->out_len - 40);
		to[6] = IPPROTO_UDP;
		to[7] = ttl;
		memcpy(to + 8, flow->src, 16);
		memcpy(to + 24, flow->dst, 16);
		return 40;
	}
	o->takes_id = !df;
	to[0] = 0x45;
	to[1] = tos;
	put_wire16(to + 2, p->out_len);
	put_wire16(to + 4, df ? OLD_PACKETS : p->s->nexthop.ip4_id & 0xffff);
	put_wire16(to + 6, df ? DF : 0);
	to[8] = ttl;
	to[9] = IPPROTO_UDP;
	memcpy(to + 12, flow->src, 4);
	memcpy(to + 16, flow->dst, 4);
	put_wire16(to + 10, (__u16)~wire_fold(wire_add(0, to, 20)));
	return 20;
}

/* A wrong checksum stays wrong by the same amount, modulo 0xffff. */
static __u16 out_check(const struct packet *p, const struct outcome *o, const __u8 *ip,
		       __u32 udp_len)
{
	const __u16 in = wire_udp_sum(p->ip, p->udp_len);
	const __u16 blank = wire_udp_sum(ip, udp_len);
	__u32 check;

	if (o->sum == SUM_NONE && ip[0] >> 4 == 4)
		return 0;
	if (o->sum == SUM_PARTIAL && p->s->variant->skb)
		return wire_pseudo_sum(ip, udp_len);
	if (o->sum == SUM_WRONG)
		check = ((__u32)in + 0xffff - blank) % 0xffff;
	else
		check = 0xffffu - blank;
	return (__u16)(check ? check : 0xffff);
}

static void write_framing(const struct packet *p, const struct outcome *o, __u8 *to)
{
	const struct recipe recipe = { .type = TURNPIKE_DATA_INDICATION,
				       .peer = p->s->flow.flow.xor_peer,
				       .attrs = { ATTR_PEER, ATTR_DATA },
				       .padding = (__u8)p->out_padding };
	const __u32 len = framing_len(p) + o->data_len;
	struct indication made;
	__u32 random = p->s->random, i;

	if (!makes_indications(p)) {
		if (len != o->data_len) {
			memcpy(to, &p->s->flow.flow.framing, 2);
			put_wire16(to + 2, o->data_len);
		}
		return;
	}
	for (i = 0; i < TRANSACTION_LEN; i += 4, random = host_after(random))
		memcpy(to + TRANSACTION + i, &random, 4);
	memset(to + len, 0, p->out_padding);
	indication_make(&recipe, to, len + p->out_padding, &made);
}

static void write_frame(const struct packet *p, struct outcome *o)
{
	const struct turnpike_flow *flow = &p->s->flow.flow;
	__u8 *ip = o->frame + o->l2_len;
	__u32 udp_len = p->out_len;
	__u8 *udp;

	memcpy(o->frame, p->hop->dmac, MAC_LEN);
	memcpy(o->frame + MAC_LEN, p->hop->smac, MAC_LEN);
	put_wire16(ip - 2, flow->family == TURNPIKE_IPV4 ? 0x0800 : 0x86dd);
	memcpy(ip + p->out_hlen, p->data, o->data_len);
	udp = ip + write_ip(p, o, ip);
	udp_len -= (__u32)(udp - ip);
	memcpy(udp, &flow->sport, 2);
	memcpy(udp + 2, &flow->dport, 2);
	put_wire16(udp + 4, udp_len);
	write_framing(p, o, udp + UDP_HLEN);
	put_wire16(udp + 6, out_check(p, o, ip, udp_len));
	o->len = o->l2_len + p->out_len;
}

static enum turnpike_verdict judge(struct packet *p, struct outcome *o)
{
	enum turnpike_verdict verdict = ethernet(p, o);

	if (verdict == TURNPIKE_RELAYED)
		verdict = internet(p);
	if (verdict == TURNPIKE_RELAYED)
		verdict = datagram(p, o);
	if (verdict != TURNPIKE_RELAYED)
		return verdict;
	if (!is_of_flow(p))
		return TURNPIKE_NO_FLOW;
	o->direction = TURNPIKE_DIR_TO_PEER;
	if (p->s->flow.flow.framing)
		o->direction = p->framing ? TURNPIKE_DIR_HAIRPIN : TURNPIKE_DIR_TO_CLIENT;
	verdict = admitted(p, o);
	if (verdict != TURNPIKE_RELAYED)
		return verdict;
	if (!has_room(p, o))
		return TURNPIKE_NO_ROOM;
	return within_limits(p->s, o) ? TURNPIKE_RELAYED : TURNPIKE_POLICED;
}

void model(const struct situation *situation, struct outcome *ret)
{
	struct packet packet = { .s = situation };

	memset(ret, 0, offsetof(struct outcome, frame));
	ret->after = situation->flow.flow;
	ret->verdict = judge(&packet, ret);
	memcpy(ret->frame, situation->frame, situation->len);
	ret->len = situation->len;
	if (ret->verdict == TURNPIKE_RELAYED)
		write_frame(&packet, ret);
}
