/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "build.h"
#include "place.h"
#include "run.h"
#include "base/monotonic.h"

#include "place.skel.h"
#include "turnpike.skel.h"

#ifndef BPF_F_TEST_SKB_CHECKSUM_COMPLETE
#define BPF_F_TEST_SKB_CHECKSUM_COMPLETE (1U << 2)
#endif

#define MAX_CPUS         1024
#define COUNTERS_OF_SLOT (TURNPIKE_DIR_MAX * TURNPIKE_VERDICT_MAX)

struct bench {
	const struct variant *variant;
	struct turnpike_bpf *relay;
	struct place_bpf *place;
	struct turnpike_device *devices; /* the map, in our memory */
	struct ring_buffer *events;
	struct told told;
	int program;
	int cpus;
	__u32 buffer;
};

static _Noreturn __attribute__((format(printf, 1, 2))) void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, ": %s\n", strerror(errno));
	exit(1);
}

static int load_relay(struct bench *bench)
{
	struct bpf_program *program;
	struct turnpike_config *config;
	int err;

	bench->relay = turnpike_bpf__open();
	if (!bench->relay)
		return -errno;
	bpf_object__for_each_program(program, bench->relay->obj) {
		const char *name = bpf_program__name(program);

		bpf_program__set_autoload(program, !strcmp(name, bench->variant->program) ||
							   !strcmp(name, "flow_expiry"));
	}
	config = &bench->relay->rodata->config;
	config->ifindex = BENCH_IFINDEX;
	config->slot = BENCH_SLOT;
	config->skb = bench->variant->skb;
	err = turnpike_bpf__load(bench->relay);
	if (err)
		return err;
	program = bpf_object__find_program_by_name(bench->relay->obj, bench->variant->program);
	bench->program = bpf_program__fd(program);
	return 0;
}

static int take_event(void *arg, void *data, size_t size)
{
	const struct turnpike_event_record *from = data;
	struct told *told = arg;

	told->n++;
	if (size != sizeof(*from))
		return 0;
	told->last.event = from->event;
	if (from->event.len <= sizeof(from->frame))
		memcpy(told->last.frame, from->frame, from->event.len);
	return 0;
}

static int listen_to_events(struct bench *bench)
{
	bench->events = ring_buffer__new(bpf_map__fd(bench->relay->maps.events), take_event,
					 &bench->told, NULL);
	return bench->events ? 0 : -errno;
}

static int load_place(struct bench *bench)
{
	const __u32 key = 0;
	const int value = bench->program;
	struct bpf_map *next;

	bench->place = place_bpf__open_and_load();
	if (!bench->place)
		return -errno;
	next = bench->variant->tc ? bench->place->maps.next_tc : bench->place->maps.next_xdp;
	return bpf_map__update_elem(next, &key, sizeof(key), &value, sizeof(value), BPF_ANY);
}

static void set_device(struct bench *bench, __u32 slot, enum mac mac, __u16 mtu)
{
	mac_addr(mac, bench->devices[slot].mac);
	bench->devices[slot].mtu = mtu;
}

void bench_set_mtu(struct bench *bench, __u16 mtu)
{
	set_device(bench, BENCH_SLOT, MAC_OURS, mtu);
}

/* The others are wrong in everything. */
static size_t devices_size(void)
{
	return TURNPIKE_SLOTS * sizeof(struct turnpike_device);
}

static void set_devices(struct bench *bench)
{
	const int fd = bpf_map__fd(bench->relay->maps.devices);
	__u32 slot;

	bench->devices = mmap(NULL, devices_size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (bench->devices == MAP_FAILED)
		die("devices");

	for (slot = 0; slot < TURNPIKE_SLOTS; slot++)
		set_device(bench, slot, MAC_OTHER2, 0);
}

/* How much there is between the ends that the kernel keeps: differs between kernels. */
static int measure_buffer(struct bench *bench)
{
	__u8 out[FRAME_MAX];
	const __u8 in[64] = { 0 };
	struct trip trip = { .way = WAY_PLACED, .in = in, .in_len = sizeof(in), .out = out };
	int err;

	trip.out_len = sizeof(out);
	err = bench_run(bench, &trip);
	bench->buffer = bench->place->bss->place.total;
	return err;
}

const char *bench_missing(void)
{
	return geteuid() == 0 ? NULL : "only root may run BPF programs";
}

int bench_open(const struct variant *variant, struct bench **ret)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	int err;

	if (!bench)
		return -ENOMEM;
	bench->variant = variant;
	bench->cpus = libbpf_num_possible_cpus();
	if (bench->cpus < 1 || bench->cpus > MAX_CPUS)
		die("number of CPUs: %d", bench->cpus);
	err = load_relay(bench);
	if (!err)
		err = listen_to_events(bench);
	if (!err)
		err = load_place(bench);
	if (!err)
		set_devices(bench);
	if (!err && !variant->tc)
		err = measure_buffer(bench);
	if (err) {
		fprintf(stderr, "%s: cannot be loaded: %s\n", variant->name, strerror(-err));
		bench_close(bench);
		return err;
	}
	*ret = bench;
	return 0;
}

