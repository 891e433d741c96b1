/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdint.h>
#include <string.h>

#include <arpa/inet.h>

#include "sight.h"
#include "wire.h"

#define MS     1000000ull
#define THE_TC 4 /* of the variants */

static void mend_ethernet(const struct situation *s, __u8 *frame, __u8 *ip)
{
	const struct turnpike_hop *hop = turnpike_current_hop(&s->nexthop);

	memcpy(frame, hop->dmac, MAC_LEN);
	memcpy(frame + MAC_LEN, hop->smac, MAC_LEN);
	put_wire16(ip - 2, s->flow.flow.family == TURNPIKE_IPV4 ? 0x0800 : 0x86dd);
}

static void mend_ip(const struct turnpike_flow *flow, __u8 mend, __u8 *ip)
{
	const bool ipv4 = flow->family == TURNPIKE_IPV4;
	const size_t len = ipv4 ? 4 : 16;

	if (mend & MEND_IP && ipv4) {
		ip[0] = 0x45;
		put_wire16(ip + 6, 0);
		ip[9] = IPPROTO_UDP;
	} else if (mend & MEND_IP) {
		ip[6] = IPPROTO_UDP;
	}
	if (mend & MEND_SOURCE)
		memcpy(ip + (ipv4 ? 12 : 8), flow->src, len);
	if (mend & MEND_DESTINATION)
		memcpy(ip + (ipv4 ? 16 : 24), flow->dst, len);
}

static void read_hwaccel_tag(const __u8 *tag, struct situation *ret)
{
	ret->has_hwaccel_tag = tag[0];
	memcpy(&ret->hwaccel_tag, tag, sizeof(ret->hwaccel_tag));
	if (!wire_is_tag(ntohs(ret->hwaccel_tag.tpid)))
		ret->hwaccel_tag.tpid = htons(0x8100);
}

/* Return: the offset of the payload; 0: the frame is too short. */
static __u32 mend_frame(const struct sight *sight, struct situation *s)
{
	const struct turnpike_flow *flow = &s->flow.flow;
	const __u32 l2 = wire_l2_len(s->frame, s->len);
	const __u32 payload = l2 + wire_ip_hlen(flow->family) + UDP_HLEN;
	__u8 *ip = s->frame + l2, *udp = s->frame + payload - UDP_HLEN;
	const __u8 mend = sight->mend;

	if (s->len < payload + 4)
		return 0;
	if (mend & MEND_MACS)
		mend_ethernet(s, s->frame, ip);
	mend_ip(flow, mend, ip);
	if (mend & MEND_SPORT)
		memcpy(udp, &flow->sport, 2);
	if (mend & MEND_DPORT)
		memcpy(udp + 2, &flow->dport, 2);
	if (mend & MEND_FRAMING)
		put_wire16(udp + 4, s->len - payload + UDP_HLEN + sight->beyond * 4);
	return payload;
}

static bool sends_indications(const struct situation *s)
{
	return s->flow.flow.framing == htons(TURNPIKE_DATA_INDICATION);
}

/* A datagram of @len bytes, some of which may be missing in the frame, becomes one of the flow. */
static void mend_framing(const struct scenario *scenario, const struct sight *sight,
			 struct situation *s, __u32 at, __u32 len)
{
	struct recipe recipe = { .type = TURNPIKE_DATA_INDICATION,
				 .peer = s->flow.flow.xor_peer,
				 .padding = scenario->padding };
	struct indication made;

	if (!sends_indications(s)) {
		if (s->flow.flow.framing && at + 4 <= s->len)
			memcpy(s->frame + at, &s->flow.flow.framing, 2);
		return;
	}
	if (!(sight->mend & MEND_PEER))
		recipe.peer = host_addr(OTHER, recipe.peer.family);
	memcpy(recipe.attrs, scenario->attrs, sizeof(recipe.attrs));
	indication_make(&recipe, s->frame + at, len, &made);
}

/* Find the data of a datagram of the flow. Return: its length */
static __u32 find_data(const struct situation *s, __u32 len, __u32 *at)
{
	const __u32 header = s->flow.flow.framing ? 4 : 0;
	struct indication read;

	if (sends_indications(s) && indication_read(s->frame, s->len, *at, len, &read)) {
		*at += read.data;
		return read.data_len;
	}
	*at += header;
	return len > header ? len - header : 0;
}

/* The sample is of one of the packet's datagrams, as its flow would make it. */
static void read_sample(const struct scenario *scenario, const struct sight *sight, __u32 payload,
			struct sighted *ret)
{
	struct situation *s = &ret->s;
	const __u32 beyond = ret->gso_size ? 0 : sight->beyond * 4;
	const __u32 left = s->len - payload + beyond;
	const __u32 size = ret->gso_size ? ret->gso_size : left;
	const __u32 sampled = size ? sight->segment % ((left + size - 1) / size + !left) * size : 0;
	__u32 at, len, i;

	for (at = 0; sight->mend & MEND_FRAMING && at < left; at += size)
		mend_framing(scenario, sight, s, payload + at, left - at < size ? left - at : size);
	at = payload + sampled;
	len = find_data(s, left - sampled < size ? left - sampled : size, &at);
	sample_of(&s->flow, sight->tos, s->frame + at, len, ret->samples);
	for (i = 0; i < SAMPLE_ELEMENTS; i++) {
		struct turnpike_sample *sample = &ret->samples[i].value;

		sample->taken -= sight->age == 255 ? -1ull : sight->age * 10 * MS;
		sample->more = sight->more & 1;
		if (sight->segment & 0x80)
			sample->ifindex++;
	}
}

bool sight_read(const __u8 *data, size_t size, struct sighted *ret)
{
	struct situation *s = &ret->s;
	struct scenario scenario;
	struct sight sight;
	__u32 payload;

	if (size < sizeof(scenario) + sizeof(sight) + ETH_HLEN)
		return false;
	memcpy(&scenario, data, sizeof(scenario));
	memcpy(&sight, data + sizeof(scenario), sizeof(sight));
	scenario.variant = THE_TC;
	scenario_state(&scenario, s);
	s->len = (__u32)(size - sizeof(scenario) - sizeof(sight));
	if (s->len > SCENARIO_FRAME_MAX - 4 * UINT8_MAX)
		return false;
	memcpy(s->frame, data + sizeof(scenario) + sizeof(sight), s->len);
	read_hwaccel_tag(scenario.hwaccel_tag, s);
	ret->socket = sight.socket % SOCKETS;
	ret->forwarded = sight.forwarded & 1;
	ret->gso_size = wire16(sight.gso_size);
	ret->random = sight.random;
	payload = mend_frame(&sight, s);
	if (!payload)
		payload = s->len;
	read_sample(&scenario, &sight, payload, ret);
	return true;
}
