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
#include "private/array_len.h"
#include "testbed.h"

#include "place.skel.h"
#include "turnpike.skel.h"

#ifndef BPF_F_TEST_SKB_CHECKSUM_COMPLETE
#define BPF_F_TEST_SKB_CHECKSUM_COMPLETE (1U << 2)
#endif

#define MAX_CPUS         1024
#define MAX_SAMPLES      1024 /* few, to find them soon */
#define COUNTERS_OF_SLOT (TURNPIKE_DIR_MAX * TURNPIKE_VERDICT_MAX)

struct testbed {
	const struct variant *variant;
	struct turnpike_bpf *relay;
	struct place_bpf *place;
	struct turnpike_device *devices; /* the map, mapped */
	struct ring_buffer *ring;
	struct events seen;
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

static int load_relay(struct testbed *testbed)
{
	struct bpf_program *program;
	struct turnpike_config *config;
	int err;

	testbed->relay = turnpike_bpf__open();
	if (!testbed->relay)
		return -errno;
	bpf_object__for_each_program(program, testbed->relay->obj) {
		const char *name = bpf_program__name(program);

		bpf_program__set_autoload(program, !strcmp(name, testbed->variant->program) ||
							   !strcmp(name, "flow_expiry"));
	}
	config = &testbed->relay->rodata->config;
	config->ifindex = TESTBED_IFINDEX;
	config->slot = TESTBED_SLOT;
	config->skb = testbed->variant->skb;
	config->confirm_ns = testbed->variant->confirms; /* the interval counts */
	bpf_map__set_max_entries(testbed->relay->maps.samples, MAX_SAMPLES);
	err = turnpike_bpf__load(testbed->relay);
	if (err)
		return err;
	program = bpf_object__find_program_by_name(testbed->relay->obj, testbed->variant->program);
	testbed->program = bpf_program__fd(program);
	return 0;
}

static int take_event(void *arg, void *data, size_t size)
{
	const struct turnpike_event_record *from = data;
	struct events *seen = arg;

	seen->n++;
	if (size != sizeof(*from))
		return 0;
	seen->last.event = from->event;
	if (from->event.len <= sizeof(from->frame))
		memcpy(seen->last.frame, from->frame, from->event.len);
	return 0;
}

static int listen_to_events(struct testbed *testbed)
{
	testbed->ring = ring_buffer__new(bpf_map__fd(testbed->relay->maps.events), take_event,
					 &testbed->seen, NULL);
	return testbed->ring ? 0 : -errno;
}

static int load_place(struct testbed *testbed)
{
	const __u32 key = 0;
	const int value = testbed->program;
	struct bpf_map *next;

	testbed->place = place_bpf__open_and_load();
	if (!testbed->place)
		return -errno;
	next = testbed->variant->tc ? testbed->place->maps.next_tc : testbed->place->maps.next_xdp;
	return bpf_map__update_elem(next, &key, sizeof(key), &value, sizeof(value), BPF_ANY);
}

static void set_device(struct testbed *testbed, __u32 slot, enum mac mac, __u16 mtu)
{
	mac_addr(mac, testbed->devices[slot].mac);
	testbed->devices[slot].mtu = mtu;
}

void testbed_set_mtu(struct testbed *testbed, __u16 mtu)
{
	set_device(testbed, TESTBED_SLOT, MAC_OURS, mtu);
}

static size_t devices_size(void)
{
	return TURNPIKE_SLOTS * sizeof(struct turnpike_device);
}

/* Fill all slots with values that are wrong for this device. */
static void set_devices(struct testbed *testbed)
{
	const int fd = bpf_map__fd(testbed->relay->maps.devices);
	__u32 slot;

	testbed->devices = mmap(NULL, devices_size(), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (testbed->devices == MAP_FAILED)
		die("devices");

	for (slot = 0; slot < TURNPIKE_SLOTS; slot++)
		set_device(testbed, slot, MAC_OTHER2, 0);
	/* config.tick_ns is 0: clocks stand still. */
	testbed->devices[TESTBED_SLOT].tick_zero = TESTBED_NOW;
	testbed->devices[TESTBED_SLOT].check_zero = TESTBED_CHECK_NOW;
	testbed->devices[TESTBED_SLOT].interval = TESTBED_CONFIRM_NS;
}

/* The room that the kernel keeps at both ends differs between versions. */
static int measure_buffer(struct testbed *testbed)
{
	__u8 out[FRAME_MAX];
	const __u8 in[64] = { 0 };
	struct test_run run = {
		.delivery = DELIVER_PLACED, .in = in, .in_len = sizeof(in), .out = out
	};
	int err;

	run.out_len = sizeof(out);
	err = testbed_run(testbed, &run);
	testbed->buffer = testbed->place->bss->place.total;
	return err;
}

const char *testbed_missing(void)
{
	return geteuid() == 0 ? NULL : "running BPF programs needs root";
}

int testbed_open(const struct variant *variant, struct testbed **ret)
{
	struct testbed *testbed = calloc(1, sizeof(*testbed));
	int err;

	if (!testbed)
		return -ENOMEM;
	testbed->variant = variant;
	testbed->cpus = libbpf_num_possible_cpus();
	if (testbed->cpus < 1 || testbed->cpus > MAX_CPUS)
		die("number of CPUs: %d", testbed->cpus);
	err = load_relay(testbed);
	if (!err)
		err = listen_to_events(testbed);
	if (!err)
		err = load_place(testbed);
	if (!err)
		set_devices(testbed);
	if (!err && !variant->tc)
		err = measure_buffer(testbed);
	if (err) {
		fprintf(stderr, "cannot load %s: %s\n", variant->name, strerror(-err));
		testbed_close(testbed);
		return err;
	}
	*ret = testbed;
	return 0;
}

void testbed_close(struct testbed *testbed)
{
	if (!testbed)
		return;
	if (testbed->devices)
		munmap(testbed->devices, devices_size());
	ring_buffer__free(testbed->ring);
	place_bpf__destroy(testbed->place);
	turnpike_bpf__destroy(testbed->relay);
	free(testbed);
}

const struct variant *testbed_variant(const struct testbed *testbed)
{
	return testbed->variant;
}

__u32 testbed_buffer(const struct testbed *testbed)
{
	return testbed->buffer;
}

/* Choose the program that runs first, and set its parameters. */
static int first_program(struct testbed *testbed, const struct test_run *run)
{
	struct place *place = &testbed->place->bss->place;

	place->offset = run->offset;
	place->len = run->in_len;
	place->tpid = (__u16)(run->tag >> 16);
	place->tci = (__u16)run->tag;
	switch (run->delivery) {
	case DELIVER_PLACED:
		memcpy(place->frame, run->in, run->in_len);
		return bpf_program__fd(testbed->place->progs.place_xdp);
	case DELIVER_POISONED:
		return bpf_program__fd(testbed->place->progs.poison_tc);
	case DELIVER_STUCK:
		return bpf_program__fd(testbed->place->progs.stuck_tc);
	case DELIVER_VLAN:
		return bpf_program__fd(testbed->place->progs.vlan_tc);
	case DELIVER_CUT:
		place->len = run->offset;
		return bpf_program__fd(testbed->place->progs.cut_tc);
	case DELIVER_PLAIN:
	case DELIVER_COMPLETE:
		break;
	}
	return testbed->program;
}

int testbed_run(struct testbed *testbed, struct test_run *run)
{
	/* BPF_PROG_TEST_RUN rejects frames that fill the buffer; place_xdp makes them. */
	const __u32 in_len = run->delivery == DELIVER_PLACED ? 64 : run->in_len;
	const __u8 blank[64] = { 0 };
	struct __sk_buff skb = { .gso_size = run->gso_size,
				 .gso_segs = run->gso_size ? 2 : 0,
				 .ingress_ifindex = run->ingress_ifindex };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = run->in, .data_size_in = in_len,
		    .data_out = run->out, .data_size_out = run->out_len, .repeat = 1);
	int err;

	if (run->delivery == DELIVER_PLACED)
		opts.data_in = blank;
	if (run->delivery == DELIVER_COMPLETE)
		opts.flags = BPF_F_TEST_SKB_CHECKSUM_COMPLETE;
	if (testbed->variant->tc) {
		opts.ctx_in = &skb;
		opts.ctx_size_in = sizeof(skb);
	}
	err = bpf_prog_test_run_opts(first_program(testbed, run), &opts);
	run->out_len = opts.data_size_out;
	run->action = (int)opts.retval;
	return err;
}

bool testbed_has_sockets(const struct testbed *testbed)
{
	(void)testbed;
	return false;
}

void testbed_set_check_now(struct testbed *testbed, __u64 now)
{
	testbed->devices[TESTBED_SLOT].check_zero = now;
}

bool testbed_has_complete(struct testbed *testbed)
{
	__u8 out[64];
	const __u8 in[64] = { 0 };
	struct test_run run = {
		.delivery = DELIVER_COMPLETE, .in = in, .in_len = sizeof(in), .out = out
	};

	struct counts counts;
	int err;

	run.out_len = sizeof(out);
	err = testbed_run(testbed, &run);
	testbed_take_counts(testbed, &counts);
	return err != -EINVAL;
}

static void set_element(const struct bpf_map *map, const void *key, size_t key_len,
			const void *value, size_t len)
{
	if (bpf_map__update_elem(map, key, key_len, value, len, BPF_ANY))
		die("%s", bpf_map__name(map));
}

void testbed_set_role(struct testbed *testbed, __be16 port, enum turnpike_port_role role)
{
	static struct turnpike_ports roles;
	const __u32 key = 0;
	struct bpf_map *map = testbed->relay->maps.ports;

	if (bpf_map__lookup_elem(map, &key, sizeof(key), &roles, sizeof(roles), 0))
		die("ports");
	roles.role[port] = (__u8)role;
	set_element(map, &key, sizeof(key), &roles, sizeof(roles));
}

void testbed_set_nexthop(struct testbed *testbed, __u32 index,
			 const struct turnpike_nexthop *nexthop)
{
	set_element(testbed->relay->maps.nexthops, &index, sizeof(index), nexthop,
		    sizeof(*nexthop));
}

void testbed_get_nexthop(struct testbed *testbed, __u32 index, struct turnpike_nexthop *ret)
{
	if (bpf_map__lookup_elem(testbed->relay->maps.nexthops, &index, sizeof(index), ret,
				 sizeof(*ret), 0))
		die("nexthops");
}

void testbed_set_policer(struct testbed *testbed, __u32 index,
			 const struct turnpike_policer *policer)
{
	set_element(testbed->relay->maps.policers, &index, sizeof(index), policer,
		    sizeof(*policer));
}

void testbed_get_policer(struct testbed *testbed, __u32 index, struct turnpike_policer *ret)
{
	if (bpf_map__lookup_elem(testbed->relay->maps.policers, &index, sizeof(index), ret,
				 sizeof(*ret), 0))
		die("policers");
}

void testbed_take_events(struct testbed *testbed, struct events *ret)
{
	ring_buffer__consume(testbed->ring);
	*ret = testbed->seen;
	testbed->seen = (struct events){ 0 };
}

void testbed_set_sample(struct testbed *testbed, const struct sample *sample)
{
	set_element(testbed->relay->maps.samples, &sample->key, sizeof(sample->key), &sample->value,
		    sizeof(sample->value));
}

void testbed_take_samples(struct testbed *testbed, struct samples *ret)
{
	const struct bpf_map *map = testbed->relay->maps.samples;
	struct sample *next = ret->of;

	memset(ret, 0, sizeof(*ret));
	while (ret->n < ARRAY_LEN(ret->of) &&
	       !bpf_map__get_next_key(map, NULL, &next->key, sizeof(next->key))) {
		if (bpf_map__lookup_elem(map, &next->key, sizeof(next->key), &next->value,
					 sizeof(next->value), 0) ||
		    bpf_map__delete_elem(map, &next->key, sizeof(next->key), 0))
			die("samples");
		ret->n++;
		next++;
	}
}

static const struct bpf_map *flow_map(const struct testbed *testbed, const struct flow_key *key,
				      size_t *len)
{
	switch (key->table) {
	case TURNPIKE_FLOWS4:
		*len = sizeof(key->key4);
		return testbed->relay->maps.flows4;
	case TURNPIKE_FLOWS6:
		*len = sizeof(key->key6);
		return testbed->relay->maps.flows6;
	default:
		*len = sizeof(key->send);
		return testbed->relay->maps.sends;
	}
}

void testbed_set_flow(struct testbed *testbed, const struct encoded_flow *flow)
{
	size_t len;
	const struct bpf_map *map = flow_map(testbed, &flow->key, &len);

	set_element(map, &flow->key.key4, len, &flow->flow, sizeof(flow->flow));
}

void testbed_get_flow(struct testbed *testbed, const struct flow_key *key,
		      struct turnpike_flow *ret)
{
	size_t len;
	const struct bpf_map *map = flow_map(testbed, key, &len);

