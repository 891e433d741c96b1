/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <linux/pkt_cls.h>

#include "../../programs/maps.h"

#include "private/array_len.h"
#include "host_maps.h"

#define FLOWS 8

/* Programs identify maps by address. */
struct ports_map ports;
struct flows4_map flows4;
struct flows6_map flows6;
struct sends_map sends;
struct nexthops_map nexthops;
struct devices_map devices;
struct counters_map counters;
struct policers_map policers;
struct events_map events;
struct samples_map samples;
extern struct trials_map trials; /* these are in trial.bpf.c */
extern struct taken_map taken;

volatile struct turnpike_config config;
struct host_maps host_maps;

/* Each value is allocated separately, so that AddressSanitizer detects overflows. */
static struct {
	struct flow_key key;
	struct turnpike_flow *flow;
} flows[FLOWS];

static __u32 redirected;
static int redirect_action;

void host_configure(__u32 ifindex, __u32 slot, bool skb, bool tc, bool confirms)
{
	redirect_action = tc ? TC_ACT_REDIRECT : XDP_REDIRECT;
	config.version = TURNPIKE_ABI_VERSION;
	config.ifindex = ifindex;
	config.slot = slot;
	config.skb = skb;
	config.tick_ns = HOST_TICK_NS;
	config.confirm_ns = confirms; /* the interval of struct turnpike_device counts */
	config.xfrm = 1;
}

__u32 host_redirected(void)
{
	const __u32 ifindex = redirected;

	redirected = 0;
	return ifindex;
}

static size_t key_len(const struct flow_key *key)
{
	if (key->table == TURNPIKE_FLOWS4)
		return sizeof(key->key4);
	return key->table == TURNPIKE_FLOWS6 ? sizeof(key->key6) : sizeof(key->send);
}

static int find(const struct flow_key *key)
{
	int i;

	for (i = 0; i < FLOWS; i++)
		if (flows[i].flow && flows[i].key.table == key->table &&
		    !memcmp(&flows[i].key.key4, &key->key4, key_len(key)))
			return i;
	return -1;
}

struct turnpike_flow *host_flow(const struct flow_key *key)
{
	const int i = find(key);

	return i < 0 ? NULL : flows[i].flow;
}

bool host_delete_flow(const struct flow_key *key)
{
	const int i = find(key);

	if (i < 0)
		return false;
	free(flows[i].flow);
	flows[i].flow = NULL;
	return true;
}

void host_set_flow(const struct encoded_flow *flow)
{
	int i = 0;

	host_delete_flow(&flow->key);
	while (i < FLOWS && flows[i].flow)
		i++;
	if (i == FLOWS)
		abort();
	flows[i].key = flow->key;
	flows[i].flow = malloc(sizeof(flow->flow));
	if (!flows[i].flow)
		abort();
	*flows[i].flow = flow->flow;
}

static void *find_by_key(__u32 table, const void *key, size_t len)
{
	struct flow_key wanted = { .table = table };

	memcpy(&wanted.key4, key, len);
	return host_flow(&wanted);
}

static int find_sample(const void *key)
{
	int i;

	for (i = 0; i < (int)host_maps.n_samples; i++)
		if (!memcmp(&host_maps.samples[i].key, key, sizeof(host_maps.samples[i].key)))
			return i;
	return -1;
}

static bool delete_sample(const void *key)
{
	const int i = find_sample(key);

	if (i < 0)
		return false;
	host_maps.n_samples--;
	memmove(&host_maps.samples[i], &host_maps.samples[i + 1],
		(host_maps.n_samples - (__u32)i) * sizeof(host_maps.samples[0]));
	return true;
}

/* The least recently used element makes room. */
void host_set_sample(const struct turnpike_sample_key *key, const struct turnpike_sample *value)
{
	struct host_sample *sample;

	if (!delete_sample(key) && host_maps.n_samples == HOST_SAMPLES)
		delete_sample(&host_maps.samples[0].key);
	sample = &host_maps.samples[host_maps.n_samples++];
	sample->key = *key;
	sample->sample = *value;
}

static void *look_up_sample(const void *key)
{
	const int i = find_sample(key);

	return i < 0 ? NULL : &host_maps.samples[i].sample;
}

#define ELEMENT(array, index) ((index) < ARRAY_LEN(array) ? &array[index] : NULL)

void *bpf_map_lookup_elem(void *map, const void *key)
{
	__u32 index;

	if (map == &flows4)
		return find_by_key(TURNPIKE_FLOWS4, key, sizeof(struct turnpike_key4));
	if (map == &flows6)
		return find_by_key(TURNPIKE_FLOWS6, key, sizeof(struct turnpike_key6));
	if (map == &sends)
		return find_by_key(TURNPIKE_SENDS, key, sizeof(struct turnpike_send_key));
	if (map == &samples)
		return look_up_sample(key);
	memcpy(&index, key, sizeof(index));
	if (map == &ports)
		return index ? NULL : &host_maps.ports;
	if (map == &trials)
		return index ? NULL : &host_maps.trial;
	if (map == &nexthops)
		return ELEMENT(host_maps.nexthops, index);
	if (map == &policers)
		return ELEMENT(host_maps.policers, index);
	if (map == &devices)
		return ELEMENT(host_maps.devices, index);
	if (map == &counters)
		return ELEMENT(host_maps.counters, index);
	abort();
}

static long add_taken(const void *key, const void *value)
{
	__u32 end, i;

	memcpy(&end, key, sizeof(end));
	for (i = 0; i < host_maps.n_taken; i++)
		if (host_maps.taken_ends[i] == end)
			return -EEXIST;
	if (i == TURNPIKE_TRIAL_ENDS)
		return -E2BIG;
	host_maps.taken_ends[i] = end;
	memcpy(&host_maps.taken[i], value, sizeof(host_maps.taken[i]));
	host_maps.n_taken++;
	return 0;
}

long bpf_map_update_elem(void *map, const void *key, const void *value, __u64 flags)
{
	if (map == &taken && flags == BPF_NOEXIST)
		return add_taken(key, value);
	if (map != &samples || flags != BPF_ANY)
		abort();
	host_set_sample(key, value);
	return 0;
}

long bpf_map_delete_elem(void *map, const void *key)
{
	if (map != &samples)
		abort();
	return delete_sample(key) ? 0 : -ENOENT;
}

__u32 bpf_get_prandom_u32(void)
{
	const __u32 random = host_maps.random;

	host_maps.random = host_after(random);
	return random;
}

__u64 bpf_jiffies64(void)
{
	return HOST_JIFFIES;
}

long bpf_redirect(__u32 ifindex, __u64 flags)
{
	(void)flags;
	redirected = ifindex;
	return redirect_action;
}

/* One record at a time, allocated separately for AddressSanitizer. */
static struct turnpike_event_record *reserved;

void *bpf_ringbuf_reserve(void *map, __u64 size, __u64 flags)
{
	(void)flags;
	if (map != &events || size != sizeof(*reserved) || reserved)
		abort();
	reserved = malloc(size);
	return reserved;
}

void bpf_ringbuf_submit(void *data, __u64 flags)
{
	host_maps.n_events++;
	host_maps.event.event = reserved->event;
	memcpy(host_maps.event.frame, reserved->frame, reserved->event.len);
	bpf_ringbuf_discard(data, flags);
}

void bpf_ringbuf_discard(void *data, __u64 flags)
{
	(void)flags;
	if (data != reserved)
		abort();
	free(reserved);
	reserved = NULL;
}
