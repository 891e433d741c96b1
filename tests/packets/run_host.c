/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* run.h without a kernel: the programs as tests/host has them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>

#include "build.h"
#include "base/monotonic.h"
#include "host_frame.h"
#include "host_maps.h"
#include "run.h"

/* As BPF_PROG_TEST_RUN has it: a page, but for what the kernel keeps at both ends. */
#define BUFFER    (4096 - 40 - 320)
#define HEAD_ROOM (256 - 40)

struct bench {
	const struct variant *variant;
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "%s\n", what);
	exit(1);
}

const char *bench_missing(void)
{
	return NULL;
}

static void set_device(__u32 slot, enum mac mac, __u16 mtu)
{
	mac_addr(mac, host_maps.devices[slot].mac);
	host_maps.devices[slot].mtu = mtu;
}

void bench_set_mtu(struct bench *bench, __u16 mtu)
{
	(void)bench;
	set_device(BENCH_SLOT, MAC_OURS, mtu);
}

int bench_open(const struct variant *variant, struct bench **ret)
{
	struct bench *bench = calloc(1, sizeof(*bench));
	__u32 slot;

	if (!bench)
		return -ENOMEM;
	bench->variant = variant;
	memset(&host_maps, 0, sizeof(host_maps));
	for (slot = 0; slot < TURNPIKE_SLOTS; slot++)
		set_device(slot, MAC_OTHER2, 0);
	host_configure(BENCH_IFINDEX, BENCH_SLOT, variant->skb, variant->tc);
	*ret = bench;
	return 0;
}

void bench_close(struct bench *bench)
{
	free(bench);
}

const struct variant *bench_variant(const struct bench *bench)
{
	return bench->variant;
}

__u32 bench_buffer(const struct bench *bench)
{
	return bench->variant->tc ? 0 : BUFFER;
}

static void make_xdp(const struct trip *trip, struct host_frame *frame)
{
	const __u32 head = trip->way == WAY_PLACED ? trip->offset : HEAD_ROOM;

	if (head + trip->in_len > BUFFER)
		die("the frame does not fit the buffer");
	host_xdp_frame(frame, trip->in, trip->in_len, head, BUFFER - head - trip->in_len);
}

/* Where frames are to be poisoned, nothing but the Ethernet header is linear, too. */
static void make_skb(const struct trip *trip, struct host_frame *frame)
{
	const __u32 len = trip->way == WAY_CUT ? trip->offset : trip->in_len;

	host_skb_frame(frame, trip->in, len, trip->way == WAY_POISONED ? ETHERNET_HLEN : len);
	frame->ctx.skb.gso_size = trip->gso_size;
	frame->stuck = trip->way == WAY_STUCK;
	if (trip->way == WAY_VLAN) {
		frame->ctx.skb.vlan_present = 1;
		frame->ctx.skb.vlan_proto = htons((__u16)(trip->tag >> 16));
		frame->ctx.skb.vlan_tci = trip->tag & 0xffff;
	}
	if (trip->way == WAY_COMPLETE) {
		frame->complete = true;
		frame->csum = host_frame_sum(frame);
	}
}

static int run_program(const struct variant *variant, struct host_frame *frame)
{
	host_set_now(clock_ns());
	if (variant->tc)
		return relay_tc(&frame->ctx.skb);
	return variant->tail ? relay_xdp_tail(&frame->ctx.xdp) : relay_xdp_head(&frame->ctx.xdp);
}

/* What the kernel does not show: beside the frame, around it, and where it is sent. */
static int check_rest(const struct trip *trip, struct host_frame *frame)
{
	const struct __sk_buff *skb = &frame->ctx.skb;

	if (!host_frame_is_whole(frame))
		return -EFAULT;
	if (frame->complete && frame->csum != host_frame_sum(frame))
		return -EBADMSG;
	if (frame->tc &&
	    (skb->vlan_present != (trip->way == WAY_VLAN) ||
	     (skb->vlan_present && (skb->vlan_tci != (trip->tag & 0xffff) ||
				    ntohs((__be16)skb->vlan_proto) != trip->tag >> 16))))
		return -EPROTO;
	return 0;
}

