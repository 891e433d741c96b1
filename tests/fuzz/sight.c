/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
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
	return payload;
}

/* The sample is of one of the packet's datagrams, as its flow would make it. */
static void read_sample(const struct sight *sight, __u32 payload, struct sighted *ret)
{
	const struct situation *s = &ret->s;
	const __u32 header = s->flow.flow.framing ? 4 : 0;
	const __u32 size = ret->gso_size > header ? ret->gso_size : s->len - payload;
	__u32 at = payload, len, i;

	while (sight->mend & MEND_CHANNEL && header && at + 4 <= s->len) {
		memcpy(ret->s.frame + at, &s->flow.flow.framing, 2);
		at += size;
	}
	at = payload;
	if (size && (s->len - payload) / size)
		at += sight->segment % ((s->len - payload + size - 1) / size) * size;
	len = s->len - at < size ? s->len - at : size;
	len = len > header ? len - header : 0;
	sample_of(&s->flow, sight->tos, s->frame + at + header, len, ret->samples);
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
	if (s->len > SCENARIO_FRAME_MAX)
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
	read_sample(&sight, payload, ret);
	return true;
}
