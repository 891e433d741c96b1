/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/map_maker.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>

#include "base/loader.h"

/* Programs for call_program(). */
static bool is_call(const struct bpf_program *program, const void *arg)
{
	(void)arg;
	return bpf_program__type(program) == BPF_PROG_TYPE_SYSCALL;
}

static int load(struct turnpike_bpf *skeleton, const struct map_options *options)
{
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

/* The skeleton has descriptors of its own. */
static int copy_files(struct maps *maps)
{
	const struct bpf_map *map;
	size_t i;

	for (i = 0; i < N_MAPS; i++) {
		map = bpf_object__find_map_by_name(maps->skeleton->obj, map_names[i]);
		maps->fds[i] = map ? fcntl(bpf_map__fd(map), F_DUPFD_CLOEXEC, 0) : -1;
		if (maps->fds[i] < 0)
			return map ? -errno : -ENOENT;
	}
	return 0;
}

int maps_make(const struct map_options *options, struct maps *ret)
{
	int err;

	*ret = MAPS_NONE;
	ret->skeleton = turnpike_bpf__open();
	if (!ret->skeleton)
		return -errno;
	err = load(ret->skeleton, options);
	if (!err)
		err = copy_files(ret);
	if (!err)
		err = maps_map(ret, options);
	if (err)
		maps_close(ret);
	return err;
}
