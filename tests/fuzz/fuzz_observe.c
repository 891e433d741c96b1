/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Any packet that leaves, with any sample and any flow: the observer changes the flow as the model
 * predicts, and nothing else; the packet least of all.
 */
#include <string.h>

#include <arpa/inet.h>
#include <linux/pkt_cls.h>

#include "fuzz.h"
#include "host_frame.h"
#include "host_maps.h"
#include "sight.h"

static unsigned long long endings[ENDS];
static unsigned long long observations[TURNPIKE_OBSERVED_ENCAPSULATED + 1];
static unsigned long long confirmed[TURNPIKE_DIR_MAX][FAMILIES];
static unsigned long long indications[FAMILIES];
static unsigned long long super_packets, non_linear;

/* See reached.c. */
__attribute__((section("__libfuzzer_extra_counters"))) static struct {
	__u8 ends[TURNPIKE_DIR_MAX][2][FAMILIES][ENDS][TURNPIKE_OBSERVED_ENCAPSULATED + 1][2];
} features;

static void install(const struct sighted *in)
{
	const struct situation *s = &in->s;
	struct turnpike_device *device = &host_maps.devices[TESTBED_SLOT];
	int i;

	host_configure(TESTBED_IFINDEX, TESTBED_SLOT, true, true, true);
	host_maps.ports.role[host_addr(SERVER, TURNPIKE_IPV4).port] = TURNPIKE_PORT_LISTENER;
	host_maps.ports.role[host_addr(RELAY, TURNPIKE_IPV4).port] = TURNPIKE_PORT_RELAY;
	device->tick_zero = TESTBED_NOW - HOST_UPTIME;
	device->check_zero = TESTBED_CHECK_NOW - HOST_UPTIME;
	device->interval = TESTBED_CONFIRM_NS;
	if (s->hop < HOST_NEXTHOPS)
		host_maps.nexthops[s->hop] = s->nexthop;
	if (s->has_flow)
		host_set_flow(&s->flow);
	host_maps.n_samples = 0;
	for (i = 0; i < SAMPLE_ELEMENTS; i++)
		host_set_sample(&in->samples[i].key, &in->samples[i].value);
	host_maps.random = 0xabcdef00u | in->random;
	host_maps.n_events = 0;
}

static void make_socket(const struct sighted *in, struct bpf_sock *ret)
{
	ret->src_port = ntohs(in->s.flow.flow.sport);
	ret->protocol = IPPROTO_UDP;
	if (in->socket == SOCKET_TCP)
		ret->protocol = IPPROTO_TCP;
	if (in->socket == SOCKET_REQUEST)
		ret->state = BPF_TCP_NEW_SYN_RECV;
	if (in->socket == SOCKET_OTHER)
		ret->src_port = 1;
}

/* The tags of a packet are linear. */
static void make_frame(const struct sighted *in, struct bpf_sock *sk, struct host_frame *ret)
{
	const struct situation *s = &in->s;
	const __u32 tags = ETH_HLEN + 4 * TURNPIKE_TAGS_MAX;

	host_skb_frame(ret, s->frame, s->len, s->linear > tags ? s->linear : tags);
	ret->ctx.skb.gso_size = in->gso_size;
	ret->ctx.skb.ingress_ifindex = in->forwarded;
	ret->ctx.skb.vlan_present = s->has_hwaccel_tag;
	ret->ctx.skb.vlan_proto = s->has_hwaccel_tag ? s->hwaccel_tag.tpid : 0;
	ret->ctx.skb.vlan_tci = s->has_hwaccel_tag ? ntohs(s->hwaccel_tag.tci) : 0;
	if (in->socket != SOCKET_NONE)
		ret->ctx.skb.sk = sk;
}

static void check_frame(const struct sighted *in, struct host_frame *frame)
{
	static __u8 after[SCENARIO_FRAME_MAX];
	const __u32 len = host_frame_bytes(frame, after, sizeof(after));

	must(len == in->s.len && !memcmp(after, in->s.frame, len), "the packet is unchanged");
	must(host_frame_is_whole(frame), "nothing outside the packet is written");
	must(frame->ctx.skb.vlan_present == in->s.has_hwaccel_tag, "the hwaccel tag is kept");
	must(!host_redirected() && !host_maps.n_events, "nothing is sent or reported");
}

