/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include <turnpike/turnpike.h>

#include "base/monotonic.h"
#include "expect.h"
#include "report.h"

#define POISONED 128 /* bytes of garbage in front */

static int compared;

int vector_count(void)
{
	return compared;
}

void vector_prepare(struct bench *bench)
{
	const struct turnpike_nexthop none = { 0 };
	struct counts counts;

	bench_set_role(bench, host_addr(SERVER, TURNPIKE_IPV4).port, TURNPIKE_PORT_LISTENER);
	bench_set_role(bench, host_addr(RELAY, TURNPIKE_IPV4).port, TURNPIKE_PORT_RELAY);
	bench_set_nexthop(bench, 0, &none);
	bench_take_counts(bench, &counts);
}

static bool is_limited(const struct expectation *expected)
{
	return expected->flow.flow.policer[0];
}

static void install_limits(struct bench *bench, const struct expectation *expected)
{
	int i, level;

	for (i = 0; i < TURNPIKE_FLOW_POLICERS; i++)
		for (level = 0; level < TURNPIKE_POLICER_LEVELS; level++)
			bench_set_policer(bench, vector_policer(i, level),
					  &expected->policers[i][level]);
}

static void install(struct bench *bench, const struct expectation *expected)
{
	bench_set_mtu(bench, expected->mtu);
	bench_set_policer(bench, TURNPIKE_EVENTS_POLICER, &expected->events);
	if (expected->hop)
		bench_set_nexthop(bench, expected->hop, &expected->nexthop);
	if (is_limited(expected))
		install_limits(bench, expected);
	if (expected->flow.key.family)
		bench_set_flow(bench, &expected->flow);
}

/* BPF_PROG_TEST_RUN of TC refuses frames that end within IP's header: cut them off later. */
static void cut_later(const struct frame *in, struct trip *trip)
{
	struct frame whole = *in;
	static __u8 bytes[FRAME_MAX];

	whole.cut = 0;
	trip->way = WAY_CUT;
	trip->offset = in->cut;
	trip->in = bytes;
	trip->in_len = (__u32)build(&whole, bytes);
}

static void choose_way(const struct bench *bench, const struct vector *vector,
		       const struct frame *in, struct trip *trip)
{
	const bool tc = bench_variant(bench)->tc;

	if (tc && in->cut)
		cut_later(in, trip);
	else if (tc && vector->in.tag[0])
		trip->way = WAY_VLAN;
	else if (vector->complete)
		trip->way = WAY_COMPLETE;
	else if (tc && vector->room == ROOM_TAIL)
		trip->way = WAY_STUCK;
	else if (vector->room != ROOM_USUAL)
		trip->way = tc ? WAY_POISONED : WAY_PLACED;
	switch (vector->room) {
	case ROOM_USUAL:
	case ROOM_NEITHER:
		break;
	case ROOM_POISONED:
		trip->offset = POISONED;
		break;
	case ROOM_HEAD:
		trip->offset = vector->left;
		break;
	case ROOM_TAIL:
		trip->offset = bench_buffer(bench) - trip->in_len - vector->left;
		break;
	}
}

