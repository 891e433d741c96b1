/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Runs frames through one program, in the worlds that it is sent, and reports the results. It is
 * driven by feeder.py and knows nothing of the expected outcome.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>

#include <turnpike/turnpike.h>

#include "protocol.h"
#include "vector.h"

#define SKIPPED      77 /* CTest's SKIP_RETURN_CODE */
#define MAX_BINDINGS 64
#define MAX_HOPS     128
#define MAX_POLICERS 16

/** struct feeder - contents of the maps */
struct feeder {
	struct testbed *testbed;
	struct feed_world world;
	struct feed_port ports[65536];
	struct encoded_flow flows[2 * MAX_BINDINGS];
	struct turnpike_nexthop hops[MAX_HOPS];
	struct feed_policer policers[MAX_POLICERS];
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "feeder: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void get(void *ret, size_t len)
{
	if (len && fread(ret, len, 1, stdin) != 1)
		die("truncated request");
}

static void put(const void *data, size_t len)
{
	if (len && fwrite(data, len, 1, stdout) != 1)
		die("cannot write the reply");
}

static __u64 from_now(__s64 after)
{
	return after < 0 && (__u64)-after > TESTBED_NOW ? 0 : TESTBED_NOW + (__u64)after;
}

/* The check clock. */
static __u64 check_from_now(__s64 after)
{
	return TESTBED_CHECK_NOW + (__u64)after;
}

static __s64 check_after_now(__u64 time)
{
	return (__s64)(time - TESTBED_CHECK_NOW);
}

static void set_state(const struct feed_state *state, struct turnpike_flow *flow)
{
	flow->check_at = check_from_now(state->check_at);
	flow->until = check_from_now(state->until);
	flow->dscp_at = check_from_now(state->dscp_at);
	flow->dscps = state->dscps;
	flow->seen = state->ifindex ? turnpike_seen(state->ifindex, state->publication) : 0;
	flow->tries = (__u8)state->tries;
	flow->observation = state->observation;
}

static struct feed_state state_of(const struct turnpike_flow *flow)
{
	return (struct feed_state){
		.check_at = check_after_now(flow->check_at),
		.until = check_after_now(flow->until),
		.dscp_at = check_after_now(flow->dscp_at),
		.dscps = flow->dscps,
		.ifindex = (__u32)(flow->seen >> 32),
		.publication = (__u32)flow->seen,
		.tries = flow->tries,
		.observation = flow->observation,
	};
}

static void forget_world(struct feeder *feeder)
{
	int i;

	for (i = 0; i < 2 * feeder->world.bindings; i++)
		testbed_delete_flow(feeder->testbed, &feeder->flows[i].key);
	for (i = 0; i < feeder->world.ports; i++)
		testbed_set_role(feeder->testbed, feeder->ports[i].port, TURNPIKE_PORT_NONE);
}

/* The encoder does not set next hop and flow label. */
static void complete(struct encoded_flow *encoded, const struct feed_binding *wire, int direction)
{
	encoded->flow.nexthop = wire->nexthop[direction];
	encoded->flow.ip6_label = htonl(wire->label[direction]);
	set_state(&wire->state[direction], &encoded->flow);
}

static struct turnpike_binding binding_of(const struct feed_binding *wire)
{
	return (struct turnpike_binding){
		.client = wire->client,
		.server = wire->server,
		.relay = wire->relay,
		.peer = wire->peer,
		.channel = wire->channel,
		.xor_peer = wire->xor_peer,
		.channel_expires = from_now(wire->expires[0]),
		.permission_expires = from_now(wire->expires[1]),
		.to_peer_policer = wire->policer[0],
		.to_client_policer = wire->policer[1],
	};
}

static void encode_binding(struct feeder *feeder, int number, const struct feed_binding *wire)
{
	const struct turnpike_binding binding = binding_of(wire);
	struct encoded_flow *flows = &feeder->flows[2 * number];

	if (encode_check(&binding))
		die("invalid binding");
	encode_to_peer(&binding, &flows[0]);
	encode_to_client(&binding, &flows[1]);
	complete(&flows[0], wire, 0);
	complete(&flows[1], wire, 1);
}

static void encode_shortcut(struct feeder *feeder, const struct feed_binding *bindings)
{
	struct turnpike_binding from, to;
	struct feed_hairpin hairpin;

	get(&hairpin, sizeof(hairpin));
	if (hairpin.from >= feeder->world.bindings || hairpin.to >= feeder->world.bindings)
		die("hairpin without a binding");
	from = binding_of(&bindings[hairpin.from]);
	to = binding_of(&bindings[hairpin.to]);
	encode_hairpin(&from, &to, &feeder->flows[2 * hairpin.from]);
	complete(&feeder->flows[2 * hairpin.from], &bindings[hairpin.from], 0);
}

static void take_world(struct feeder *feeder)
{
	struct feed_binding bindings[MAX_BINDINGS];
	struct feed_world *world = &feeder->world;
	int i;

	forget_world(feeder);
	get(world, sizeof(*world));
	if (world->bindings > MAX_BINDINGS || world->hops >= MAX_HOPS)
		die("world too large");
	testbed_set_mtu(feeder->testbed, world->mtu);
	get(feeder->ports, world->ports * sizeof(feeder->ports[0]));
	for (i = 0; i < world->ports; i++)
		testbed_set_role(feeder->testbed, feeder->ports[i].port, feeder->ports[i].role);
	get(bindings, world->bindings * sizeof(bindings[0]));
	for (i = 0; i < world->bindings; i++)
		encode_binding(feeder, i, &bindings[i]);
	for (i = 0; i < world->hairpins; i++)
		encode_shortcut(feeder, bindings);
	get(&feeder->hops[1], world->hops * sizeof(feeder->hops[0]));
	for (i = 1; i <= world->hops; i++)
		testbed_set_nexthop(feeder->testbed, (__u32)i, &feeder->hops[i]);
	for (i = 0; i < 2 * world->bindings; i++)
		testbed_set_flow(feeder->testbed, &feeder->flows[i]);
}

/* Set the policers anew for each frame. */
static void set_limits(struct feeder *feeder, int policers)
{
	int i;

	if (policers > MAX_POLICERS)
		die("too many policers");
	get(feeder->policers, (size_t)policers * sizeof(feeder->policers[0]));
	for (i = 0; i < policers; i++) {
		const struct feed_policer *wire = &feeder->policers[i];
		const struct turnpike_policer policer = {
			.full = from_now(wire->full),
			.cost = wire->cost,
			.burst = wire->burst,
			.parent = wire->parent,
			.unit = wire->unit,
		};

		testbed_set_policer(feeder->testbed, wire->number, &policer);
	}
}

static __u16 put_counts(const struct counts *counts, FILE *to)
{
	struct fed_count count;
	__u16 number = 0;

	for (count.direction = 0; count.direction < TURNPIKE_DIR_MAX; count.direction++) {
		for (count.verdict = 0; count.verdict < TURNPIKE_VERDICT_MAX; count.verdict++) {
			count.counter = counts->of[count.direction][count.verdict];
			if (!count.counter.packets && !count.counter.bytes)
				continue;
			fwrite(&count, sizeof(count), 1, to);
			number++;
		}
	}
	return number;
}

static __u16 put_flows(struct feeder *feeder, FILE *to)
{
	struct turnpike_flow flow;
	__u16 number = 0;
	__u32 i;

	for (i = 0; i < 2u * feeder->world.bindings; i++) {
		const struct turnpike_flow *before = &feeder->flows[i].flow;
		struct fed_flow fed = { .number = i };

		testbed_get_flow(feeder->testbed, &feeder->flows[i].key, &flow);
		fed.counter.packets = flow.packets - before->packets;
		fed.counter.bytes = flow.bytes - before->bytes;
		if (!memcmp(&flow, before, sizeof(flow)))
			continue;
		fed.state = state_of(&flow);
		testbed_set_flow(feeder->testbed, &feeder->flows[i]);
		fwrite(&fed, sizeof(fed), 1, to);
		number++;
	}
	return number;
}

static __u16 put_hops(struct feeder *feeder, FILE *to)
{
	struct turnpike_nexthop hop;
	__u16 number = 0;
	__u32 i;

	for (i = 1; i <= feeder->world.hops; i++) {
		testbed_get_nexthop(feeder->testbed, i, &hop);
		if (!memcmp(&hop, &feeder->hops[i], sizeof(hop)))
			continue;
		fwrite(&(struct fed_hop){ i, hop.ip4_id }, sizeof(struct fed_hop), 1, to);
		testbed_set_nexthop(feeder->testbed, i, &feeder->hops[i]);
		number++;
	}
	return number;
}

static __u16 put_policers(struct feeder *feeder, int policers, FILE *to)
{
	struct turnpike_policer policer;
	__u16 number = 0;
	int i;

	for (i = 0; i < policers; i++) {
		struct feed_policer wire = feeder->policers[i];

		testbed_get_policer(feeder->testbed, wire.number, &policer);
		if (policer.full == from_now(wire.full) && policer.cost == wire.cost &&
		    policer.burst == wire.burst && policer.parent == wire.parent &&
		    policer.unit == wire.unit)
			continue;
		wire = (struct feed_policer){ wire.number,    (__u16)policer.unit,
					      policer.parent, (__s64)(policer.full - TESTBED_NOW),
					      policer.cost,   policer.burst };
		fwrite(&wire, sizeof(wire), 1, to);
		number++;
	}
	return number;
}

static __u16 put_samples(struct feeder *feeder, FILE *to)
{
	struct samples samples;
	__u32 i;

	testbed_take_samples(feeder->testbed, &samples);
	for (i = 0; i < samples.n; i++) {
		samples.of[i].value.taken -= TESTBED_CHECK_NOW;
		fwrite(&samples.of[i], sizeof(samples.of[i]), 1, to);
	}
	return (__u16)samples.n;
}

static __u16 put_event(struct feeder *feeder, FILE *to)
{
	struct events events;

	testbed_take_events(feeder->testbed, &events);
	if (events.n) {
		fwrite(&events.last.event, sizeof(events.last.event), 1, to);
		fwrite(events.last.frame, sizeof(events.last.frame), 1, to);
	}
	return (__u16)events.n;
}

static void answer(struct feeder *feeder, const struct feed_frame *frame,
		   const struct test_run *run, int error)
{
	struct fed fed = { .error = error, .action = run->action };
	struct counts counts;
	char *changes;
	size_t len;
	FILE *to = open_memstream(&changes, &len);

	if (!to)
		die("memory");
	fed.len = error ? 0 : run->out_len;
	testbed_take_counts(feeder->testbed, &counts);
	fed.counts = put_counts(&counts, to);
	fed.flows = put_flows(feeder, to);
	fed.hops = put_hops(feeder, to);
	fed.policers = put_policers(feeder, frame->policers, to);
	fed.samples = put_samples(feeder, to);
	fed.events = put_event(feeder, to);
	if (fclose(to))
		die("memory");
	put(&fed, sizeof(fed));
	put(run->out, fed.len);
	put(changes, len);
	free(changes);
	fflush(stdout);
}

static void take_frame(struct feeder *feeder)
{
	static __u8 in[FRAME_MAX], out[2 * FRAME_MAX];
	struct feed_frame frame;
	struct test_run run = { .in = in, .out = out, .out_len = sizeof(out) };
	int error;

	get(&frame, sizeof(frame));
	if (frame.len > sizeof(in))
		die("frame too long");
	set_limits(feeder, frame.policers);
	get(in, frame.len);
	run.delivery = frame.delivery;
	run.offset = frame.offset;
	run.gso_size = frame.gso_size;
	run.tag = frame.tag;
	run.in_len = frame.len;
	error = testbed_run(feeder->testbed, &run);
	answer(feeder, &frame, &run, error);
}

static void greet(const struct feeder *feeder)
{
	struct feed_hello hello = { TESTBED_IFINDEX,
				    testbed_buffer(feeder->testbed),
				    TURNPIKE_VERDICT_MAX,
				    { 0 },
				    TURNPIKE_EVENT_FRAME };
	enum turnpike_verdict verdict;

	mac_addr(MAC_OURS, hello.mac);
	put(&hello, sizeof(hello));
	for (verdict = 0; verdict < TURNPIKE_VERDICT_MAX; verdict++) {
		const char *name = turnpike_verdict_name(verdict);

		put(name, strlen(name) + 1);
	}
	fflush(stdout);
}

static void serve(struct feeder *feeder)
{
	int order;

	while ((order = getchar()) != EOF) {
		if (order == ORDER_WORLD)
			take_world(feeder);
		else if (order == ORDER_FRAME)
			take_frame(feeder);
		else
			die("unknown request");
	}
}

int main(int argc, char **argv)
{
	static struct feeder feeder;
	static struct counts counts;
	const int variant = argc == 2 ? atoi(argv[1]) : -1;

	if (variant < 0 || variant >= VARIANTS) {
		fprintf(stderr, "usage: feeder VARIANT (0 to %d)\n", VARIANTS - 1);
		return 2;
	}
	if (geteuid() != 0) {
		fprintf(stderr, "SKIPPED: loading BPF programs needs root\n");
		return SKIPPED;
	}
	if (testbed_open(&variants[variant], &feeder.testbed))
		return 1;
	testbed_take_counts(feeder.testbed, &counts); /* testbed_open() may have run a frame */
	greet(&feeder);
	serve(&feeder);
	testbed_close(feeder.testbed);
	return 0;
}
