/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <linux/pkt_cls.h>

#include "report.h"
#include "sample.h"
#include "sighting.h"
#include "wire.h"

#define MTU 9000

struct testbed *opened;
int compared;

/* How the data is framed, unless the sighting says it. */
static void frame_data(const struct run *run, const struct frame *plain, struct frame *ret)
{
	__u8 i;

	if (!ret->channel && !ret->stun) {
		ret->channel = plain->channel;
		ret->stun = plain->stun;
	}
	if (!ret->attrs)
		ret->attrs = plain->attrs;
	ret->peer = plain->peer;
	ret->peer_family = vector_peer_family(run->direction, run->vector.framings, run->pair);
	for (i = 0; i < TRANSACTION_LEN; i++)
		ret->transaction[i] = (__u8)(0x77 + 31 * i);
}

/* The packet as the flow says, but for what the sighting sets. */
static struct frame departing(const struct run *run)
{
	const struct frame plain = vector_plain_out(run->direction, run->vector.framings);
	struct frame out = run->vector.in;

	out.family = run->pair.out;
	out.src = plain.src;
	out.dst = run->sighting->other_dst ? NOBODY : plain.dst;
	frame_data(run, &plain, &out);
	if (!out.smac)
		out.smac = hops[run->vector.hop].smac;
	if (!out.dmac)
		out.dmac = MAC_NEXT;
	if (!out.data_len)
		out.data_len = SOME_DATA;
	if (out.data_len == NO_DATA)
		out.data_len = 0;
	/* The outer tag is the hwaccel tag. */
	memmove(out.tag, out.tag + 1, sizeof(out.tag) - sizeof(out.tag[0]));
	out.tag[TAGS - 1] = 0;
	return out;
}

__u32 l4_offset(const struct frame *frame)
{
	__u32 i, off = ETHERNET_HLEN;

	for (i = 0; i < TAGS && frame->tag[i]; i++)
		off += TAG_LEN;
	return off + (__u32)ip_hlen(frame->family) + frame->options + frame->extensions;
}

/* What the host changes on the way. Nothing looks at checksums. */
static void change_source(struct run *run)
{
	const __u32 l4 = l4_offset(&run->out);
	__u8 *l3 =
		run->bytes + l4 - ip_hlen(run->out.family) - run->out.options - run->out.extensions;
	const bool ipv4 = run->out.family == TURNPIKE_IPV4;
	const struct turnpike_addr other =
		host_addr(run->out.src == SERVER ? RELAY : SERVER, TURNPIKE_IPV4);

	switch (run->sighting->source) {
	case SOURCE_FLOWS:
		break;
	case SOURCE_OTHER_ADDRESS:
		l3[ipv4 ? 15 : 23] ^= 1;
		break;
	case SOURCE_OTHER_PORT:
		memcpy(run->bytes + l4, &other.port, sizeof(other.port));
		break;
	case SOURCE_NO_ROLE:
		put_wire16(run->bytes + l4, 1);
		break;
	}
	if (run->sighting->response)
		put_wire16(run->bytes + l4 + UDP_HLEN, 0x0109);
}

static void make_samples(struct run *run)
{
	const struct sighting *sighting = run->sighting;
	__u8 data[FRAME_MAX];
	int i;

	build_data(&run->out, data);
	data[0] ^= sighting->other_data;
	sample_of(&run->flow, run->out.tos, data, run->out.data_len, run->samples);
	for (i = 0; i < SAMPLE_ELEMENTS; i++) {
		run->samples[i].value.taken -= (__u64)sighting->age;
		run->samples[i].value.more = sighting->more;
		if (sighting->in_by)
			run->samples[i].value.ifindex = sighting->in_by;
	}
}