	if (bpf_map__lookup_elem(map, &key->key4, len, ret, sizeof(*ret), 0))
		die("%s", bpf_map__name(map));
}

void testbed_delete_flow(struct testbed *testbed, const struct flow_key *key)
{
	size_t len;
	const struct bpf_map *map = flow_map(testbed, key, &len);

	if (bpf_map__delete_elem(map, &key->key4, len, 0))
		die("%s", bpf_map__name(map));
}

int testbed_set_expiry(struct testbed *testbed, const struct flow_key *key, __u64 expires)
{
	struct turnpike_flow_expiry expiry = { .table = key->table, .expires = expires };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = &expiry, .ctx_size_in = sizeof(expiry));

	expiry.send = key->send;
	if (bpf_prog_test_run_opts(bpf_program__fd(testbed->relay->progs.flow_expiry), &opts))
		die("flow_expiry");
	return (int)opts.retval;
}

/* Read @len counters from @first on, each summed over all CPUs. */
static void get_counters(struct testbed *testbed, __u32 first, __u32 len,
			 struct turnpike_counter *ret)
{
	struct turnpike_counter *values =
		calloc((size_t)len * (size_t)testbed->cpus, sizeof(*values));
	__u32 *keys = calloc(len, sizeof(*keys));
	__u32 before = first - 1;
	__u32 next, i, cpu;

