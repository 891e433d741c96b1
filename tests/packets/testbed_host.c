/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* testbed.h on the host, with the programs of tests/host. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include "build.h"
#include "host_frame.h"
#include "host_maps.h"
#include "private/array_len.h"
#include "testbed.h"

/* As in BPF_PROG_TEST_RUN: a page without what the kernel keeps at both ends. */
#define BUFFER    (4096 - 40 - 320)
#define HEAD_ROOM (256 - 40)

struct testbed {
	const struct variant *variant;
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(1);
}

const char *testbed_missing(void)
{
	return NULL;
}

static void set_device(__u32 slot, enum mac mac, __u16 mtu)
{
	mac_addr(mac, host_maps.devices[slot].mac);
	host_maps.devices[slot].mtu = mtu;
}

void testbed_set_mtu(struct testbed *testbed, __u16 mtu)
{
	(void)testbed;
	set_device(TESTBED_SLOT, MAC_OURS, mtu);
}

int testbed_open(const struct variant *variant, struct testbed **ret)
{
	struct testbed *testbed = calloc(1, sizeof(*testbed));
	__u32 slot;

	if (!testbed)
		return -ENOMEM;
	testbed->variant = variant;
	memset(&host_maps, 0, sizeof(host_maps));
	for (slot = 0; slot < TURNPIKE_SLOTS; slot++)
		set_device(slot, MAC_OTHER2, 0);
	host_maps.devices[TESTBED_SLOT].tick_zero = TESTBED_NOW - HOST_UPTIME;
	host_maps.devices[TESTBED_SLOT].check_zero = TESTBED_CHECK_NOW - HOST_UPTIME;
	host_maps.devices[TESTBED_SLOT].interval = TESTBED_CONFIRM_NS;
	host_configure(TESTBED_IFINDEX, TESTBED_SLOT, variant->skb, variant->tc, variant->confirms);
	*ret = testbed;
	return 0;
}

void testbed_close(struct testbed *testbed)
{
	free(testbed);
}

const struct variant *testbed_variant(const struct testbed *testbed)
{
	return testbed->variant;
}

__u32 testbed_buffer(const struct testbed *testbed)
{
	return testbed->variant->tc ? 0 : BUFFER;
}

static void make_xdp(const struct test_run *run, struct host_frame *frame)
{
	const __u32 head = run->delivery == DELIVER_PLACED ? run->offset : HEAD_ROOM;

	if (head + run->in_len > BUFFER)
		die("the frame does not fit the buffer");
	host_xdp_frame(frame, run->in, run->in_len, head, BUFFER - head - run->in_len);
}

/* Poisoned frames also have nothing but the Ethernet header in linear memory. */
static void make_skb(const struct test_run *run, struct host_frame *frame)
{
	const __u32 len = run->delivery == DELIVER_CUT ? run->offset : run->in_len;

	host_skb_frame(frame, run->in, len,
		       run->delivery == DELIVER_POISONED ? ETHERNET_HLEN : len);
	frame->ctx.skb.gso_size = run->gso_size;
	frame->ctx.skb.ingress_ifindex = run->ingress_ifindex;
	frame->stuck = run->delivery == DELIVER_STUCK;
	if (run->delivery == DELIVER_VLAN) {
		frame->ctx.skb.vlan_present = 1;
		frame->ctx.skb.vlan_proto = htons((__u16)(run->tag >> 16));
		frame->ctx.skb.vlan_tci = run->tag & 0xffff;
	}
	if (run->delivery == DELIVER_COMPLETE) {
		frame->complete = true;
		frame->csum = host_frame_sum(frame);
	}
}

static int run_program(const struct variant *variant, struct host_frame *frame)
{
	if (variant->egress)
		return observe_tc(&frame->ctx.skb);
	if (variant->tc)
		return relay_tc(&frame->ctx.skb);
	return variant->tail ? relay_xdp_tail(&frame->ctx.xdp) : relay_xdp_head(&frame->ctx.xdp);
}

/* Check what the kernel does not show: hwaccel tag, surrounding memory, CHECKSUM_COMPLETE. */
static int check_rest(const struct test_run *run, struct host_frame *frame)
{
	const struct __sk_buff *skb = &frame->ctx.skb;

	if (!host_frame_is_whole(frame))
		return -EFAULT;
	if (frame->complete && frame->csum != host_frame_sum(frame))
		return -EBADMSG;
	if (frame->tc &&
	    (skb->vlan_present != (run->delivery == DELIVER_VLAN) ||
	     (skb->vlan_present && (skb->vlan_tci != (run->tag & 0xffff) ||
				    ntohs((__be16)skb->vlan_proto) != run->tag >> 16))))
		return -EPROTO;
	return 0;
}