static void prepare(const struct sighting *sighting, enum turnpike_direction direction,
		    struct framings which, struct families pair, struct run *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->sighting = sighting;
	ret->direction = direction;
	ret->pair = pair;
	ret->vector = sighting->like;
	ret->vector.framings = which;
	ret->out = departing(ret);
	ret->len = (__u32)build(&ret->out, ret->bytes);
	change_source(ret);
	vector_flow(direction, which, pair, &ret->flow);
	if (sighting->like.expired)
		ret->flow.flow.expires = TESTBED_NOW;
	ret->flow.flow.nexthop = hops[sighting->like.hop].index;
	vector_state(&ret->vector, hops[sighting->like.hop].current, &ret->flow.flow);
	if (sighting->more)
		ret->flow.flow.dscps &= ~(1ull << (ret->out.tos >> 2));
	make_samples(ret);
}

static struct test_socket socket_of(const struct run *run)
{
	const __u16 ours = ntohs(host_addr(run->out.src, TURNPIKE_IPV4).port);

	switch (run->socket) {
	case SOCKET_ANY:
	case SOCKET_NONE:
		break;
	case SOCKET_SERVER:
		return (struct test_socket){ ours, IPPROTO_UDP, false };
	case SOCKET_TCP:
		return (struct test_socket){ ours, IPPROTO_TCP, false };
	case SOCKET_REQUEST:
		return (struct test_socket){ ours, IPPROTO_TCP, true };
	case SOCKET_OTHER:
		return (struct test_socket){ 1, IPPROTO_UDP, false };
	}
	return (struct test_socket){ 0 };
}

/* The observer changes neither the packet nor a counter. */
bool is_unnoticed(const struct run *run, const struct test_run *test)
{
	static const struct counts none;
	const __u32 len = run->cut ? run->cut : run->len;
	struct counts counts;
	struct events events;

	testbed_take_counts(opened, &counts);
	testbed_take_events(opened, &events);
	if (test->action == TC_ACT_UNSPEC && test->out_len == len && !events.n &&
	    !memcmp(test->out, run->bytes, len) && !memcmp(&counts, &none, sizeof(counts)))
		return true;
	fprintf(stderr, "  action %d, or something is counted\n", test->action);
	report_frames(run->bytes, len, test->out, test->out_len);
	return false;
}

/* The next check is random: it is within half of the interval, and so is the end. */
static bool in_range(struct turnpike_flow *expected, const struct turnpike_flow *actual)
{
	const __u64 early = TESTBED_CHECK_NOW + TESTBED_CONFIRM_NS * 3 / 4;
	const __u64 left = expected->expires - TESTBED_NOW;
	const __u64 check_at = actual->until - TESTBED_CONFIRM_NS;
	const bool bounded = left < check_at - TESTBED_CHECK_NOW;

	expected->until = actual->until;
	expected->check_at = bounded ? TESTBED_CHECK_NOW + left : check_at;
	return check_at >= early && check_at < early + TESTBED_CONFIRM_NS / 2;
}

static bool same_flow(const struct run *run)
{
	const struct sighting *sighting = run->sighting;
	struct turnpike_flow want = run->flow.flow, have;
	bool same = true;

	testbed_get_flow(opened, &run->flow.key, &have);
	switch (sighting->effect) {
	case EFFECT_NONE:
		break;
	case EFFECT_CONFIRMED:
		want.seen =
			turnpike_seen(run->samples[0].value.ifindex, hops[run->vector.hop].current);
		want.tries = 0;
		want.dscps = 1ull << (run->out.tos >> 2);
		want.dscp_at = TESTBED_CHECK_NOW;
		want.observation = TURNPIKE_OBSERVED_SAME;
		want.observed_on = TESTBED_IFINDEX;
		same = in_range(&want, &have);
		break;
	case EFFECT_DSCP:
		want.dscps |= 1ull << (run->out.tos >> 2);
		break;
	case EFFECT_ENDED:
		/* A flow that was confirmed is sampled again from now on. */
		if (want.seen) {
			want.tries = 0;
			want.check_at = TESTBED_CHECK_NOW;
		}
		want.seen = 0;
		/* fall through */
	case EFFECT_NOTICED:
		want.observation = sighting->observation;
		want.observed_on = TESTBED_IFINDEX;
		break;
	}
	if (same && !memcmp(&want, &have, sizeof(want)))
		return true;
	report_flows(&want, &have);
	return false;
}

