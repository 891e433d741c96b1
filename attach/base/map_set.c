/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/map_set.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/loader.h"

const char *const map_names[N_MAPS] = {
	[MAP_PORTS] = "ports",       [MAP_FLOWS4] = "flows4",     [MAP_FLOWS6] = "flows6",
	[MAP_SENDS] = "sends",       [MAP_NEXTHOPS] = "nexthops", [MAP_DEVICES] = "devices",
	[MAP_COUNTERS] = "counters", [MAP_POLICERS] = "policers", [MAP_EVENTS] = "events",
	[MAP_SAMPLES] = "samples",   [MAP_TRIALS] = "trials",     [MAP_TAKEN] = "taken",
};

static size_t ports_size(void)
{
	return sizeof(struct turnpike_ports);
}

static size_t nexthops_size(const struct maps *maps)
{
	return maps->max_nexthops * sizeof(struct turnpike_nexthop);
}

static size_t policers_size(const struct maps *maps)
{
	return maps->max_policers * sizeof(struct turnpike_policer);
}

static size_t devices_size(void)
{
	return TURNPIKE_SLOTS * sizeof(struct turnpike_device);
}

/* The kernel rounds the size of an array up to whole pages, as mmap() does. */
static void *map_memory(const struct maps *maps, enum map_id map, size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, maps->fds[map], 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static void unmap_memory(void *memory, size_t size)
{
	if (memory)
		munmap(memory, size);
}

int maps_map(struct maps *maps, const struct map_options *options)
{
	maps->max_flows = options->flows;
	maps->max_nexthops = options->nexthops;
	maps->max_policers = options->policers;
	maps->confirm_ns = options->confirm_ns;
	maps->ports = map_memory(maps, MAP_PORTS, ports_size());
	maps->nexthops = map_memory(maps, MAP_NEXTHOPS, nexthops_size(maps));
	maps->devices = map_memory(maps, MAP_DEVICES, devices_size());
	maps->policers = map_memory(maps, MAP_POLICERS, policers_size(maps));
	maps->trial = map_memory(maps, MAP_TRIALS, sizeof(*maps->trial));
	return maps->ports && maps->nexthops && maps->devices && maps->policers && maps->trial
		       ? 0
		       : -ENOMEM;
}

void maps_close(struct maps *maps)
{
	size_t i;

	unmap_memory(maps->ports, ports_size());
	unmap_memory(maps->nexthops, nexthops_size(maps));
	unmap_memory(maps->devices, devices_size());
	unmap_memory(maps->policers, policers_size(maps));
	unmap_memory(maps->trial, sizeof(*maps->trial));
	for (i = 0; i < N_MAPS; i++)
		if (maps->fds[i] >= 0)
			close(maps->fds[i]);
	turnpike_bpf__destroy(maps->skeleton);
	*maps = MAPS_NONE;
}

void maps_set_interval(const struct maps *maps, __u64 interval)
{
	int i;

	for (i = 0; i < TURNPIKE_SLOTS; i++)
		__atomic_store_n(&maps->devices[i].interval, interval, __ATOMIC_RELAXED);
}

void maps_set_may_be_decrypted(const struct maps *maps, bool may)
{
	int i;

	for (i = 0; i < TURNPIKE_SLOTS; i++)
		__atomic_store_n(&maps->devices[i].may_be_decrypted, may, __ATOMIC_RELAXED);
}

int maps_try(const struct maps *maps)
{
	struct turnpike_taken taken;
	const int err = taken_read(maps, TURNPIKE_TRIAL_HEAD, &taken);

	return err == -ENOENT ? 0 : err;
}

int taken_read(const struct maps *maps, enum turnpike_trial_end end, struct turnpike_taken *ret)
{
	const __u32 key = end;
	struct turnpike_taken taken;
	const int err = bpf_map_lookup_elem(maps->fds[MAP_TAKEN], &key, &taken);

	if (!err)
		*ret = taken;
	return err;
}

void taken_forget(const struct maps *maps, enum turnpike_trial_end end)
{
	const __u32 key = end;

	bpf_map_delete_elem(maps->fds[MAP_TAKEN], &key);
}

/* CONFIG_NR_CPUS is 8192 at most, on any architecture. */
#define CPUS_MAX 8192

/* Only /sys has the number, by which the kernel sizes its answers: without it, take the maximum. */
static int possible_cpus(void)
{
	const int n = libbpf_num_possible_cpus();

	return n > 0 ? n : CPUS_MAX;
}

static int counter_read(const struct maps *maps, __u32 index, struct turnpike_counter *ret)
{
	const int n = possible_cpus();
	struct turnpike_counter sum = { 0 };
	struct turnpike_counter *cpus;
	int err, i;

	cpus = calloc((size_t)n, sizeof(*cpus));
	if (!cpus)
		return -ENOMEM;
	err = bpf_map_lookup_elem(maps->fds[MAP_COUNTERS], &index, cpus);
	for (i = 0; i < n; i++) {
		sum.packets += cpus[i].packets;
		sum.bytes += cpus[i].bytes;
	}
	free(cpus);
	if (!err)
		*ret = sum;
	return err;
}

int counters_for_each(const struct maps *maps, __u32 slot,
		      int (*fn)(enum turnpike_direction direction, enum turnpike_verdict verdict,
				const struct turnpike_counter *counter, void *arg),
		      void *arg)
{
	struct turnpike_counter counter;
	__u32 direction, verdict;
	int err;

	for (direction = 0; direction < TURNPIKE_DIR_MAX; direction++) {
		for (verdict = 0; verdict < TURNPIKE_VERDICT_MAX; verdict++) {
			err = counter_read(maps, turnpike_counter_index(slot, direction, verdict),
					   &counter);
			if (!err && counter.packets)
				err = fn(direction, verdict, &counter, arg);
			if (err)
				return err;
		}
	}
	return 0;
}
