/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A model of the observer. It shares no code with it. */
#include <string.h>

#include <arpa/inet.h>

#include "host_maps.h"
#include "indication.h"
#include "sight.h"
#include "wire.h"

#define MS           1000000ull
#define FRAGMENT     44
#define SEGMENTS_MAX 128

/* The packet while it is parsed. */
struct leaving {
	const struct sighted *in;
	const __u8 *ip, *udp, *payload;
	__u32 left; /* bytes from @payload on */
	struct turnpike_tag tag[TURNPIKE_TAGS_MAX];
	__u32 tags;
	__u8 family;
	__u8 protocol;             /* 0: none was read */
	__be16 port;               /* of the socket, or else of the packet; 0: not known */
	__be16 framing;            /* of a message to a client */
	struct turnpike_addr peer; /* that a Data indication names */
	bool is_first;             /* fragment */
	__be32 src[4];
	__be32 dst[4];
};

static __be16 raw16(const __u8 *from)
{
	__be16 value;

	memcpy(&value, from, sizeof(value));
	return value;
}

static enum turnpike_port_role role_of(__be16 port)
{
	if (port == host_addr(SERVER, TURNPIKE_IPV4).port)
		return TURNPIKE_PORT_LISTENER;
	return port == host_addr(RELAY, TURNPIKE_IPV4).port ? TURNPIKE_PORT_RELAY
							    : TURNPIKE_PORT_NONE;
}

/* Return: false if there are too many tags or the frame ends within them. */
static bool read_tags(struct leaving *p)
{
	const struct situation *s = &p->in->s;
	const __u32 l2 = wire_l2_len(s->frame, s->len);
	__u32 i;

	if (l2 > s->len || wire_is_tag(wire16(s->frame + l2 - 2)))
		return false;
	if (s->has_hwaccel_tag)
		p->tag[p->tags++] = s->hwaccel_tag;
	for (i = ETH_HLEN; i < l2; i += 4) {
		if (p->tags == TURNPIKE_TAGS_MAX)
			return false;
		memcpy(&p->tag[p->tags++], s->frame + i - 2, 4);
	}
	p->ip = s->frame + l2;
	p->left = s->len - l2;
	return true;
}

static void read_protocol(struct leaving *p)
{
	const __u16 type = wire16(p->ip - 2);
	__u32 hlen;

	if (type != 0x0800 && type != 0x86dd)
		return;
	p->family = type == 0x0800 ? TURNPIKE_IPV4 : TURNPIKE_IPV6;
	hlen = wire_ip_hlen(p->family);
	if (p->left < hlen)
		return;
	p->left -= hlen;
	p->udp = p->ip + hlen;
	if (p->family == TURNPIKE_IPV6) {
		p->protocol = p->ip[6];
		memcpy(p->src, p->ip + 8, 16);
		memcpy(p->dst, p->ip + 24, 16);
		if (p->protocol == FRAGMENT && p->left >= 8) {
			p->is_first = true;
			p->left -= 8;
			p->udp += 8;
			if (!(wire16(p->ip + 42) & 0xfff8))
				p->protocol = p->ip[40];
		}
		return;
	}
	p->protocol = p->ip[9];
	memcpy(p->src, p->ip + 12, 4);
	memcpy(p->dst, p->ip + 16, 4);
	if (wire16(p->ip + 6) & 0x1fff)
		p->protocol = FRAGMENT;
	p->is_first = wire16(p->ip + 6) & 0x2000;
}

static bool is_indication(const struct leaving *p)
{
	return p->framing == htons(TURNPIKE_DATA_INDICATION);
}

