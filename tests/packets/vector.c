/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include <turnpike/turnpike.h>

#include "expect.h"
#include "report.h"
#include "sample.h"

#define POISONED 128 /* bytes of garbage in front */

static int compared;
static __u8 transaction[TRANSACTION_LEN];

int vector_count(void)
{
	return compared;
}

const __u8 *vector_transaction(void)
{
	return transaction;
}

void vector_prepare(struct testbed *testbed)
{
	const struct turnpike_nexthop none = { 0 };
	struct counts counts;

	testbed_set_role(testbed, host_addr(SERVER, TURNPIKE_IPV4).port, TURNPIKE_PORT_LISTENER);
	testbed_set_role(testbed, host_addr(RELAY, TURNPIKE_IPV4).port, TURNPIKE_PORT_RELAY);
	testbed_set_nexthop(testbed, 0, &none);
	testbed_take_counts(testbed, &counts);
}

static bool is_limited(const struct expectation *expected)
{
	return expected->flow.flow.policer[0];
}

static void install_limits(struct testbed *testbed, const struct expectation *expected)
{
	int i, level;

	for (i = 0; i < TURNPIKE_FLOW_POLICERS; i++)
		for (level = 0; level < TURNPIKE_POLICER_LEVELS; level++)
			testbed_set_policer(testbed, vector_policer(i, level),
					    &expected->policers[i][level]);
}

static void install(struct testbed *testbed, const struct expectation *expected)
{
	testbed_set_mtu(testbed, expected->mtu);
	testbed_set_policer(testbed, TURNPIKE_EVENTS_POLICER, &expected->event_limit);
	testbed_set_policer(testbed, TURNPIKE_CHECKS_POLICER, &expected->check_limit);
	if (expected->hop)
		testbed_set_nexthop(testbed, expected->hop, &expected->nexthop);
	if (is_limited(expected))
		install_limits(testbed, expected);
	if (expected->flow.key.table)
		testbed_set_flow(testbed, &expected->flow);
}

/* For TC, BPF_PROG_TEST_RUN rejects truncated IP headers: truncate the frame later. */
static void cut_later(const struct frame *in, struct test_run *run)
{
	struct frame whole = *in;
	static __u8 bytes[FRAME_MAX];

	whole.cut = 0;
	run->delivery = DELIVER_CUT;
	run->offset = in->cut;
	run->in = bytes;
	run->in_len = (__u32)build(&whole, bytes);
}

static void choose_delivery(const struct testbed *testbed, const struct vector *vector,
			    const struct frame *in, struct test_run *run)
{
	const bool tc = testbed_variant(testbed)->tc;

	if (tc && in->cut)
		cut_later(in, run);
	else if (tc && vector->in.tag[0])
		run->delivery = DELIVER_VLAN;
	else if (vector->complete)
		run->delivery = DELIVER_COMPLETE;
	else if (tc && vector->room == ROOM_TAIL)
		run->delivery = DELIVER_STUCK;
	else if (vector->room != ROOM_AMPLE)
		run->delivery = tc ? DELIVER_POISONED : DELIVER_PLACED;
	switch (vector->room) {
	case ROOM_AMPLE:
	case ROOM_NEITHER:
		break;
	case ROOM_POISONED:
		run->offset = POISONED;
		break;
	case ROOM_HEAD:
		run->offset = vector->left;
		break;
	case ROOM_TAIL:
		run->offset = testbed_buffer(testbed) - run->in_len - vector->left;
		break;
	}
}

/* A transaction ID is random: expect the one that is there, and all that depends on it. */
static void expect_transaction(struct expectation *expected, const struct test_run *run)
{
	struct frame *out = &expected->out;
	const size_t at = expected->out_len - ip_len(out) + ip_hlen(out->family) + UDP_HLEN +
			  TRANSACTION_OFFSET;

	if (!out->stun || run->out_len < at + TRANSACTION_LEN)
		return;
	memcpy(transaction, run->out + at, TRANSACTION_LEN);
	memcpy(out->transaction, transaction, TRANSACTION_LEN);
	build(out, expected->out_bytes);
}

