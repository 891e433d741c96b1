/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>

#include <arpa/inet.h>
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include "expect.h"
#include "sample.h"

#define IP4_DF       0x4000
#define SMALL_ENOUGH 1260 /* RFC 7915 section 5.1: up to here without DF */
#define LARGE_MTU    9000
#define SECOND       1000000000ull

/* Native XDP completes a partial checksum; IPv6 always has a checksum. */
static enum checksum outgoing_checksum(const struct testbed *testbed, const struct frame *in,
				       __u8 family)
{
	if (in->checksum == CHECKSUM_PARTIAL && !testbed_variant(testbed)->skb)
		return CHECKSUM_FULL;
	if (in->checksum == CHECKSUM_ZERO && family == TURNPIKE_IPV6)
		return CHECKSUM_FULL;
	return in->checksum;
}

static struct frame outgoing(const struct testbed *testbed, const struct vector *vector,
			     const struct frame *in, __u8 family)
{
	const struct families pair = { in->family, family };
	struct frame out = vector_plain_out(vector->flow, vector->framings);

	out.family = family;
	out.smac = hops[vector->hop].smac;
	out.dmac = MAC_NEXT;
	out.checksum = outgoing_checksum(testbed, in, family);
	out.tos = in->tos;
	out.ttl = (__u16)((in->ttl ? in->ttl : TTL_DEFAULT) - 1);
	out.label = OUT_LABEL;
	out.peer_family = vector_peer_family(vector->flow, vector->framings, pair);
	out.data_len = in->data_len;
	out.word = in->word;
	/* RFC 7915 section 5.1: IPv6 has no DF, and routers never fragment it. */
	if (in->family == TURNPIKE_IPV4)
		out.frag_off = in->frag_off & IP4_DF;
	else if (ip_len(&out) > SMALL_ENOUGH)
		out.frag_off = IP4_DF;
	out.id = (__u16)(out.frag_off ? OLD_PACKETS : OUT_ID);
	memcpy(out.tag, in->tag, sizeof(out.tag));
	return out;
}

/* What the tables leave out of a Send indication. */
static void complete_indication(const struct vector *vector, struct families pair,
				struct frame *ret)
{
	__u8 i;

	if (!ret->peer)
		ret->peer = NAMED;
	if (!ret->peer_family)
		ret->peer_family = vector_peer_family(vector->flow, vector->framings, pair);
	for (i = 0; i < TRANSACTION_LEN; i++)
		ret->transaction[i] = (__u8)(0x91 + 29 * i);
}

/* The vector's packet, with crafted payload and fitted length. */
static struct frame incoming(const struct testbed *testbed, const struct vector *vector,
			     struct families pair)
{
	struct frame in = vector->in;
	struct frame full, out;

	in.family = pair.in;
	if (in.stun)
		complete_indication(vector, pair, &in);
	/* In TC the outer tag is the hwaccel tag, never in-band. */
	if (testbed_variant(testbed)->tc) {
		memmove(in.tag, in.tag + 1, sizeof(in.tag) - sizeof(in.tag[0]));
		in.tag[TAGS - 1] = 0;
	}
	if (vector->room == ROOM_NEITHER)
		in.data_len = (__u16)(testbed_buffer(testbed) - vector->left - ETHERNET_HLEN -
				      ip_len(&in));
	full = in;
	full.checksum = CHECKSUM_FULL;
	out = outgoing(testbed, vector, &full, pair.out);
	if (vector->craft == CRAFT_IN_PSEUDO)
		in.word = word_for_check(&full, pseudo_sum(&full));
	if (vector->craft == CRAFT_IN_ONES)
		in.word = word_for_check(&full, 0xffff);
	if (vector->craft == CRAFT_OUT_ONES)
		in.word = word_for_check(&out, 0xffff);
	return in;
}

/* Did crafting succeed? Otherwise the vector tests nothing. */
static bool crafted(const struct testbed *testbed, const struct vector *vector,
		    const struct frame *in, __u8 out_family)
{
	struct frame full = *in;
	struct frame out;

	full.checksum = CHECKSUM_FULL;
	out = outgoing(testbed, vector, &full, out_family);
	switch (vector->craft) {
	case CRAFT_NONE:
		return true;
	case CRAFT_IN_PSEUDO:
		return in->word && udp_check(&full) == pseudo_sum(&full);
	case CRAFT_IN_ONES:
		return in->word && udp_check(&full) == 0xffff;
	case CRAFT_OUT_ONES:
		return in->word && udp_check(&out) == 0xffff;
	}
	return false;
}

