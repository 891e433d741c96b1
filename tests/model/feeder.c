/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Feeds frames to one program, in worlds that it is told, and says what became of them: the hands
 * of differ.py. Knows nothing of what ought to happen.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <arpa/inet.h>

#include <turnpike/turnpike.h>

#include "build.h"
#include "protocol.h"
#include "run.h"

#define SKIPPED      77 /* CTest's SKIP_RETURN_CODE */
#define MAX_BINDINGS 64
#define MAX_HOPS     128
#define MAX_POLICERS 16

/** struct feeder - what is in the maps */
struct feeder {
	struct bench *bench;
	struct feed_world world;
	struct feed_port ports[65536];
	struct encoded_flow flows[2 * MAX_BINDINGS];
	struct turnpike_nexthop hops[MAX_HOPS];
	struct feed_policer policers[MAX_POLICERS];
	__u64 now;
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "feeder: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void get(void *ret, size_t len)
{
	if (len && fread(ret, len, 1, stdin) != 1)
		die("half an order");
}

static void put(const void *data, size_t len)
{
	if (len && fwrite(data, len, 1, stdout) != 1)
		die("answer");
}

static __u64 clock_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (__u64)now.tv_sec * 1000000000ULL + (__u64)now.tv_nsec;
}

static __u64 from_now(__u64 now, __s64 after)
{
	return after < 0 && (__u64)-after > now ? 0 : now + (__u64)after;
}

static void forget_world(struct feeder *feeder)
{
	int i;

	for (i = 0; i < 2 * feeder->world.bindings; i++)
		bench_delete_flow(feeder->bench, &feeder->flows[i].key);
	for (i = 0; i < feeder->world.ports; i++)
		bench_set_role(feeder->bench, feeder->ports[i].port, TURNPIKE_PORT_NONE);
}

/* Where packets leave and what they bear is not for the encoder to know. */
static void complete(struct encoded_flow *encoded, const struct feed_binding *wire, int way)
{
	encoded->flow.nexthop = wire->nexthop[way];
	encoded->flow.ip6_label = htonl(wire->label[way]);
}

static struct turnpike_binding binding_of(const struct feeder *feeder,
					  const struct feed_binding *wire)
{
	return (struct turnpike_binding){
		.client = wire->client,
		.server = wire->server,
		.relay = wire->relay,
		.peer = wire->peer,
		.channel = wire->channel,
		.channel_expires = from_now(feeder->now, wire->expires[0]),
		.permission_expires = from_now(feeder->now, wire->expires[1]),
		.to_peer_policer = wire->policer[0],
		.to_client_policer = wire->policer[1],
	};
}

static void encode_binding(struct feeder *feeder, int number, const struct feed_binding *wire)
{
	const struct turnpike_binding binding = binding_of(feeder, wire);
	struct encoded_flow *flows = &feeder->flows[2 * number];

	if (encode_check(&binding))
		die("a binding that cannot be");
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
		die("a hairpin of no binding");
	from = binding_of(feeder, &bindings[hairpin.from]);
	to = binding_of(feeder, &bindings[hairpin.to]);
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
		die("too large a world");
	feeder->now = clock_now();
	bench_set_mtu(feeder->bench, world->mtu);
	get(feeder->ports, world->ports * sizeof(feeder->ports[0]));
	for (i = 0; i < world->ports; i++)
		bench_set_role(feeder->bench, feeder->ports[i].port, feeder->ports[i].role);
	get(bindings, world->bindings * sizeof(bindings[0]));
	for (i = 0; i < world->bindings; i++)
		encode_binding(feeder, i, &bindings[i]);
	for (i = 0; i < world->hairpins; i++)
		encode_shortcut(feeder, bindings);
	for (i = 0; i < 2 * world->bindings; i++)
		bench_set_flow(feeder->bench, &feeder->flows[i]);
	get(&feeder->hops[1], world->hops * sizeof(feeder->hops[0]));
	for (i = 1; i <= world->hops; i++)
		bench_set_nexthop(feeder->bench, (__u32)i, &feeder->hops[i]);
}