/* Return: END_UNKNOWN if the payload may belong to a sample. */
static enum ending read_udp(struct leaving *p)
{
	if (p->family == TURNPIKE_IPV4 && p->ip[0] != 0x45)
		return END_FRAGMENT;
	if (p->left < UDP_HLEN)
		return END_NOT_UDP;
	if (!p->port)
		p->port = raw16(p->udp);
	p->payload = p->udp + UDP_HLEN;
	p->left -= UDP_HLEN;
	switch (role_of(p->port)) {
	case TURNPIKE_PORT_NONE:
		return END_NO_ROLE;
	case TURNPIKE_PORT_RELAY:
		return END_UNKNOWN;
	case TURNPIKE_PORT_LISTENER:
		break;
	}
	if (p->left < 4)
		return END_CONTROL;
	p->framing = raw16(p->payload);
	return p->payload[0] >> 6 == 1 || is_indication(p) ? END_UNKNOWN : END_CONTROL;
}

/* The UDP header tells the length of a datagram of which this is the first fragment. */
static bool read_length(struct leaving *p)
{
	const __u32 len = wire16(p->udp + 4);

	if (!p->is_first)
		return true;
	p->left = len - UDP_HLEN;
	return len >= UDP_HLEN;
}

static bool is_sampled(const struct leaving *p, const __u8 *data, __u32 len)
{
	const struct turnpike_sample_key *key = &p->in->samples[0].key;
	const __u8 *end = p->in->s.frame + p->in->s.len;
	const __u32 there = data < end ? (__u32)(end - data) : 0;

	return key->port == p->port && key->len == (__u16)len &&
	       key->hash == sample_hash_of(p->dst, raw16(p->udp + 2), p->framing, data,
					   len < there ? len : there);
}

/* Is the datagram of @len bytes the one that was sampled? */
static bool is_sample(struct leaving *p, const __u8 *datagram, __u32 len)
{
	const struct situation *s = &p->in->s;
	const __u32 header = p->framing ? 4 : 0;
	struct indication read;

	if (!is_indication(p))
		return len >= header && is_sampled(p, datagram + header, len - header);
	if (!indication_read(s->frame, s->len, (__u32)(datagram - s->frame), len, &read))
		return false;
	p->peer = read.peer;
	return is_sampled(p, datagram + read.data, read.data_len);
}

static bool find_sample(struct leaving *p)
{
	const __u32 size = p->in->gso_size;
	const __u8 *segment = p->payload;
	__u32 left = p->left, len, i;

	if (!size)
		return is_sample(p, segment, left);
	for (i = 0; i < SEGMENTS_MAX && left; i++) {
		len = left < size ? left : size;
		if (is_sample(p, segment, len))
			return true;
		segment += len;
		left -= len;
	}
	return false;
}

static bool same_tags(const struct leaving *p, const struct turnpike_hop *hop)
{
	__u32 i;

	for (i = 0; i < p->tags && i < hop->tags; i++)
		if (p->tag[i].tpid != hop->tag[i].tpid ||
		    (ntohs(p->tag[i].tci) & 0xfff) != ntohs(hop->tag[i].tci))
			return false;
	return p->tags == hop->tags;
}

static enum turnpike_observation observed(const struct leaving *p)
{
	const struct situation *s = &p->in->s;
	const struct turnpike_hop *hop = turnpike_current_hop(&s->nexthop);

	if (p->family != s->flow.flow.family || memcmp(p->src, s->flow.flow.src, sizeof(p->src)))
		return TURNPIKE_OBSERVED_SOURCE;
	if (raw16(p->udp) != s->flow.flow.sport)
		return TURNPIKE_OBSERVED_PORT;
	if (hop->ifindex != TESTBED_IFINDEX)
		return TURNPIKE_OBSERVED_DEVICE;
	if (!same_tags(p, hop))
		return TURNPIKE_OBSERVED_TAGS;
	if (memcmp(s->frame, hop->dmac, MAC_LEN) || memcmp(s->frame + MAC_LEN, hop->smac, MAC_LEN))
		return TURNPIKE_OBSERVED_NEXTHOP;
	return TURNPIKE_OBSERVED_SAME;
}

static bool is_stale(const struct sighted *in)
{
	const __u64 taken = in->samples[0].value.taken;

	return taken > TESTBED_CHECK_NOW || TESTBED_CHECK_NOW - taken > 2000 * MS ||
	       !in->s.has_flow;
}