static bool same_frame(const struct expectation *expected, const struct trip *trip)
{
	if (trip->out_len == expected->out_len &&
	    !memcmp(trip->out, expected->out_bytes, expected->out_len))
		return true;
	report_frames(expected->out_bytes, expected->out_len, trip->out, trip->out_len);
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

static bool same_flow(struct bench *bench, const struct expectation *expected)
{
	struct turnpike_flow flow;

	bench_get_flow(bench, &expected->flow.key, &flow);
	bench_delete_flow(bench, &expected->flow.key);
	if (!memcmp(&flow, &expected->after, sizeof(flow)))
		return true;
	fprintf(stderr, "  flow: %llu packets, %llu bytes, not %llu, %llu; or another field\n",
		flow.packets, flow.bytes, expected->after.packets, expected->after.bytes);
	return false;
}

/* What is given back leaves a bucket that is full now. A byte takes a second, a test much less. */
static bool same_limit(const struct expectation *expected, int i, int level,
		       const struct turnpike_policer *policer)
{
	const __u64 now = clock_ns(), second = 1000000000;
	const __u64 seconds = policer->full > now ? (policer->full - now + second / 2) / second : 0;
	const __u64 right = expected->charged ? expected->in.data_len : 0;

	if (seconds == right && policer->parent == expected->policers[i][level].parent)
		return true;
	fprintf(stderr, "  limit %d at level %d was charged %llu bytes, not %llu\n", i, level,
		seconds, right);
	return false;
}

static bool same_limits(struct bench *bench, const struct expectation *expected)
{
	struct turnpike_policer policer;
	bool same = true;
	int i, level;

	for (i = 0; i < TURNPIKE_FLOW_POLICERS; i++) {
		for (level = 0; level < TURNPIKE_POLICER_LEVELS; level++) {
			bench_get_policer(bench, vector_policer(i, level), &policer);
			same = same_limit(expected, i, level, &policer) && same;
		}
	}
	return same;
}

static bool same_id(struct bench *bench, const struct expectation *expected)
{
	struct turnpike_nexthop nexthop;

	bench_get_nexthop(bench, expected->hop, &nexthop);
	if (nexthop.ip4_id == expected->nexthop_id)
		return true;
	fprintf(stderr, "  next IPv4 identification: %#x, not %#x\n", nexthop.ip4_id,
		expected->nexthop_id);
	return false;
}

static bool same_told(struct bench *bench, const struct expectation *expected)
{
	const struct turnpike_event *event;
	struct turnpike_policer limit;
	struct told told;

	bench_take_told(bench, &told);
	bench_get_policer(bench, TURNPIKE_EVENTS_POLICER, &limit);
	event = &told.last.event;
	if (!memcmp(&told, &expected->told, sizeof(told)) && !limit.full == !told.n)
		return true;
	fprintf(stderr,
		"  told %u times, verdict %u, ifindex %u, mtu %u, at %u of %u; not mtu %u\n",
		told.n, event->verdict, event->ifindex, event->mtu, event->l2_len, event->len,
		expected->told.last.event.mtu);
	return false;
}

/* Whatever the packet was, it must look and count as expected. */
static bool as_expected(struct bench *bench, const struct expectation *expected,
			const struct trip *trip, const struct counts *counts)
{
	bool same = trip->action == expected->action;

	if (!same)
		fprintf(stderr, "  action %d, not %d\n", trip->action, expected->action);
	same = same_frame(expected, trip) && same;
	same = same_counts(&expected->counts, counts) && same;
	same = same_told(bench, expected) && same;
	if (is_limited(expected))
		same = same_limits(bench, expected) && same;
	if (expected->hop)
		same = same_id(bench, expected) && same;
	if (expected->flow.key.family)
		same = same_flow(bench, expected) && same;
	return same;
}

static bool run_pair(struct bench *bench, const struct vector *vector, struct families pair)
{
	static struct expectation expected;
	static __u8 out[FRAME_MAX];
	struct trip trip = { .out = out, .out_len = sizeof(out), .gso_size = vector->gso_size };
	struct counts counts;
	int err;

	if (!expect(bench, vector, pair, &expected)) {
		fprintf(stderr, "  the payload could not be crafted\n");
		return false;
	}
	install(bench, &expected);
	trip.in = expected.in_bytes;
	trip.in_len = expected.in_len;
	choose_way(bench, vector, &expected.in, &trip);
	trip.tag = vector->in.tag[0];
	err = bench_run(bench, &trip);
	bench_take_counts(bench, &counts);
	compared++;
	if (!err)
		return as_expected(bench, &expected, &trip, &counts);
	fprintf(stderr, "  the program could not be run: %s\n", strerror(-err));
	if (expected.flow.key.family)
		bench_delete_flow(bench, &expected.flow.key);
	return false;
}

static bool is_for_variant(const struct vector *vector, const struct variant *variant)
{
	const enum only kind = variant->tc ? ON_TC : variant->skb ? ON_GENERIC : ON_NATIVE;
	const enum only moves = variant->tail ? ON_TAIL : ON_HEAD;

	if (vector->only & (ON_NATIVE | ON_GENERIC | ON_TC) && !(vector->only & kind))
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

int vector_run(struct bench *bench, const struct vector *vector)
{
	int failed = 0;
	size_t i;

	for (i = 0; i < FAMILIES; i++) {
		if (!vector_is_for(vector, bench_variant(bench), families[i]) ||
		    run_pair(bench, vector, families[i]))
			continue;
		fprintf(stderr, "FAILED: %s, %s, IPv%d to IPv%d, %s, %u bytes, %u padding\n",
			bench_variant(bench)->name, vector->name, families[i].in, families[i].out,
			turnpike_direction_name(vector->flow), vector->in.data_len,
			vector->in.padding);
		failed++;
	}
	return failed;
}
