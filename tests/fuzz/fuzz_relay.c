/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Any packet, in any state, through any program: the outcome must be what the model predicts,
 * including all bytes and counters. If a TC helper fails, which is beyond the model, the packet
 * must be passed unchanged, dropped as torn, or relayed.
 */
#include <string.h>

#include <arpa/inet.h>
#include <linux/pkt_cls.h>

#include <turnpike/turnpike.h>

#include "fuzz.h"
#include "host_frame.h"
#include "host_maps.h"
#include "model.h"
#include "reached.h"
#include "sample.h"

#define SECOND 1000000000ull

/** The result of running the program. */
struct result {
	int action;
	__u32 ifindex;
	bool disturbed; /* a helper has failed for another reason than room */
	struct turnpike_flow flow;
	__u32 len;
	__u8 frame[SCENARIO_FRAME_MAX + TURNPIKE_ROOM_MAX];
};

static struct turnpike_policer *policer_at(int which, int level)
{
	return &host_maps.policers[vector_policer(which, level)];
}

/* Only the policers of one level are ever exhausted. */
static void install_limits(const struct situation *s)
{
	int i, level;

	host_maps.policers[TURNPIKE_EVENTS_POLICER] = (struct turnpike_policer){
		.cost = SECOND << TURNPIKE_POLICER_SHIFT,
		.burst = SECOND - s->muted,
	};
	host_maps.policers[TURNPIKE_CHECKS_POLICER] = (struct turnpike_policer){
		.cost = SECOND << TURNPIKE_POLICER_SHIFT,
		.burst = SECOND - s->no_checks,
	};
	for (i = 0; i < TURNPIKE_FLOW_POLICERS; i++)
		for (level = 0; level < TURNPIKE_POLICER_LEVELS; level++)
			*policer_at(i, level) = (struct turnpike_policer){
				.cost = SECOND << TURNPIKE_POLICER_SHIFT,
				.burst = (level == s->level ? s->allow[i] : UINT32_MAX) * SECOND,
				.parent = level + 1 < TURNPIKE_POLICER_LEVELS
						  ? vector_policer(i, level + 1)
						  : 0,
				.unit = vector_unit(level),
			};
}

static void install(const struct situation *s)
{
	struct turnpike_device *device = &host_maps.devices[TESTBED_SLOT];

	host_configure(TESTBED_IFINDEX, TESTBED_SLOT, s->variant->skb, s->variant->tc,
		       s->variant->confirms);
	host_maps.ports.role[host_addr(SERVER, TURNPIKE_IPV4).port] = TURNPIKE_PORT_LISTENER;
	host_maps.ports.role[host_addr(RELAY, TURNPIKE_IPV4).port] = TURNPIKE_PORT_RELAY;
	mac_addr(MAC_OURS, device->mac);
	device->mtu = s->device_mtu;
	device->may_be_decrypted = s->decrypted;
	device->interval = TESTBED_CONFIRM_NS;
	device->tick_zero = TESTBED_NOW - HOST_UPTIME;
	device->check_zero = TESTBED_CHECK_NOW - HOST_UPTIME;
	if (s->hop < HOST_NEXTHOPS)
		host_maps.nexthops[s->hop] = s->nexthop;
	install_limits(s);
	if (s->has_flow)
		host_set_flow(&s->flow);
	host_maps.random = s->random;
	host_maps.n_events = 0;
	host_maps.n_samples = 0;
	memset(&host_maps.counters[turnpike_counter_index(TESTBED_SLOT, 0, 0)], 0,
	       sizeof(struct counts));
}