static enum ending confirm(struct sighted *in, __u64 seen)
{
	const __u64 left = in->s.flow.flow.expires - TESTBED_NOW;
	const __u64 after = TESTBED_CONFIRM_NS * 3 / 4 + TESTBED_CONFIRM_NS / 2 * in->random / 256;

	if (in->s.flow.flow.expires <= TESTBED_NOW)
		return END_EXPIRED;
	in->after.seen = seen;
	in->after.tries = 0;
	in->after.dscps = 1ull << in->samples[0].value.dscp;
	in->after.dscp_at = TESTBED_CHECK_NOW;
	in->after.until = TESTBED_CHECK_NOW + after + TESTBED_CONFIRM_NS;
	in->after.check_at = TESTBED_CHECK_NOW + (after < left ? after : left);
	return END_CONFIRMED;
}

static enum ending differs(struct sighted *in, enum turnpike_observation observation)
{
	in->observation = in->after.observation = observation;
	in->after.observed_on = TESTBED_IFINDEX;
	if (in->after.seen) {
		in->after.tries = 0;
		in->after.check_at = TESTBED_CHECK_NOW;
	}
	in->after.seen = 0;
	return END_DIFFERS;
}

static enum ending judge(struct sighted *in, const struct leaving *p)
{
	const struct turnpike_sample *sample = &in->samples[0].value;
	const __u64 seen = turnpike_seen(sample->ifindex, in->s.nexthop.current);
	enum turnpike_observation observation;

	in->found = true;
	if (is_stale(in) || in->s.hop >= HOST_NEXTHOPS)
		return END_STALE;
	if (is_indication(p) && memcmp(&p->peer, &in->s.flow.flow.xor_peer, sizeof(p->peer)))
		return END_OTHER_PEER;
	observation = observed(p);
	if (sample->more) {
		if (observation != TURNPIKE_OBSERVED_SAME || in->s.flow.flow.seen != seen)
			return END_DSCP;
		in->after.dscps |= 1ull << sample->dscp;
		return END_ADDED;
	}
	if (observation != TURNPIKE_OBSERVED_SAME)
		return differs(in, observation);
	in->after.observation = observation;
	in->after.observed_on = TESTBED_IFINDEX;
	return confirm(in, seen);
}

/* Only the socket is known. */
static enum ending hidden(struct sighted *in, const struct leaving *p)
{
	const bool esp_or_ah = p->protocol == 50 || p->protocol == 51;

	if (!p->port)
		return END_NOT_UDP;
	if (p->port != in->samples[1].key.port)
		return END_UNKNOWN;
	if (is_stale(in) || in->samples[1].value.more)
		return END_STALE;
	differs(in, esp_or_ah ? TURNPIKE_OBSERVED_ENCRYPTED : TURNPIKE_OBSERVED_ENCAPSULATED);
	return END_HIDDEN;
}

static enum ending follow(struct sighted *in, struct leaving *p)
{
	enum ending ending;

	if (in->forwarded)
		return END_FORWARDED;
	if (in->socket == SOCKET_TCP || in->socket == SOCKET_OTHER)
		return END_SOCKET;
	if (in->socket == SOCKET_SERVER)
		p->port = in->s.flow.flow.sport;
	if (read_tags(p))
		read_protocol(p);
	if (p->protocol == FRAGMENT)
		return END_FRAGMENT;
	if (p->protocol != IPPROTO_UDP)
		return hidden(in, p);
	ending = read_udp(p);
	if (ending != END_UNKNOWN || !read_length(p) || !find_sample(p))
		return ending;
	return judge(in, p);
}

void sight_predict(struct sighted *sighted)
{
	struct leaving packet = { .in = sighted };

	sighted->after = sighted->s.flow.flow;
	sighted->found = false;
	sighted->ending = follow(sighted, &packet);
}