	if (!values || !keys)
		die("memory");
	if (bpf_map_lookup_batch(bpf_map__fd(testbed->relay->maps.counters), first ? &before : NULL,
				 &next, keys, values, &len, NULL))
		die("counters");
	for (i = 0; i < len; i++) {
		ret[i] = (struct turnpike_counter){ 0 };
		for (cpu = 0; cpu < (__u32)testbed->cpus; cpu++) {
			ret[i].packets += values[i * (__u32)testbed->cpus + cpu].packets;
			ret[i].bytes += values[i * (__u32)testbed->cpus + cpu].bytes;
		}
	}
	free(values);
	free(keys);
}

static void clear_counter(struct testbed *testbed, __u32 index)
{
	static const struct turnpike_counter zero[MAX_CPUS];

	if (bpf_map_update_elem(bpf_map__fd(testbed->relay->maps.counters), &index, zero, BPF_ANY))
		die("counters");
}

void testbed_take_counts(struct testbed *testbed, struct counts *ret)
{
	const __u32 first = turnpike_counter_index(TESTBED_SLOT, 0, 0);
	struct turnpike_counter *counter = &ret->of[0][0];
	__u32 i;

	get_counters(testbed, first, COUNTERS_OF_SLOT, counter);
	for (i = 0; i < COUNTERS_OF_SLOT; i++, counter++)
		if (counter->packets || counter->bytes)
			clear_counter(testbed, first + i);
}

__u64 testbed_foreign_packets(struct testbed *testbed)
{
	static struct turnpike_counter all[TURNPIKE_COUNTERS];
	const __u32 begin = turnpike_counter_index(TESTBED_SLOT, 0, 0);
	__u64 packets = 0;
	__u32 i;

	get_counters(testbed, 0, TURNPIKE_COUNTERS, all);
	for (i = 0; i < TURNPIKE_COUNTERS; i++)
		if (i < begin || i >= begin + COUNTERS_OF_SLOT)
			packets += all[i].packets;
	return packets;
}