static void make_frame(const struct situation *s, enum sum sum, struct host_frame *frame)
{
	if (!s->variant->tc) {
		host_xdp_frame(frame, s->frame, s->len, s->head, s->tail);
		if (s->no_floor)
			frame->floor = s->head + SCENARIO_FLOOR;
		return;
	}
	host_skb_frame(frame, s->frame, s->len, s->linear);
	frame->fails_in = s->fails_in;
	frame->stuck = s->stuck;
	frame->decrypted = s->decrypted;
	frame->ctx.skb.gso_size = s->gso;
	frame->ctx.skb.vlan_present = s->has_hwaccel_tag;
	frame->ctx.skb.vlan_proto = s->has_hwaccel_tag ? s->hwaccel_tag.tpid : 0;
	frame->ctx.skb.vlan_tci = s->has_hwaccel_tag ? ntohs(s->hwaccel_tag.tci) : 0;
	/* An sk_buff is either CHECKSUM_PARTIAL or, here, CHECKSUM_COMPLETE. */
	frame->complete = sum != SUM_PARTIAL;
	frame->csum = host_frame_sum(frame);
}

static int run(const struct variant *variant, struct host_frame *frame)
{
	if (variant->tc)
		return relay_tc(&frame->ctx.skb);
	return variant->tail ? relay_xdp_tail(&frame->ctx.xdp) : relay_xdp_head(&frame->ctx.xdp);
}

/* 0 and 0xffff are the same ones' complement number. */
static bool same_sum(__u16 a, __u16 b)
{
	return a % 0xffff == b % 0xffff;
}

/* Check what is not in the frame: surrounding memory, hwaccel tag, CHECKSUM_COMPLETE. */
static void check_around(const struct situation *s, struct host_frame *frame, bool torn)
{
	const struct __sk_buff *skb = &frame->ctx.skb;

	must(host_frame_is_whole(frame), "nothing outside the frame is written");
	if (!s->variant->tc || torn)
		return;
	must(skb->vlan_present == s->has_hwaccel_tag, "the hwaccel tag is kept");
	must(!s->has_hwaccel_tag || ((__be16)skb->vlan_proto == s->hwaccel_tag.tpid &&
				     skb->vlan_tci == ntohs(s->hwaccel_tag.tci)),
	     "the hwaccel tag is unchanged");
	must(!frame->complete || same_sum(frame->csum, host_frame_sum(frame)),
	     "CHECKSUM_COMPLETE is updated");
}

static const struct counts *counts(void)
{
	return (const struct counts *)&host_maps
		.counters[turnpike_counter_index(TESTBED_SLOT, 0, 0)];
}

static bool is_note(int verdict)
{
	return verdict == TURNPIKE_HEAD_FAILED || verdict == TURNPIKE_TAIL_FAILED ||
	       verdict == TURNPIKE_PARTIAL;
}

/* Return: the one verdict that was counted. */
static enum turnpike_verdict counted(enum turnpike_direction *direction, __u64 *bytes)
{
	enum turnpike_verdict found = TURNPIKE_VERDICT_MAX;
	int dir, verdict;

	for (dir = 0; dir < TURNPIKE_DIR_MAX; dir++) {
		for (verdict = 0; verdict < TURNPIKE_VERDICT_MAX; verdict++) {
			const struct turnpike_counter *counter = &counts()->of[dir][verdict];

			must(counter->packets <= 1, "nothing is counted twice");
			must(counter->packets || !counter->bytes,
			     "bytes are counted with packets only");
			if (!counter->packets || is_note(verdict))
				continue;
			must(found == TURNPIKE_VERDICT_MAX, "only one verdict is counted");
			found = (enum turnpike_verdict)verdict;
			*direction = (enum turnpike_direction)dir;
			*bytes = counter->bytes;
		}
	}
	must(found != TURNPIKE_VERDICT_MAX, "a verdict is counted");
	return found;
}

static bool is_noted(enum turnpike_direction direction, enum turnpike_verdict note)
{
	return counts()->of[direction][note].packets == 1;
}