/* A sample that was found is deleted; the one of the port stays. */
bool same_samples(const struct run *run)
{
	const bool found = !run->hidden && (run->sighting->effect || run->sighting->spent);
	struct samples left;

	testbed_take_samples(opened, &left);
	if (left.n == (found ? 1 : 2) && (!found || !left.of[0].key.hash))
		return true;
	fprintf(stderr, "  %u elements of samples are left\n", left.n);
	return false;
}

void install(const struct run *run)
{
	const struct turnpike_nexthop nexthop = vector_nexthop(&run->vector, MTU);
	int i;

	testbed_set_mtu(opened, MTU);
	if (run->vector.hop != HOP_BEYOND)
		testbed_set_nexthop(opened, run->flow.flow.nexthop, &nexthop);
	testbed_set_flow(opened, &run->flow);
	for (i = 0; i < SAMPLE_ELEMENTS; i++)
		testbed_set_sample(opened, &run->samples[i]);
}

int send_packet(const struct run *run, struct test_run *ret)
{
	static __u8 out[FRAME_MAX];

	*ret = (struct test_run){ .in = run->bytes,
				  .in_len = run->len,
				  .out = out,
				  .out_len = sizeof(out),
				  .gso_size = run->gso_size,
				  .socket = socket_of(run),
				  .tag = run->vector.in.tag[0] };
	if (run->sighting->forwarded)
		ret->ingress_ifindex = 1;
	if (ret->tag)
		ret->delivery = DELIVER_VLAN;
	if (run->cut) {
		ret->delivery = DELIVER_CUT;
		ret->offset = run->cut;
	}
	return testbed_run(opened, ret);
}

/* Return: how many have failed: 0 or 1. */
int observe(const struct run *run)
{
	struct test_run test;
	bool same;
	int err;

	install(run);
	err = send_packet(run, &test);
	if (err)
		fprintf(stderr, "  cannot run the program: %s\n", strerror(-err));
	same = !err && is_unnoticed(run, &test);
	same = same_flow(run) && same;
	same = same_samples(run) && same;
	testbed_delete_flow(opened, &run->flow.key);
	compared++;
	if (same)
		return 0;
	fprintf(stderr, "FAILED: %s, IPv%d to IPv%d, direction %d, framing %d to %d, socket %d\n",
		run->sighting->like.name, run->pair.in, run->pair.out, (int)run->direction,
		run->vector.framings.in, run->vector.framings.out, (int)run->socket);
	return 1;
}

/* With each socket that the sighting allows and the testbed can make. */
int run_sockets(struct run *run)
{
	const enum socket socket = run->sighting->socket;
	const bool sockets = testbed_has_sockets(opened);
	int failed = 0;

	if (socket == SOCKET_ANY || socket == SOCKET_NONE)
		failed += observe(run);
	run->socket = socket == SOCKET_ANY ? SOCKET_SERVER : socket;
	if (sockets && socket != SOCKET_NONE)
		failed += observe(run);
	return failed;
}

int run_hidden(struct run *run)
{
	run->hidden = true;
	return run_sockets(run);
}

/* With each pair of families that it is for. */
static int run_families(const struct sighting *sighting, enum turnpike_direction direction,
			struct framings which, int (*test)(struct run *run))
{
	static struct run run;
	int failed = 0;
	size_t i;

	for (i = 0; i < FAMILIES; i++) {
		const struct families leaving = { families[i].out, families[i].in };

		if (!vector_is_for(&sighting->like, &observer, leaving))
			continue;
		prepare(sighting, direction, which, families[i], &run);
		failed += test(&run);
	}
	return failed;
}

int run_each(const struct sighting *sighting, int (*test)(struct run *run))
{
	enum turnpike_direction direction;
	int failed = 0;
	size_t i;

	for (direction = TURNPIKE_DIR_TO_PEER; direction < TURNPIKE_DIR_MAX; direction++) {
		if (sighting->like.flow && sighting->like.flow != direction)
			continue;
		for (i = 0; i < FRAMINGS; i++)
			if (vector_may_have(direction, framings[i]) &&
			    framings[i].out >= sighting->like.framings.out)
				failed += run_families(sighting, direction, framings[i], test);
	}
	return failed;
}
