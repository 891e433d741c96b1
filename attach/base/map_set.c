/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/map_set.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/loader.h"

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
static void *map_memory(const struct bpf_map *map, size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(map), 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static void unmap_memory(void *memory, size_t size)
{
	if (memory)
		munmap(memory, size);
}

static int map_all(struct maps *maps)
{
	maps->ports = map_memory(maps->skeleton->maps.ports, ports_size());
	maps->nexthops = map_memory(maps->skeleton->maps.nexthops, nexthops_size(maps));
	maps->devices = map_memory(maps->skeleton->maps.devices, devices_size());
	maps->policers = map_memory(maps->skeleton->maps.policers, policers_size(maps));
	maps->trial = map_memory(maps->skeleton->maps.trials, sizeof(*maps->trial));
	return maps->ports && maps->nexthops && maps->devices && maps->policers && maps->trial
		       ? 0
		       : -ENOMEM;
}

/* Programs for call_program(). */
static bool is_call(const struct bpf_program *program, const void *arg)
{
	(void)arg;
	return bpf_program__type(program) == BPF_PROG_TYPE_SYSCALL;
}

static int load(struct maps *maps, const struct map_options *options)
{
	struct turnpike_bpf *skeleton = maps->skeleton;
	int err;

	if (skeleton->rodata->config.version != TURNPIKE_ABI_VERSION)
		return -EPROTO;
	err = bpf_map__set_max_entries(skeleton->maps.flows4, options->flows);
	if (!err)
		err = bpf_map__set_max_entries(skeleton->maps.flows6, options->flows);
	if (!err)
		err = bpf_map__set_max_entries(skeleton->maps.sends, options->flows);
	if (!err)
		err = bpf_map__set_max_entries(skeleton->maps.nexthops, options->nexthops);
	if (!err)
		err = bpf_map__set_max_entries(skeleton->maps.policers, options->policers);
	if (!err)
		err = loader_only(skeleton, is_call, NULL);
	if (!err)
		err = turnpike_bpf__load(skeleton);
	return err;
}

int maps_open(const struct map_options *options, struct maps *ret)
{
	struct maps maps = { .skeleton = turnpike_bpf__open(),
			     .max_flows = options->flows,
			     .max_nexthops = options->nexthops,
			     .max_policers = options->policers,
			     .confirm_ns = options->confirm_ns };
	int err;

	if (!maps.skeleton)
		return -errno;
	err = load(&maps, options);
	if (!err)
		err = map_all(&maps);
	if (err) {
		maps_close(&maps);
		return err;
	}
	*ret = maps;
	return 0;
}

void maps_close(struct maps *maps)
{
	unmap_memory(maps->ports, ports_size());
	unmap_memory(maps->nexthops, nexthops_size(maps));
	unmap_memory(maps->devices, devices_size());
	unmap_memory(maps->policers, policers_size(maps));
	unmap_memory(maps->trial, sizeof(*maps->trial));
	turnpike_bpf__destroy(maps->skeleton);
	*maps = (struct maps){ 0 };
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

static void add_file(int fd, int *list, size_t max, size_t *n)
{
	if (fd >= 0 && *n < max)
		list[(*n)++] = fd;
}

size_t maps_files(const struct maps *maps, int *ret, size_t max)
{
	const struct bpf_object *object = maps->skeleton->obj;
	struct bpf_program *program;
	struct bpf_map *map;
	size_t n = 0;

	bpf_object__for_each_map(map, object)
		add_file(bpf_map__fd(map), ret, max, &n);
	bpf_object__for_each_program(program, object)
		add_file(bpf_program__fd(program), ret, max, &n);
	add_file(bpf_object__btf_fd(object), ret, max, &n);
	return n;
}

void maps_close_programs(struct maps *maps)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, maps->skeleton->obj)
		bpf_program__unload(program);
}

int maps_try(const struct maps *maps)
{
	struct turnpike_taken taken;
	const int err = taken_read(maps, TURNPIKE_TRIAL_HEAD, &taken);

	return err == -ENOENT ? 0 : err;
}

int maps_events_fd(const struct maps *maps)
{
	return bpf_map__fd(maps->skeleton->maps.events);
}

int taken_read(const struct maps *maps, enum turnpike_trial_end end, struct turnpike_taken *ret)
{
	const __u32 key = end;
	struct turnpike_taken taken;
	const int err = bpf_map_lookup_elem(bpf_map__fd(maps->skeleton->maps.taken), &key, &taken);

	if (!err)
		*ret = taken;
	return err;
}

void taken_forget(const struct maps *maps, enum turnpike_trial_end end)
{
	const __u32 key = end;

	bpf_map_delete_elem(bpf_map__fd(maps->skeleton->maps.taken), &key);
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
	err = bpf_map_lookup_elem(bpf_map__fd(maps->skeleton->maps.counters), &index, cpus);
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