static void check_notes(const struct outcome *o)
{
	const bool relayed = o->verdict == TURNPIKE_RELAYED;
	const struct turnpike_counter *partial = &counts()->of[o->direction][TURNPIKE_PARTIAL];

	must(is_noted(TURNPIKE_DIR_NONE, TURNPIKE_HEAD_FAILED) == o->head_failed,
	     "head-failed is counted");
	must(is_noted(TURNPIKE_DIR_NONE, TURNPIKE_TAIL_FAILED) == o->tail_failed,
	     "tail-failed is counted");
	must(partial->packets == (relayed && o->sum == SUM_PARTIAL), "partial is counted");
	must(!partial->packets || partial->bytes == o->data_len, "partial counts the data");
}

static void check_event(const struct situation *s, const struct outcome *o)
{
	const bool notified =
		!s->muted && (o->verdict == TURNPIKE_TTL || o->verdict == TURNPIKE_DONT_FRAGMENT);
	const __u64 full = host_maps.policers[TURNPIKE_EVENTS_POLICER].full;
	const struct turnpike_event *event = &host_maps.event.event;
	const __u32 len = s->len < TURNPIKE_EVENT_FRAME ? s->len : TURNPIKE_EVENT_FRAME;

	must(host_maps.n_events == notified, "one event for TTL and DF, else none");
	must(full == (notified ? TESTBED_NOW + SECOND : 0), "an event is charged to the limit");
	if (!notified)
		return;
	must(event->verdict == o->verdict && event->ifindex == TESTBED_IFINDEX && !event->pad,
	     "verdict and device of the event");
	must(event->mtu == o->notify_mtu, "MTU of the event");
	must(event->l2_len == o->l2_len && event->len == len, "lengths of the event");
	must(!memcmp(host_maps.event.frame, s->frame, len), "the event has the incoming frame");
}

/* A refund leaves a bucket that is full now. */
static void check_limits(const struct outcome *o)
{
	int i, level;

	for (i = 0; i < TURNPIKE_FLOW_POLICERS; i++) {
		for (level = 0; level < TURNPIKE_POLICER_LEVELS; level++) {
			const __u64 full = policer_at(i, level)->full;
			const __u64 takes = vector_units(level, o->data_len);

			must(o->charged ? full == TESTBED_NOW + takes * SECOND
					: full == 0 || full == TESTBED_NOW,
			     "a packet is charged to all limits or to none");
		}
	}
}

static void check_flow(const struct situation *s, const struct outcome *o, bool relayed)
{
	struct turnpike_flow after = o->after;
	struct turnpike_nexthop hop = s->nexthop;

	if (relayed) {
		after.packets++;
		after.bytes += o->data_len;
		hop.ip4_id += o->takes_id;
	}
	if (s->has_flow)
		must(!memcmp(host_flow(&s->flow.key), &after, sizeof(after)),
		     "a flow counts relayed packets and knows of its samples, and is otherwise unchanged");
	if (s->hop < HOST_NEXTHOPS)
		must(!memcmp(&host_maps.nexthops[s->hop], &hop, sizeof(hop)),
		     "ip4_id advances for packets that may be fragmented");
	check_limits(o);
}

static void check_samples(const struct outcome *o)
{
	const __u64 full = host_maps.policers[TURNPIKE_CHECKS_POLICER].full;
	int i;

	must(full == (o->checked ? TESTBED_NOW + SECOND : 0), "a check is charged to the limit");
	must(host_maps.n_samples == (o->sampled ? 2 : 0), "a sample has two elements");
	for (i = 0; o->sampled && i < SAMPLE_ELEMENTS; i++)
		must(sample_equals(&host_maps.samples[i].key, &host_maps.samples[i].sample,
				   &o->sample[i]),
		     "key and value of a sample");
}