void bench_close(struct bench *bench)
{
	if (!bench)
		return;
	if (bench->devices)
		munmap(bench->devices, devices_size());
	ring_buffer__free(bench->events);
	place_bpf__destroy(bench->place);
	turnpike_bpf__destroy(bench->relay);
	free(bench);
}

const struct variant *bench_variant(const struct bench *bench)
{
	return bench->variant;
}

__u32 bench_buffer(const struct bench *bench)
{
	return bench->buffer;
}

/* The program in front, and what it is to do. */
static int first_program(struct bench *bench, const struct trip *trip)
{
	struct place *place = &bench->place->bss->place;

	place->offset = trip->offset;
	place->len = trip->in_len;
	place->tpid = (__u16)(trip->tag >> 16);
	place->tci = (__u16)trip->tag;
	switch (trip->way) {
	case WAY_PLACED:
		memcpy(place->frame, trip->in, trip->in_len);
		return bpf_program__fd(bench->place->progs.place_xdp);
	case WAY_POISONED:
		return bpf_program__fd(bench->place->progs.poison_tc);
	case WAY_STUCK:
		return bpf_program__fd(bench->place->progs.stuck_tc);
	case WAY_VLAN:
		return bpf_program__fd(bench->place->progs.vlan_tc);
	case WAY_CUT:
		place->len = trip->offset;
		return bpf_program__fd(bench->place->progs.cut_tc);
	case WAY_PLAIN:
	case WAY_COMPLETE:
		break;
	}
	return bench->program;
}

int bench_run(struct bench *bench, struct trip *trip)
{
	/* BPF_PROG_TEST_RUN does not take frames that fill the buffer; place_xdp makes them. */
	const __u32 in_len = trip->way == WAY_PLACED ? 64 : trip->in_len;
	const __u8 blank[64] = { 0 };
	struct __sk_buff skb = { .gso_size = trip->gso_size, .gso_segs = trip->gso_size ? 2 : 0 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = trip->in, .data_size_in = in_len,
		    .data_out = trip->out, .data_size_out = trip->out_len, .repeat = 1);
	int err;

	/* With ticks that take no time, so that it is now. */
	bench->devices[BENCH_SLOT].tick_zero = clock_ns();
	if (trip->way == WAY_PLACED)
		opts.data_in = blank;
	if (trip->way == WAY_COMPLETE)
		opts.flags = BPF_F_TEST_SKB_CHECKSUM_COMPLETE;
	if (bench->variant->tc) {
		opts.ctx_in = &skb;
		opts.ctx_size_in = sizeof(skb);
	}
	err = bpf_prog_test_run_opts(first_program(bench, trip), &opts);
	trip->out_len = opts.data_size_out;
	trip->action = (int)opts.retval;
	return err;
}

bool bench_knows_complete(struct bench *bench)
{
	__u8 out[64];
	const __u8 in[64] = { 0 };
	struct trip trip = { .way = WAY_COMPLETE, .in = in, .in_len = sizeof(in), .out = out };

	struct counts counts;
	int err;

	trip.out_len = sizeof(out);
	err = bench_run(bench, &trip);
	bench_take_counts(bench, &counts);
	return err != -EINVAL;
}

static void set_element(const struct bpf_map *map, const void *key, size_t key_len,
			const void *value, size_t len)
{
	if (bpf_map__update_elem(map, key, key_len, value, len, BPF_ANY))
		die("%s", bpf_map__name(map));
}

void bench_set_role(struct bench *bench, __be16 port, enum turnpike_port_role role)
{
	static struct turnpike_ports roles;
	const __u32 key = 0;
	struct bpf_map *map = bench->relay->maps.ports;

	if (bpf_map__lookup_elem(map, &key, sizeof(key), &roles, sizeof(roles), 0))
		die("ports");
	roles.role[port] = (__u8)role;
	set_element(map, &key, sizeof(key), &roles, sizeof(roles));
}

void bench_set_nexthop(struct bench *bench, __u32 index, const struct turnpike_nexthop *nexthop)
{
	set_element(bench->relay->maps.nexthops, &index, sizeof(index), nexthop, sizeof(*nexthop));
}

void bench_get_nexthop(struct bench *bench, __u32 index, struct turnpike_nexthop *ret)
{
	if (bpf_map__lookup_elem(bench->relay->maps.nexthops, &index, sizeof(index), ret,
				 sizeof(*ret), 0))
		die("nexthops");
}