/* Every frame finds its limits and identifications as the world has them. */
static void set_limits(struct feeder *feeder, int policers)
{
	int i;

	if (policers > MAX_POLICERS)
		die("too many policers");
	get(feeder->policers, (size_t)policers * sizeof(feeder->policers[0]));
	feeder->now = clock_now();
	for (i = 0; i < policers; i++) {
		const struct feed_policer *wire = &feeder->policers[i];
		const struct turnpike_policer policer = {
			.full = from_now(feeder->now, wire->full),
			.cost = wire->cost,
			.burst = wire->burst,
			.parent = wire->parent,
		};

		bench_set_policer(feeder->bench, wire->number, &policer);
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
		struct turnpike_flow *before = &feeder->flows[i].flow;
		struct fed_flow fed = { .number = i };

		bench_get_flow(feeder->bench, &feeder->flows[i].key, &flow);
		fed.counter.packets = flow.packets - before->packets;
		fed.counter.bytes = flow.bytes - before->bytes;
		if (!memcmp(&flow, before, sizeof(flow)))
			continue;
		*before = flow;
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
		bench_get_nexthop(feeder->bench, i, &hop);
		if (!memcmp(&hop, &feeder->hops[i], sizeof(hop)))
			continue;
		fwrite(&(struct fed_hop){ i, hop.ip4_id }, sizeof(struct fed_hop), 1, to);
		bench_set_nexthop(feeder->bench, i, &feeder->hops[i]);
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

		bench_get_policer(feeder->bench, wire.number, &policer);
		if (policer.full == from_now(feeder->now, wire.full) && policer.cost == wire.cost &&
		    policer.burst == wire.burst && policer.parent == wire.parent)
			continue;
		wire = (struct feed_policer){ wire.number, policer.parent,
					      (__s64)(policer.full - feeder->now), policer.cost,
					      policer.burst };
		fwrite(&wire, sizeof(wire), 1, to);
		number++;
	}
	return number;
}

static __u16 put_event(struct feeder *feeder, FILE *to)
{
	struct told told;

	bench_take_told(feeder->bench, &told);
	if (told.n) {
		fwrite(&told.last.event, sizeof(told.last.event), 1, to);
		fwrite(told.last.frame, sizeof(told.last.frame), 1, to);
	}
	return (__u16)told.n;
}

static void answer(struct feeder *feeder, const struct feed_frame *frame, const struct trip *trip,
		   int error)
{
	struct fed fed = { .error = error, .action = trip->action };
	struct counts counts;
	char *changes;
	size_t len;
	FILE *to = open_memstream(&changes, &len);

	if (!to)
		die("memory");
	fed.len = error ? 0 : trip->out_len;
	bench_take_counts(feeder->bench, &counts);
	fed.counts = put_counts(&counts, to);
	fed.flows = put_flows(feeder, to);
	fed.hops = put_hops(feeder, to);
	fed.policers = put_policers(feeder, frame->policers, to);
	fed.events = put_event(feeder, to);
	if (fclose(to))
		die("memory");
	put(&fed, sizeof(fed));
	put(trip->out, fed.len);
	put(changes, len);
	free(changes);
	fflush(stdout);
}

static void take_frame(struct feeder *feeder)
{
	static __u8 in[FRAME_MAX], out[2 * FRAME_MAX];
	struct feed_frame frame;
	struct trip trip = { .in = in, .out = out, .out_len = sizeof(out) };
	int error;

	get(&frame, sizeof(frame));
	if (frame.len > sizeof(in))
		die("too long a frame");
	set_limits(feeder, frame.policers);
	get(in, frame.len);
	trip.way = frame.way;
	trip.offset = frame.offset;
	trip.gso_size = frame.gso_size;
	trip.tag = frame.tag;
	trip.in_len = frame.len;
	error = bench_run(feeder->bench, &trip);
	answer(feeder, &frame, &trip, error);
}

static void greet(const struct feeder *feeder)
{
	struct feed_hello hello = { BENCH_IFINDEX,
				    bench_buffer(feeder->bench),
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
			die("an order that there is not");
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
		fprintf(stderr, "SKIPPED: only root may load BPF programs\n");
		return SKIPPED;
	}
	if (bench_open(&variants[variant], &feeder.bench))
		return 1;
	bench_take_counts(feeder.bench, &counts); /* of what bench_open() has tried */
	greet(&feeder);
	serve(&feeder);
	bench_close(feeder.bench);
	return 0;
}