static int action_of(const struct situation *s, enum turnpike_verdict verdict)
{
	const bool tc = s->variant->tc;
	const __u32 ifindex = turnpike_current_hop(&s->nexthop)->ifindex;

	switch (verdict) {
	case TURNPIKE_RELAYED:
		if (tc)
			return TC_ACT_REDIRECT;
		return ifindex == TESTBED_IFINDEX ? XDP_TX : XDP_REDIRECT;
	case TURNPIKE_TORN:
	case TURNPIKE_TTL:
	case TURNPIKE_DONT_FRAGMENT:
	case TURNPIKE_POLICED:
		return tc ? TC_ACT_SHOT : XDP_DROP;
	default:
		return tc ? TC_ACT_UNSPEC : XDP_PASS;
	}
}

static void check_frame(const struct situation *s, const struct outcome *o, const struct result *r,
			enum turnpike_verdict verdict)
{
	const bool relayed = verdict == TURNPIKE_RELAYED;
	const __u8 *frame = relayed ? o->frame : s->frame;
	const __u32 len = relayed ? o->len : s->len;
	const __u32 hop = turnpike_current_hop(&s->nexthop)->ifindex;

	if (relayed && r->action != XDP_TX)
		must(r->ifindex == hop, "it is redirected to its next hop");
	else
		must(!r->ifindex, "it is not redirected");
	if (verdict == TURNPIKE_TORN || verdict == TURNPIKE_POLICED)
		return;
	/* If trimming failed, bytes follow the packet. */
	must(r->len == len || (relayed && r->disturbed && r->len > len), "length of the frame");
	must(!memcmp(r->frame, frame, len),
	     relayed ? "bytes of the outgoing frame" : "a packet that is not relayed is unchanged");
}

/* The verdicts that a helper's failure may lead to, besides the predicted one. */
static bool may_end(const struct outcome *o, enum turnpike_verdict verdict)
{
	switch (verdict) {
	case TURNPIKE_MALFORMED: /* the headers could not be pulled */
		return true;
	case TURNPIKE_CONTROL: /* words of an indication could not be read */
		return o->is_send;
	case TURNPIKE_NO_CHECKSUM:
	case TURNPIKE_NO_ROOM:
	case TURNPIKE_TORN:
		return o->verdict == TURNPIKE_RELAYED || o->verdict == TURNPIKE_POLICED;
	default:
		return false;
	}
}

static void check(const struct situation *s, const struct outcome *o, const struct result *r)
{
	enum turnpike_direction direction = TURNPIKE_DIR_NONE;
	__u64 bytes = 0;
	const enum turnpike_verdict verdict = counted(&direction, &bytes);
	const bool relayed = verdict == TURNPIKE_RELAYED;

	if (verdict != o->verdict && !(r->disturbed && may_end(o, verdict)))
		fprintf(stderr, "%s, not %s\n", turnpike_verdict_name(verdict),
			turnpike_verdict_name(o->verdict));
	must(verdict == o->verdict || (r->disturbed && may_end(o, verdict)), "verdict");
	must(r->action == action_of(s, verdict), "action");
	must(bytes == (relayed ? o->data_len : s->len), "bytes counted");
	check_frame(s, o, r, verdict);
	if (!r->disturbed || relayed)
		must(direction == o->direction, "direction");
	if (!r->disturbed) {
		check_notes(o);
		check_event(s, o);
		check_flow(s, o, relayed);
		check_samples(o);
	}
	reach(s, o, verdict, r->disturbed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct situation s;
	static struct outcome o;
	static struct result r;
	struct host_frame frame;

	if (!scenario_read(data, size, &s))
		return 0;
	model(&s, &o);
	install(&s);
	make_frame(&s, o.sum, &frame);
	r.action = run(s.variant, &frame);
	r.ifindex = host_redirected();
	/* A stuck tail matters for partial checksums only; other frames are just longer. */
	r.disturbed = frame.failed || s.stuck;
	r.len = host_frame_bytes(&frame, r.frame, sizeof(r.frame));
	check_around(&s, &frame, r.action == TC_ACT_SHOT);
	host_frame_free(&frame);
	check(&s, &o, &r);
	host_delete_flow(&s.flow.key);
	return 0;
}