/* The direction is known once a flow is found. */
static enum turnpike_direction counted_direction(const struct vector *vector)
{
	switch (vector->verdict) {
	case TURNPIKE_VLAN:
		return vector->in.tag[TURNPIKE_TAGS_MAX] ? TURNPIKE_DIR_NONE : vector->flow;
	case TURNPIKE_RELAYED:
	case TURNPIKE_DONT_FRAGMENT:
	case TURNPIKE_POLICED:
	case TURNPIKE_UNCONFIRMED:
	case TURNPIKE_CHECKED:
	case TURNPIKE_OTHER_DEVICE:
	case TURNPIKE_EXPIRED:
	case TURNPIKE_TTL:
	case TURNPIKE_NO_NEXTHOP:
	case TURNPIKE_NO_EGRESS:
	case TURNPIKE_TOO_BIG:
	case TURNPIKE_NO_ROOM:
		return vector->flow;
	default:
		return TURNPIKE_DIR_NONE;
	}
}

static void expect_count(struct expectation *ret, enum turnpike_direction direction,
			 enum turnpike_verdict verdict, __u32 bytes)
{
	ret->counts.of[direction][verdict].packets = 1;
	ret->counts.of[direction][verdict].bytes = bytes;
}

static void expect_notes(const struct vector *vector, struct expectation *ret)
{
	enum turnpike_verdict note;

	for (note = 0; note < TURNPIKE_VERDICT_MAX; note++)
		if (vector->notes & NOTE(note))
			expect_count(ret, TURNPIKE_DIR_NONE, note, ret->in_len);
}

static void expect_relayed(const struct testbed *testbed, const struct vector *vector,
			   __u8 out_family, struct expectation *ret)
{
	const bool same = vector->hop == HOP_SAME;

	ret->out = outgoing(testbed, vector, &ret->in, out_family);
	ret->out_len = (__u32)build(&ret->out, ret->out_bytes);
	ret->action = same ? XDP_TX : XDP_REDIRECT;
	if (testbed_variant(testbed)->tc)
		ret->action = TC_ACT_REDIRECT;
	expect_count(ret, vector->flow, TURNPIKE_RELAYED, ret->in.data_len);
	if (ret->in.checksum == CHECKSUM_PARTIAL)
		expect_count(ret, vector->flow, TURNPIKE_PARTIAL, ret->in.data_len);
	ret->after.packets++;
	ret->after.bytes += ret->in.data_len;
}

/* The IP packet without padding, which differs from one packet to the next. */
static int unpadded_len(const struct frame *frame)
{
	const __u32 padding = frame->stun ? (4u - frame->data_len % 4u) % 4u : frame->padding;

	return (int)ip_len(frame) - (int)padding;
}

/*
 * RFC 8656 section 13.2: the MTU to report. What becomes a Data indication leaves room for the most
 * padding, and peers always leave room for a Data indication.
 */
static __u32 notify_mtu(const struct vector *vector, __u32 hop_mtu, const struct frame *in,
			const struct frame *out)
{
	int mtu = (int)hop_mtu - (unpadded_len(out) - unpadded_len(in));

	if (out->stun)
		mtu -= 3;
	else if (vector->flow == TURNPIKE_DIR_TO_CLIENT)
		mtu -= 48;
	return (__u32)(in->family == TURNPIKE_IPV6 && mtu < 1280 ? 1280 : mtu);
}

static void expect_event(const struct vector *vector, __u8 out_family,
			 const struct testbed *testbed, struct expectation *ret)
{
	const struct turnpike_hop *hop = turnpike_current_hop(&ret->nexthop);
	const struct frame out = outgoing(testbed, vector, &ret->in, out_family);
	const bool ttl = vector->verdict == TURNPIKE_TTL;
	__u32 i = 0;

	while (ret->in.tag[i])
		i++;
	ret->events.n = 1;
	ret->events.last.event = (struct turnpike_event){
		.verdict = vector->verdict,
		.ifindex = TESTBED_IFINDEX,
		.mtu = ttl ? 0 : notify_mtu(vector, hop->mtu, &ret->in, &out),
		.l2_len = ETHERNET_HLEN + TAG_LEN * i,
		.len = ret->in_len < TURNPIKE_EVENT_FRAME ? ret->in_len : TURNPIKE_EVENT_FRAME,
	};
	memcpy(ret->events.last.frame, ret->in_bytes, ret->events.last.event.len);
}

static void expect_dropped(const struct testbed *testbed, const struct vector *vector,
			   __u8 out_family, struct expectation *ret)
{
	ret->action = testbed_variant(testbed)->tc ? TC_ACT_SHOT : XDP_DROP;
	/* Policers come last, when the frame has moved already. */
	if (vector->verdict == TURNPIKE_POLICED)
		ret->out_len = 0;
	else if (!vector->muted)
		expect_event(vector, out_family, testbed, ret);
}

static bool is_dropped(enum turnpike_verdict verdict)
{
	return verdict == TURNPIKE_TTL || verdict == TURNPIKE_DONT_FRAGMENT ||
	       verdict == TURNPIKE_POLICED;
}

