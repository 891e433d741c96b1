// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Attaches the relay's program, built so that it ends packets after a step of its fast path. It
 * gets the maps and the constants of a program that the library has loaded.
 *
 * Orders: the names of steps (programs/stop.h). Each is answered with the program's ID, once that
 * program is attached instead of the one before.
 */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <turnpike/abi.h>

#include "attach.h"
#include "private/array_len.h"
#include "steps.skel.h"
#include "stop.h"
#include "tool.h"

#define MAPS_MAX   32
#define CONFIRM_NS (10 * 1000000000ull)

struct options {
	struct target target;
	const char *program;
	__u32 like;
	bool confirm;
};

/* The maps of the library's program. */
struct lent {
	__u32 n;
	int fds[MAPS_MAX];
	struct bpf_map_info info[MAPS_MAX];
	struct turnpike_config config;
};

#define NAME_OF(id, name) [STEP_##id] = (name),
static const char *const step_names[] = { TURNPIKE_STEPS(NAME_OF) };

static const struct argp_option argp_options[] = {
	{ "program", 'p', "NAME", 0, "relay_xdp_head, relay_xdp_tail or relay_tc", 0 },
	{ "like", 'l', "ID", 0, "the library's program", 0 },
	{ "confirm", 'c', NULL, 0, "confirm all IPv4 flows, and have that checked", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &options->target;
		return 0;
	case 'p':
		options->program = arg;
		return 0;
	case 'l':
		options->like = (__u32)number("--like", arg, 1, UINT32_MAX);
		return 0;
	case 'c':
		options->confirm = true;
		return 0;
	case ARGP_KEY_END:
		if (!options->program || !options->like)
			argp_error(state, "--program and --like are required");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { { &target_argp, 0, NULL, 0 }, { 0 } };

static const struct argp argp = { argp_options, parse,
				  NULL,         "Attaches the relay's program up to a step.",
				  children,     NULL,
				  NULL };

static void borrow_map(struct lent *lent, __u32 id)
{
	struct bpf_map_info *info = &lent->info[lent->n];
	__u32 len = sizeof(*info);
	const int fd = bpf_map_get_fd_by_id(id);

	if (fd < 0 || bpf_obj_get_info_by_fd(fd, info, &len))
		die(-errno, "opening map %u", id);
	lent->fds[lent->n++] = fd;
}

/* Return: its place, or the number of maps. */
static __u32 find_map(const struct lent *lent, const char *name)
{
	__u32 i;

	for (i = 0; i < lent->n && strcmp(lent->info[i].name, name) != 0; i++)
		;
	return i;
}

static int fd_of(const struct lent *lent, const char *name)
{
	const __u32 i = find_map(lent, name);

	return i < lent->n ? lent->fds[i] : -1;
}

/* The constants are a map, too; its name begins with that of the object. */
static void read_config(struct lent *lent)
{
	const __u32 key = 0;
	char *value;
	__u32 i;

	for (i = 0; i < lent->n && !strstr(lent->info[i].name, ".rodata"); i++)
		;
	if (i == lent->n || lent->info[i].value_size < sizeof(lent->config))
		die(0, "the program has no constants");
	value = calloc(1, lent->info[i].value_size);
	if (!value || bpf_map_lookup_elem(lent->fds[i], &key, value))
		die(-errno, "reading the program's constants");
	memcpy(&lent->config, value, sizeof(lent->config));
	free(value);
	if (lent->config.version != TURNPIKE_ABI_VERSION)
		die(0, "the program is of another version");
}

static void borrow(struct lent *lent, __u32 like)
{
	__u32 ids[MAPS_MAX], len, i;
	struct bpf_prog_info info = { .nr_map_ids = MAPS_MAX, .map_ids = (__u64)(size_t)ids };
	const int fd = bpf_prog_get_fd_by_id(like);

	len = sizeof(info);
	if (fd < 0 || bpf_obj_get_info_by_fd(fd, &info, &len))
		die(-errno, "opening program %u", like);
	for (i = 0; i < info.nr_map_ids && i < MAPS_MAX; i++)
		borrow_map(lent, ids[i]);
	close(fd);
	read_config(lent);
}

static __u32 current_hop(const struct lent *lent, __u32 index)
{
	struct turnpike_nexthop nexthop;

	if (bpf_map_lookup_elem(fd_of(lent, "nexthops"), &index, &nexthop))
		die(-errno, "reading a next hop");
	return nexthop.current;
}

/* As the observer would, but for as long as the benchmark lasts. */
static void confirm_flow(const struct lent *lent, int flows, const struct turnpike_key4 *key)
{
	struct turnpike_flow flow;

	if (bpf_map_lookup_elem(flows, key, &flow))
		die(-errno, "reading a flow");
	flow.seen = turnpike_seen(lent->config.ifindex, current_hop(lent, flow.nexthop));
	flow.check_at = flow.until = flow.dscps = ~0ull;
	if (bpf_map_update_elem(flows, key, &flow, BPF_EXIST))
		die(-errno, "writing a flow");
}

/* Return: all keys, and their number. An update may move a flow ahead of those already visited. */
static struct turnpike_key4 *keys_of(int flows, __u32 max, __u32 *n)
{
	struct turnpike_key4 *keys = calloc(max, sizeof(*keys));

	if (!keys)
		die(-ENOMEM, "the keys of flows");
	for (*n = 0; *n < max; ++*n) {
		if (bpf_map_get_next_key(flows, *n ? &keys[*n - 1] : NULL, &keys[*n]))
			break;
	}
	return keys;
}

static void confirm_all(struct lent *lent)
{
	const __u32 map = find_map(lent, "flows4");
	struct turnpike_key4 *keys;
	__u32 n, i;

	if (map == lent->n)
		die(0, "the program has no IPv4 flows");
	lent->config.confirm_ns = CONFIRM_NS;
	keys = keys_of(lent->fds[map], lent->info[map].max_entries, &n);
	for (i = 0; i < n; i++)
		confirm_flow(lent, lent->fds[map], &keys[i]);
	free(keys);
}

static struct steps_bpf *open_programs(void)
{
	struct steps_bpf *skeleton = steps_bpf__open();

	if (!skeleton)
		die(-errno, "opening the programs");
	return skeleton;
}

static struct steps_bpf *load(const struct options *options, const struct lent *lent,
			      enum step last)
{
	struct steps_bpf *skeleton = open_programs();
	struct bpf_program *program;
	struct bpf_map *map;
	int fd;

	bpf_object__for_each_program(program, skeleton->obj)
		bpf_program__set_autoload(
			program, strcmp(bpf_program__name(program), options->program) == 0);
	bpf_object__for_each_map(map, skeleton->obj) {
		fd = fd_of(lent, bpf_map__name(map));
		if (fd >= 0 && bpf_map__reuse_fd(map, fd))
			die(-errno, "sharing map %s", bpf_map__name(map));
	}
	memcpy((void *)&skeleton->rodata->config, &lent->config, sizeof(lent->config));
	*(__u32 *)&skeleton->rodata->last_step = last;
	if (steps_bpf__load(skeleton))
		die(-errno, "loading the program up to step %s", step_names[last]);
	return skeleton;
}

static enum step step_named(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(step_names); i++)
		if (strcmp(step_names[i], name) == 0)
			return (enum step)i;
	die(0, "unknown step '%s'", name);
}

static void carry_out(struct options *options, const struct lent *lent, const char *order)
{
	struct steps_bpf *skeleton = load(options, lent, step_named(order));

	/* The link keeps the program. */
	target_attach(&options->target,
		      bpf_object__find_program_by_name(skeleton->obj, options->program));
	steps_bpf__destroy(skeleton);
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	struct lent lent = { 0 };
	char *order;

	quiet();
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	borrow(&lent, options.like);
	if (options.confirm)
		confirm_all(&lent);
	end_on_signals();
	printf("{\"ready\": true}\n");
	while ((order = next_order()))
		carry_out(&options, &lent, order);
	target_detach(&options.target);
	return 0;
}
