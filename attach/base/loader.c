/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/loader.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/map_set.h"
#include "base/skb_layout.h"
#include "base/ticks.h"
#include "private/array_len.h"

/* BPF_LOG_STATS of the kernel's <linux/bpf_verifier.h>, which is no UAPI header. */
#define LOG_STATISTICS 4

/* Every program in every configuration it is used in. */
static const struct variant variants[] = {
	{ TURNPIKE_MODE_XDP_NATIVE, TURNPIKE_MOVES_HEAD, "relay_xdp_head", 0 },
	{ TURNPIKE_MODE_XDP_NATIVE, TURNPIKE_MOVES_TAIL, "relay_xdp_tail", 0 },
	{ TURNPIKE_MODE_XDP_GENERIC, TURNPIKE_MOVES_HEAD, "relay_xdp_head", 1 },
	{ TURNPIKE_MODE_XDP_GENERIC, TURNPIKE_MOVES_TAIL, "relay_xdp_tail", 1 },
	{ TURNPIKE_MODE_TC, TURNPIKE_MOVES_HEAD, "relay_tc", 1 },
};

const struct variant loader_trial = { .program = "try_room" };

const struct variant loader_observer = { TURNPIKE_MODE_TC, TURNPIKE_MOVES_AUTO, "observe_tc", 1 };

#define N_VARIANTS ARRAY_LEN(variants)

const struct variant *loader_variant(enum turnpike_mode mode, enum turnpike_moves moves)
{
	size_t i;

	for (i = 0; i < N_VARIANTS; i++)
		if (variants[i].mode == mode && variants[i].moves == moves)
			return &variants[i];
	return NULL;
}

bool loader_has_name(const struct variant *variant, const char *name)
{
	return strncmp(name, variant->program, BPF_OBJ_NAME_LEN - 1) == 0;
}

bool loader_is_xdp(const char *name)
{
	size_t i;

	for (i = 0; i < N_VARIANTS; i++)
		if (variants[i].mode != TURNPIKE_MODE_TC && loader_has_name(&variants[i], name))
			return true;
	return loader_has_name(&loader_trial, name);
}

static bool has_name(const struct bpf_program *prog, const void *name)
{
	return strcmp(bpf_program__name(prog), name) == 0;
}

int loader_only(struct turnpike_bpf *skeleton,
		bool (*fn)(const struct bpf_program *program, const void *arg), const void *arg)
{
	struct bpf_program *prog;
	int err = 0;

	bpf_object__for_each_program(prog, skeleton->obj) {
		if (!err)
			err = bpf_program__set_autoload(prog, fn(prog, arg));
	}
	return err;
}

/* All maps but .rodata, the constants: each instance has its own. */
static int share_maps(struct turnpike_bpf *skeleton, const struct maps *maps)
{
	struct bpf_map *map;
	int err = 0;
	size_t i;

	for (i = 0; i < N_MAPS && !err; i++) {
		map = bpf_object__find_map_by_name(skeleton->obj, map_names[i]);
		err = map ? bpf_map__reuse_fd(map, maps->fds[i]) : -ENOENT;
	}
	return err;
}

/* A kernel without CONFIG_XFRM has no IPsec, either. */
static bool has_xfrm(void)
{
	return libbpf_probe_bpf_helper(BPF_PROG_TYPE_SCHED_CLS, BPF_FUNC_skb_get_xfrm_state,
				       NULL) == 1;
}

static int configure(struct turnpike_bpf *skeleton, const struct variant *variant,
		     const struct turnpike_config *config)
{
	const int err = loader_only(skeleton, has_name, variant->program);

	if (err)
		return err;
	skeleton->rodata->config.ifindex = config->ifindex;
	skeleton->rodata->config.slot = config->slot;
	skeleton->rodata->config.skb = variant->skb;
	skeleton->rodata->config.tick_ns = ticks_ns();
	skeleton->rodata->config.confirm_ns = config->confirm_ns;
	if (variant->mode == TURNPIKE_MODE_TC)
		skeleton->rodata->config.xfrm = has_xfrm();
	/* Not fatal: the selector knows of it, too. */
	if (variant->mode == TURNPIKE_MODE_XDP_GENERIC)
		skb_layout(&skeleton->rodata->config.layout);
	return 0;
}