int bench_run(struct bench *bench, struct trip *trip)
{
	const bool tc = bench->variant->tc;
	struct host_frame frame;
	int err;

	if (tc)
		make_skb(trip, &frame);
	else
		make_xdp(trip, &frame);
	trip->action = run_program(bench->variant, &frame);
	trip->out_len = host_frame_bytes(&frame, trip->out, trip->out_len);
	err = check_rest(trip, &frame);
	host_frame_free(&frame);
	return err;
}

bool bench_knows_complete(struct bench *bench)
{
	(void)bench;
	return true;
}

void bench_set_role(struct bench *bench, __be16 port, enum turnpike_port_role role)
{
	(void)bench;
	host_maps.ports.role[port] = (__u8)role;
}

static void *element(void *array, __u32 index, __u32 max, size_t size)
{
	if (index >= max)
		die("tests/host has fewer elements of a map than this test needs");
	return (__u8 *)array + index * size;
}

#define NEXTHOP(index) \
	element(host_maps.nexthops, index, HOST_NEXTHOPS, sizeof(struct turnpike_nexthop))
#define POLICER(index) \
	element(host_maps.policers, index, HOST_POLICERS, sizeof(struct turnpike_policer))

void bench_set_nexthop(struct bench *bench, __u32 index, const struct turnpike_nexthop *nexthop)
{
	(void)bench;
	memcpy(NEXTHOP(index), nexthop, sizeof(*nexthop));
}

void bench_get_nexthop(struct bench *bench, __u32 index, struct turnpike_nexthop *ret)
{
	(void)bench;
	memcpy(ret, NEXTHOP(index), sizeof(*ret));
}

void bench_set_policer(struct bench *bench, __u32 index, const struct turnpike_policer *policer)
{
	(void)bench;
	memcpy(POLICER(index), policer, sizeof(*policer));
}

void bench_get_policer(struct bench *bench, __u32 index, struct turnpike_policer *ret)
{
	(void)bench;
	memcpy(ret, POLICER(index), sizeof(*ret));
}

void bench_take_told(struct bench *bench, struct told *ret)
{
	(void)bench;
	memset(ret, 0, sizeof(*ret)); /* it is compared as a whole, with what pads it */
	ret->n = host_maps.n_told;
	ret->last = host_maps.told;
	host_maps.n_told = 0;
	memset(&host_maps.told, 0, sizeof(host_maps.told));
}

void bench_set_flow(struct bench *bench, const struct encoded_flow *flow)
{
	(void)bench;
	host_set_flow(flow);
}

void bench_get_flow(struct bench *bench, const struct flow_key *key, struct turnpike_flow *ret)
{
	const struct turnpike_flow *flow = host_flow(key);

	(void)bench;
	if (!flow)
		die("no such flow");
	*ret = *flow;
}

void bench_delete_flow(struct bench *bench, const struct flow_key *key)
{
	(void)bench;
	if (!host_delete_flow(key))
		die("no such flow");
}

int bench_set_expiry(struct bench *bench, const struct flow_key *key, __u64 expires)
{
	struct turnpike_flow_expiry expiry = { .family = key->family, .expires = expires };

	(void)bench;
	if (key->family == TURNPIKE_IPV4)
		expiry.key4 = key->key4;
	else
		expiry.key6 = key->key6;
	return flow_expiry(&expiry);
}

void bench_take_counts(struct bench *bench, struct counts *ret)
{
	struct turnpike_counter *counters =
		&host_maps.counters[turnpike_counter_index(BENCH_SLOT, 0, 0)];

	(void)bench;
	memcpy(ret, counters, sizeof(*ret));
	memset(counters, 0, sizeof(*ret));
}

/* Those of BENCH_SLOT have been taken. */
__u64 bench_foreign_packets(struct bench *bench)
{
	__u64 packets = 0;
	__u32 i;

	(void)bench;
	for (i = 0; i < TURNPIKE_COUNTERS; i++)
		packets += host_maps.counters[i].packets;
	return packets;
}