static bool same_frame(const struct expectation *expected, const struct test_run *run)
{
	if (!expected->out_len)
		return true;
	if (run->out_len == expected->out_len &&
	    !memcmp(run->out, expected->out_bytes, expected->out_len))
		return true;
	report_frames(expected->out_bytes, expected->out_len, run->out, run->out_len);
	return false;
}

static bool same_counts(const struct counts *expected, const struct counts *actual)
{
	const struct turnpike_counter *want, *have;
	bool same = true;
	int dir, verdict;

	for (dir = 0; dir < TURNPIKE_DIR_MAX; dir++) {
		for (verdict = 0; verdict < TURNPIKE_VERDICT_MAX; verdict++) {
			want = &expected->of[dir][verdict];
			have = &actual->of[dir][verdict];
			if (!memcmp(want, have, sizeof(*want)))
				continue;
			same = false;
			fprintf(stderr,
				"  counter %s/%s: %llu packets, %llu bytes, not %llu, %llu\n",
				turnpike_direction_name((enum turnpike_direction)dir),
				turnpike_verdict_name((enum turnpike_verdict)verdict),
				have->packets, have->bytes, want->packets, want->bytes);
		}
	}
	return same;
}

static bool same_flow(struct testbed *testbed, const struct expectation *expected)
{
	struct turnpike_flow flow;

	testbed_get_flow(testbed, &expected->flow.key, &flow);
	testbed_delete_flow(testbed, &expected->flow.key);
	if (!memcmp(&flow, &expected->after, sizeof(flow)))
		return true;
	report_flows(&expected->after, &flow);
	return false;
}

/* A refund leaves a bucket that is full now. A unit refills in a second. */
static bool same_limit(const struct expectation *expected, int i, int level,
		       const struct turnpike_policer *policer)
{
	const __u64 full = policer->full ? policer->full - TESTBED_NOW : 0;
	const __u64 right =
		expected->charged ? vector_units(level, expected->in.data_len) * 1000000000ull : 0;

	if (full == right && policer->parent == expected->policers[i][level].parent)
		return true;
	fprintf(stderr, "  limit %d at level %d was charged %llu ns, not %llu\n", i, level, full,
		right);
	return false;
}

static bool same_limits(struct testbed *testbed, const struct expectation *expected)
{
	struct turnpike_policer policer;
	bool same = true;
	int i, level;

	for (i = 0; i < TURNPIKE_FLOW_POLICERS; i++) {
		for (level = 0; level < TURNPIKE_POLICER_LEVELS; level++) {
			testbed_get_policer(testbed, vector_policer(i, level), &policer);
			same = same_limit(expected, i, level, &policer) && same;
		}
	}
	return same;
}

static bool same_id(struct testbed *testbed, const struct expectation *expected)
{
	struct turnpike_nexthop nexthop;

	testbed_get_nexthop(testbed, expected->hop, &nexthop);
	if (nexthop.ip4_id == expected->nexthop_id)
		return true;
	fprintf(stderr, "  next IPv4 identification: %#x, not %#x\n", nexthop.ip4_id,
		expected->nexthop_id);
	return false;
}

static bool same_events(struct testbed *testbed, const struct expectation *expected)
{
	const struct turnpike_event *event;
	struct turnpike_policer limit;
	struct events events;

	testbed_take_events(testbed, &events);
	testbed_get_policer(testbed, TURNPIKE_EVENTS_POLICER, &limit);
	event = &events.last.event;
	if (!memcmp(&events, &expected->events, sizeof(events)) && !limit.full == !events.n)
		return true;
	fprintf(stderr,
		"  %u events, verdict %u, ifindex %u, mtu %u, l2_len %u, len %u; not mtu %u\n",
		events.n, event->verdict, event->ifindex, event->mtu, event->l2_len, event->len,
		expected->events.last.event.mtu);
	return false;
}

static bool has_sample(const struct samples *samples, const struct sample *sample)
{
	__u32 i;

	for (i = 0; i < samples->n; i++)
		if (sample_equals(&samples->of[i].key, &samples->of[i].value, sample))
			return true;
	return false;
}