static const struct bpf_program *find_program(const struct turnpike_bpf *skeleton,
					      const struct variant *variant)
{
	return bpf_object__find_program_by_name(skeleton->obj, variant->program);
}

int loader_prepare(const struct maps *maps, const struct variant *variant,
		   const struct turnpike_config *config, struct turnpike_bpf **ret)
{
	struct turnpike_bpf *skeleton = turnpike_bpf__open();
	struct turnpike_config full = *config;
	int err;

	if (!skeleton)
		return -errno;
	full.confirm_ns = maps->confirm_ns;
	err = share_maps(skeleton, maps);
	if (!err)
		err = configure(skeleton, variant, &full);
	if (err)
		turnpike_bpf__destroy(skeleton);
	else
		*ret = skeleton;
	return err;
}

int loader_load(const struct maps *maps, const struct variant *variant,
		const struct turnpike_config *config, int *ret)
{
	struct turnpike_bpf *skeleton;
	int err = loader_prepare(maps, variant, config, &skeleton);
	int fd = -1;

	if (err)
		return err;
	err = turnpike_bpf__load(skeleton);
	if (!err) {
		/* The skeleton is closed; this descriptor keeps program and maps. */
		fd = fcntl(bpf_program__fd(find_program(skeleton, variant)), F_DUPFD_CLOEXEC, 0);
		err = fd < 0 ? -errno : 0;
	}
	turnpike_bpf__destroy(skeleton);
	if (!err)
		*ret = fd;
	return err;
}

static int describe(const struct turnpike_bpf *skeleton, struct turnpike_variant *result)
{
	const struct bpf_program *prog =
		bpf_object__find_program_by_name(skeleton->obj, result->program);
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);
	const int err = bpf_obj_get_info_by_fd(bpf_program__fd(prog), &info, &len);

	if (err)
		return err;
	result->insns = info.xlated_prog_len / (__u32)sizeof(struct bpf_insn);
	result->verified_insns = info.verified_insns;
	result->jited_bytes = info.jited_prog_len;
	return 0;
}

/* Only the verifier's log has the stack: "stack depth 160+32+0", a number for each function. */
static __u32 stack_of(const char *log)
{
	static const char heading[] = "stack depth";
	const char *pos = strstr(log, heading);
	__u32 sum = 0;
	char *end;

	if (!pos)
		return 0;
	pos += sizeof(heading) - 1;
	do {
		sum += (__u32)strtoul(pos + 1, &end, 10);
		pos = end;
	} while (*pos == '+');
	return sum;
}

static void verify(const struct variant *variant, struct turnpike_variant *result)
{
	static _Thread_local char log[16384];
	struct bpf_program *prog;
	/* With confirmation, which is the default and verifies more. */
	const struct turnpike_config config = { .ifindex = 1, .confirm_ns = 1 };
	struct turnpike_bpf *skeleton = turnpike_bpf__open();

	*result = (struct turnpike_variant){ .program = variant->program,
					     .mode = variant->mode,
					     .moves = variant->moves };
	if (!skeleton) {
		result->error = -errno;
		return;
	}
	prog = bpf_object__find_program_by_name(skeleton->obj, variant->program);
	log[0] = '\0';
	bpf_program__set_log_buf(prog, log, sizeof(log));
	bpf_program__set_log_level(prog, LOG_STATISTICS);
	result->error = configure(skeleton, variant, &config);
	if (!result->error)
		result->error = turnpike_bpf__load(skeleton);
	if (!result->error)
		result->error = describe(skeleton, result);
	result->stack_bytes = stack_of(log);
	turnpike_bpf__destroy(skeleton);
}

int loader_verify(int (*fn)(const struct turnpike_variant *variant, void *arg), void *arg)
{
	struct turnpike_variant result;
	int first_error = 0;
	int err;
	size_t i;

	for (i = 0; i <= N_VARIANTS; i++) {
		verify(i < N_VARIANTS ? &variants[i] : &loader_observer, &result);
		if (!first_error)
			first_error = result.error;
		err = fn(&result, arg);
		if (err)
			return err;
	}
	return first_error;
}