int testbed_run(struct testbed *testbed, struct test_run *run)
{
	const bool tc = testbed->variant->tc;
	struct bpf_sock sk = { .src_port = run->socket.port,
			       .protocol = run->socket.protocol,
			       .state = run->socket.request ? BPF_TCP_NEW_SYN_RECV : 0 };
	struct host_frame frame;
	int err;

	if (tc)
		make_skb(run, &frame);
	else
		make_xdp(run, &frame);
	if (tc && run->socket.protocol)
		frame.ctx.skb.sk = &sk;
	bpf_get_prandom_u32(); /* not the same number each time */
	run->action = run_program(testbed->variant, &frame);
	run->out_len = host_frame_bytes(&frame, run->out, run->out_len);
	err = check_rest(run, &frame);
	host_frame_free(&frame);
	return err;
}

bool testbed_has_sockets(const struct testbed *testbed)
{
	(void)testbed;
	return true;
}

void testbed_set_check_now(struct testbed *testbed, __u64 now)
{
	(void)testbed;
	host_maps.devices[TESTBED_SLOT].check_zero = now - HOST_UPTIME;
}

bool testbed_has_complete(struct testbed *testbed)
{
	(void)testbed;
	return true;
}

void testbed_set_role(struct testbed *testbed, __be16 port, enum turnpike_port_role role)
{
	(void)testbed;
	host_maps.ports.role[port] = (__u8)role;
}

static void *element(void *array, __u32 index, __u32 max, size_t size)
{
	if (index >= max)
		die("the map of tests/host has too few elements for this test");
	return (__u8 *)array + index * size;
}

#define NEXTHOP(index) \
	element(host_maps.nexthops, index, HOST_NEXTHOPS, sizeof(struct turnpike_nexthop))
#define POLICER(index) \
	element(host_maps.policers, index, HOST_POLICERS, sizeof(struct turnpike_policer))

void testbed_set_nexthop(struct testbed *testbed, __u32 index,
			 const struct turnpike_nexthop *nexthop)
{
	(void)testbed;
	memcpy(NEXTHOP(index), nexthop, sizeof(*nexthop));
}

void testbed_get_nexthop(struct testbed *testbed, __u32 index, struct turnpike_nexthop *ret)
{
	(void)testbed;
	memcpy(ret, NEXTHOP(index), sizeof(*ret));
}

void testbed_set_policer(struct testbed *testbed, __u32 index,
			 const struct turnpike_policer *policer)
{
	(void)testbed;
	memcpy(POLICER(index), policer, sizeof(*policer));
}

void testbed_get_policer(struct testbed *testbed, __u32 index, struct turnpike_policer *ret)
{
	(void)testbed;
	memcpy(ret, POLICER(index), sizeof(*ret));
}

void testbed_take_events(struct testbed *testbed, struct events *ret)
{
	(void)testbed;
	memset(ret, 0, sizeof(*ret)); /* compared including its padding */
	ret->n = host_maps.n_events;
	ret->last = host_maps.event;
	host_maps.n_events = 0;
	memset(&host_maps.event, 0, sizeof(host_maps.event));
}

void testbed_set_sample(struct testbed *testbed, const struct sample *sample)
{
	(void)testbed;
	host_set_sample(&sample->key, &sample->value);
}

void testbed_take_samples(struct testbed *testbed, struct samples *ret)
{
	(void)testbed;
	memset(ret, 0, sizeof(*ret));
	for (; ret->n < host_maps.n_samples; ret->n++) {
		if (ret->n == ARRAY_LEN(ret->of))
			die("too many samples");
		ret->of[ret->n].key = host_maps.samples[ret->n].key;
		ret->of[ret->n].value = host_maps.samples[ret->n].sample;
	}
	host_maps.n_samples = 0;
}

void testbed_set_flow(struct testbed *testbed, const struct encoded_flow *flow)
{
	(void)testbed;
	host_set_flow(flow);
}

void testbed_get_flow(struct testbed *testbed, const struct flow_key *key,
		      struct turnpike_flow *ret)
{
	const struct turnpike_flow *flow = host_flow(key);

	(void)testbed;
	if (!flow)
		die("no such flow");
	*ret = *flow;
}

void testbed_delete_flow(struct testbed *testbed, const struct flow_key *key)
{
	(void)testbed;
	if (!host_delete_flow(key))
		die("no such flow");
}

int testbed_set_expiry(struct testbed *testbed, const struct flow_key *key, __u64 expires)
{
	struct turnpike_flow_expiry expiry = { .table = key->table, .expires = expires };

	(void)testbed;
	expiry.send = key->send;
	return flow_expiry(&expiry);
}

void testbed_take_counts(struct testbed *testbed, struct counts *ret)
{
	struct turnpike_counter *counters =
		&host_maps.counters[turnpike_counter_index(TESTBED_SLOT, 0, 0)];

	(void)testbed;
	memcpy(ret, counters, sizeof(*ret));
	memset(counters, 0, sizeof(*ret));
}

/* The counters of TESTBED_SLOT have been cleared. */
__u64 testbed_foreign_packets(struct testbed *testbed)
{
	__u64 packets = 0;
	__u32 i;

	(void)testbed;
	for (i = 0; i < TURNPIKE_COUNTERS; i++)
		packets += host_maps.counters[i].packets;
	return packets;
}