static void expect_passed(const struct testbed *testbed, const struct vector *vector,
			  struct expectation *ret)
{
	memcpy(ret->out_bytes, ret->in_bytes, ret->in_len);
	ret->out_len = ret->in_len;
	ret->action = testbed_variant(testbed)->tc ? TC_ACT_UNSPEC : XDP_PASS;
	expect_count(ret, counted_direction(vector), vector->verdict, ret->in_len);
}

/* At one an event or a check. */
static struct turnpike_policer limit_of_one(bool exhausted)
{
	return (struct turnpike_policer){
		.cost = SECOND << TURNPIKE_POLICER_SHIFT,
		.burst = SECOND - exhausted,
	};
}

/* Buckets refill by a unit per second, and hold exactly what the packet takes, or a ns less. */
static void expect_limits(const struct vector *vector, struct expectation *ret)
{
	int i, level;

	ret->event_limit = limit_of_one(vector->muted);
	ret->check_limit = limit_of_one(vector->confirmation.no_checks);
	ret->check_charged = vector->verdict == TURNPIKE_CHECKED;
	if (vector->limit == LIMIT_NONE)
		return;
	for (i = 0; i < TURNPIKE_FLOW_POLICERS; i++) {
		ret->flow.flow.policer[i] = ret->after.policer[i] = vector_policer(i, 0);
		for (level = 0; level < TURNPIKE_POLICER_LEVELS; level++)
			ret->policers[i][level] = (struct turnpike_policer){
				.cost = SECOND << TURNPIKE_POLICER_SHIFT,
				.burst = vector_units(level, ret->in.data_len) * SECOND,
				.parent = level + 1 < TURNPIKE_POLICER_LEVELS
						  ? vector_policer(i, level + 1)
						  : 0,
				.unit = vector_unit(level),
			};
	}
	ret->charged = vector->limit == LIMIT_FITS;
	if (vector->limit == LIMIT_SHORT)
		ret->policers[0][vector->level].burst--;
	if (vector->limit == LIMIT_SECOND_SHORT)
		ret->policers[1][vector->level].burst--;
}

static void expect_sample(bool more, struct expectation *ret)
{
	__u8 data[FRAME_MAX];
	__u32 i;

	build_data(&ret->in, data);
	sample_of(&ret->flow, ret->in.tos, data, ret->in.data_len, ret->samples.of);
	ret->samples.n = SAMPLE_ELEMENTS;
	for (i = 0; i < SAMPLE_ELEMENTS; i++)
		ret->samples.of[i].value.more = more;
}

/* The flow, and a next hop whose MTU fits the packet or is one byte short. */
static void expect_state(const struct testbed *testbed, const struct vector *vector,
			 struct families pair, struct expectation *ret)
{
	const struct frame out = outgoing(testbed, vector, &ret->in, pair.out);
	__u32 mtu = LARGE_MTU;

	if (vector->flow != TURNPIKE_DIR_NONE)
		vector_flow(vector->flow, vector->framings, pair, &ret->flow);
	if (vector->other_key)
		((__u8 *)&ret->flow.key.send)[vector->other_key - 1] ^= 1;
	ret->flow.flow.nexthop = hops[vector->hop].index;
	if (vector->expired)
		ret->flow.flow.expires = TESTBED_NOW;
	if (testbed_variant(testbed)->confirms)
		vector_state(vector, hops[vector->hop].current, &ret->flow.flow);
	ret->after = ret->flow.flow;
	if (vector->confirmation.sampled)
		expect_sample(vector->confirmation.more, ret);
	if (testbed_variant(testbed)->confirms)
		vector_state_after(vector, &ret->after);

	ret->mtu = LARGE_MTU;
	if (vector->in_mtu != MTU_LARGE)
		ret->mtu = (__u16)(ip_len(&ret->in) - (vector->in_mtu == MTU_SHORT));
	if (vector->mtu != MTU_LARGE)
		mtu = (__u32)ip_len(&out) - (vector->mtu == MTU_SHORT);
	if (vector->hop != HOP_BEYOND)
		ret->hop = hops[vector->hop].index;
	ret->nexthop = vector_nexthop(vector, mtu);
	ret->nexthop_id = OUT_ID;
	if (vector->verdict == TURNPIKE_RELAYED && pair.out == TURNPIKE_IPV4 && !out.frag_off)
		ret->nexthop_id++;
	expect_limits(vector, ret);
}

bool expect(const struct testbed *testbed, const struct vector *vector, struct families pair,
	    struct expectation *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->in = incoming(testbed, vector, pair);
	ret->in_len = (__u32)build(&ret->in, ret->in_bytes);
	expect_state(testbed, vector, pair, ret);
	expect_notes(vector, ret);
	if (vector->verdict == TURNPIKE_RELAYED)
		expect_relayed(testbed, vector, pair.out, ret);
	else
		expect_passed(testbed, vector, ret);
	if (is_dropped(vector->verdict))
		expect_dropped(testbed, vector, pair.out, ret);
	return crafted(testbed, vector, &ret->in, pair.out);
}