/* A check is charged to the limit, the first samples of a flow are not. */
static bool same_samples(struct testbed *testbed, const struct expectation *expected)
{
	const bool charged = expected->check_charged;
	struct turnpike_policer limit;
	struct samples samples;
	bool same;
	__u32 i;

	testbed_take_samples(testbed, &samples);
	testbed_get_policer(testbed, TURNPIKE_CHECKS_POLICER, &limit);
	same = samples.n == expected->samples.n && !!limit.full == charged;
	for (i = 0; i < expected->samples.n; i++)
		same = has_sample(&samples, &expected->samples.of[i]) && same;
	if (!same)
		fprintf(stderr, "  %u elements in samples, not %u, or others; checks charged: %d\n",
			samples.n, expected->samples.n, !!limit.full);
	return same;
}

static bool as_expected(struct testbed *testbed, const struct expectation *expected,
			const struct test_run *run, const struct counts *counts)
{
	bool same = run->action == expected->action;

	if (!same)
		fprintf(stderr, "  action %d, not %d\n", run->action, expected->action);
	same = same_frame(expected, run) && same;
	same = same_counts(&expected->counts, counts) && same;
	same = same_events(testbed, expected) && same;
	same = same_samples(testbed, expected) && same;
	if (is_limited(expected))
		same = same_limits(testbed, expected) && same;
	if (expected->hop)
		same = same_id(testbed, expected) && same;
	if (expected->flow.key.table)
		same = same_flow(testbed, expected) && same;
	return same;
}

static bool run_pair(struct testbed *testbed, const struct vector *vector, struct families pair)
{
	static struct expectation expected;
	static __u8 out[FRAME_MAX];
	struct test_run run = { .out = out, .out_len = sizeof(out), .gso_size = vector->gso_size };
	struct counts counts;
	int err;

	if (!expect(testbed, vector, pair, &expected)) {
		fprintf(stderr, "  cannot craft the payload\n");
		return false;
	}
	install(testbed, &expected);
	run.in = expected.in_bytes;
	run.in_len = expected.in_len;
	choose_delivery(testbed, vector, &expected.in, &run);
	run.tag = vector->in.tag[0];
	err = testbed_run(testbed, &run);
	testbed_take_counts(testbed, &counts);
	expect_transaction(&expected, &run);
	compared++;
	if (!err)
		return as_expected(testbed, &expected, &run, &counts);
	fprintf(stderr, "  cannot run the program: %s\n", strerror(-err));
	if (expected.flow.key.table)
		testbed_delete_flow(testbed, &expected.flow.key);
	return false;
}

static bool is_for_variant(const struct vector *vector, const struct variant *variant)
{
	const enum only kind = variant->tc ? ON_TC : variant->skb ? ON_GENERIC : ON_NATIVE;
	const enum only moves = variant->tail ? ON_TAIL : ON_HEAD;

	if (vector->only & (ON_NATIVE | ON_GENERIC | ON_TC) && !(vector->only & kind))
		return false;
	if (vector->only & ON_CONFIRMING && !variant->confirms)
		return false;
	return !(vector->only & (ON_HEAD | ON_TAIL)) || vector->only & moves;
}

static bool is_for_families(const struct vector *vector, struct families pair)
{
	const enum only in = pair.in == TURNPIKE_IPV4 ? ON_IPV4 : ON_IPV6;
	const enum only both = pair.in == pair.out ? ON_SAME : ON_CROSS;

	if (vector->only & (ON_IPV4 | ON_IPV6) && !(vector->only & in))
		return false;
	return !(vector->only & (ON_SAME | ON_CROSS)) || vector->only & both;
}

bool vector_is_for(const struct vector *vector, const struct variant *variant, struct families pair)
{
	return is_for_variant(vector, variant) && is_for_families(vector, pair);
}

int vector_run(struct testbed *testbed, const struct vector *vector)
{
	int failed = 0;
	size_t i;

	for (i = 0; i < FAMILIES; i++) {
		if (!vector_is_for(vector, testbed_variant(testbed), families[i]) ||
		    run_pair(testbed, vector, families[i]))
			continue;
		fprintf(stderr,
			"FAILED: %s, %s, IPv%d to IPv%d, %s, framing %d to %d, %u bytes, %u padding\n",
			testbed_variant(testbed)->name, vector->name, families[i].in,
			families[i].out, turnpike_direction_name(vector->flow), vector->framings.in,
			vector->framings.out, vector->in.data_len, vector->in.padding);
		failed++;
	}
	return failed;
}