static void check_maps(const struct sighted *in)
{
	const struct situation *s = &in->s;
	const __u32 n = in->found ? 1 : 2;

	if (s->has_flow)
		must(!memcmp(host_flow(&s->flow.key), &in->after, sizeof(in->after)),
		     "the flow changes as predicted");
	if (s->hop < HOST_NEXTHOPS)
		must(!memcmp(&host_maps.nexthops[s->hop], &s->nexthop, sizeof(s->nexthop)),
		     "the next hop is unchanged");
	must(host_maps.n_samples == n, "a sample is deleted when it is found");
	must(!memcmp(host_maps.samples, &in->samples[2 - n], n * sizeof(in->samples[0])),
	     "the other element is unchanged");
}

static void reach(const struct sighted *in)
{
	const enum turnpike_direction direction = in->s.direction;
	const bool data = in->s.indications & IND_DATA;

	endings[in->ending]++;
	observations[in->observation]++;
	confirmed[direction][in->s.pair] += in->ending == END_CONFIRMED;
	indications[in->s.pair] += in->ending == END_CONFIRMED && in->s.indications & IND_DATA;
	super_packets += in->ending == END_CONFIRMED && in->gso_size;
	non_linear += in->ending == END_CONFIRMED && in->s.linear < 40;
	features.ends[direction][data][in->s.pair][in->ending][in->observation][in->gso_size != 0] =
		1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct sighted in;
	struct bpf_sock sk = { 0 };
	struct host_frame frame;

	memset(&in, 0, sizeof(in));
	if (!sight_read(data, size, &in))
		return 0;
	sight_predict(&in);
	install(&in);
	make_socket(&in, &sk);
	make_frame(&in, &sk, &frame);
	must(observe_tc(&frame.ctx.skb) == TC_ACT_UNSPEC, "every packet goes on");
	check_frame(&in, &frame);
	host_frame_free(&frame);
	check_maps(&in);
	reach(&in);
	host_delete_flow(&in.s.flow.key);
	return 0;
}

static int missed_endings(void)
{
	static const char *const names[ENDS] = {
		"forwarded",
		"of another socket",
		"fragment or IPv4 options",
		"not UDP, socket unknown",
		"port without a role",
		"neither data for a client nor from a relay port",
		"no sample",
		"old sample, no flow or no next hop",
		"indication from another peer",
		"DSCP, not confirmed",
		"DSCP, confirmed",
		"expired",
		"confirmed",
		"different",
		"encrypted or encapsulated",
	};
	int i, ret = 0;

	for (i = 0; i < ENDS; i++)
		ret += missed(names[i], endings[i]);
	return ret;
}

int fuzz_missed(void)
{
	char what[64];
	int i, pair, ret = missed_endings();

	for (i = TURNPIKE_OBSERVED_DEVICE; i <= TURNPIKE_OBSERVED_ENCAPSULATED; i++) {
		snprintf(what, sizeof(what), "observation %d", i);
		ret += missed(what, observations[i]);
	}
	for (i = TURNPIKE_DIR_TO_PEER; i < TURNPIKE_DIR_MAX; i++) {
		for (pair = 0; pair < FAMILIES; pair++) {
			snprintf(what, sizeof(what), "confirmed, direction %d, %d to %d", i,
				 families[pair].in, families[pair].out);
			ret += missed(what, confirmed[i][pair]);
		}
	}
	for (pair = 0; pair < FAMILIES; pair++) {
		snprintf(what, sizeof(what), "confirmed, Data indication, %d to %d",
			 families[pair].in, families[pair].out);
		ret += missed(what, indications[pair]);
	}
	ret += missed("confirmed, super-packet", super_packets);
	return ret + missed("confirmed, header not linear", non_linear);
}