void bench_set_policer(struct bench *bench, __u32 index, const struct turnpike_policer *policer)
{
	set_element(bench->relay->maps.policers, &index, sizeof(index), policer, sizeof(*policer));
}

void bench_get_policer(struct bench *bench, __u32 index, struct turnpike_policer *ret)
{
	if (bpf_map__lookup_elem(bench->relay->maps.policers, &index, sizeof(index), ret,
				 sizeof(*ret), 0))
		die("policers");
}

void bench_take_told(struct bench *bench, struct told *ret)
{
	ring_buffer__consume(bench->events);
	*ret = bench->told;
	bench->told = (struct told){ 0 };
}

static const struct bpf_map *flow_map(const struct bench *bench, const struct flow_key *key,
				      size_t *len)
{
	if (key->family == TURNPIKE_IPV4) {
		*len = sizeof(key->key4);
		return bench->relay->maps.flows4;
	}
	*len = sizeof(key->key6);
	return bench->relay->maps.flows6;
}

void bench_set_flow(struct bench *bench, const struct encoded_flow *flow)
{
	size_t len;
	const struct bpf_map *map = flow_map(bench, &flow->key, &len);

	set_element(map, &flow->key.key4, len, &flow->flow, sizeof(flow->flow));
}

void bench_get_flow(struct bench *bench, const struct flow_key *key, struct turnpike_flow *ret)
{
	size_t len;
	const struct bpf_map *map = flow_map(bench, key, &len);

	if (bpf_map__lookup_elem(map, &key->key4, len, ret, sizeof(*ret), 0))
		die("%s", bpf_map__name(map));
}

void bench_delete_flow(struct bench *bench, const struct flow_key *key)
{
	size_t len;
	const struct bpf_map *map = flow_map(bench, key, &len);

	if (bpf_map__delete_elem(map, &key->key4, len, 0))
		die("%s", bpf_map__name(map));
}

int bench_set_expiry(struct bench *bench, const struct flow_key *key, __u64 expires)
{
	struct turnpike_flow_expiry expiry = { .family = key->family, .expires = expires };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &expiry, .ctx_size_in = sizeof(expiry));

	if (key->family == TURNPIKE_IPV4)
		expiry.key4 = key->key4;
	else
		expiry.key6 = key->key6;
	if (bpf_prog_test_run_opts(bpf_program__fd(bench->relay->progs.flow_expiry), &opts))
		die("flow_expiry");
	return (int)opts.retval;
}

/* All of @len counters from @first on, each the sum over all CPUs. */
static void get_counters(struct bench *bench, __u32 first, __u32 len, struct turnpike_counter *ret)
{
	struct turnpike_counter *values =
		calloc((size_t)len * (size_t)bench->cpus, sizeof(*values));
	__u32 *keys = calloc(len, sizeof(*keys));
	__u32 before = first - 1;
	__u32 next, i, cpu;

	if (!values || !keys)
		die("memory");
	if (bpf_map_lookup_batch(bpf_map__fd(bench->relay->maps.counters), first ? &before : NULL,
				 &next, keys, values, &len, NULL))
		die("counters");
	for (i = 0; i < len; i++) {
		ret[i] = (struct turnpike_counter){ 0 };
		for (cpu = 0; cpu < (__u32)bench->cpus; cpu++) {
			ret[i].packets += values[i * (__u32)bench->cpus + cpu].packets;
			ret[i].bytes += values[i * (__u32)bench->cpus + cpu].bytes;
		}
	}
	free(values);
	free(keys);
}

static void clear_counter(struct bench *bench, __u32 index)
{
	static const struct turnpike_counter zero[MAX_CPUS];

	if (bpf_map_update_elem(bpf_map__fd(bench->relay->maps.counters), &index, zero, BPF_ANY))
		die("counters");
}

void bench_take_counts(struct bench *bench, struct counts *ret)
{
	const __u32 first = turnpike_counter_index(BENCH_SLOT, 0, 0);
	struct turnpike_counter *counter = &ret->of[0][0];
	__u32 i;

	get_counters(bench, first, COUNTERS_OF_SLOT, counter);
	for (i = 0; i < COUNTERS_OF_SLOT; i++, counter++)
		if (counter->packets || counter->bytes)
			clear_counter(bench, first + i);
}

__u64 bench_foreign_packets(struct bench *bench)
{
	static struct turnpike_counter all[TURNPIKE_COUNTERS];
	const __u32 begin = turnpike_counter_index(BENCH_SLOT, 0, 0);
	__u64 packets = 0;
	__u32 i;

	get_counters(bench, 0, TURNPIKE_COUNTERS, all);
	for (i = 0; i < TURNPIKE_COUNTERS; i++)
		if (i < begin || i >= begin + COUNTERS_OF_SLOT)
			packets += all[i].packets;
	return packets;
}
