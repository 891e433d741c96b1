// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "attach.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/if_link.h>

#include "private/array_len.h"
#include "tool.h"

#define COMPAT_BPF_TCX_INGRESS 46 /* enum bpf_attach_type, Linux 6.6 */

/* While bpftool lists descriptors, a link outlives its process for a moment. */
#define BUSY_TRIES    100
#define BUSY_PAUSE_NS (10 * 1000 * 1000)

static const char *const hook_names[] = {
	[HOOK_XDP_NATIVE] = "xdp-native",
	[HOOK_XDP_GENERIC] = "xdp-generic",
	[HOOK_TCX] = "tcx",
	[HOOK_CLSACT] = "clsact",
};

static enum hook hook_named(const char *name)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(hook_names); i++) {
		if (strcmp(hook_names[i], name) == 0)
			return (enum hook)i;
	}
	die(0, "unknown hook '%s'", name);
}

static bool is_xdp(enum hook hook)
{
	return hook == HOOK_XDP_NATIVE || hook == HOOK_XDP_GENERIC;
}

static int attach_clsact(__u32 ifindex, int prog_fd)
{
	LIBBPF_OPTS(bpf_tc_hook, hook, .ifindex = (int)ifindex, .attach_point = BPF_TC_INGRESS);
	LIBBPF_OPTS(bpf_tc_opts, filter, .handle = 1, .priority = 1, .prog_fd = prog_fd);
	const int err = bpf_tc_hook_create(&hook);

	return err ? err : bpf_tc_attach(&hook, &filter);
}

static int attach(enum hook hook, __u32 ifindex, int prog_fd)
{
	LIBBPF_OPTS(bpf_link_create_opts, xdp,
		    .flags = hook == HOOK_XDP_NATIVE ? XDP_FLAGS_DRV_MODE : XDP_FLAGS_SKB_MODE);

	if (is_xdp(hook))
		return bpf_link_create(prog_fd, (int)ifindex, BPF_XDP, &xdp);
	if (hook == HOOK_TCX)
		return bpf_link_create(prog_fd, (int)ifindex, COMPAT_BPF_TCX_INGRESS, NULL);
	return attach_clsact(ifindex, prog_fd);
}

/* Return: the descriptor of the link, or 0. */
static int hook_attach(enum hook hook, __u32 ifindex, int prog_fd)
{
	const struct timespec pause = { .tv_nsec = BUSY_PAUSE_NS };
	int tries, err = -EBUSY; /* or the descriptor of a link */

	for (tries = 0; tries < BUSY_TRIES && err == -EBUSY; tries++) {
		if (tries)
			nanosleep(&pause, NULL);
		err = attach(hook, ifindex, prog_fd);
	}
	if (err < 0)
		die(err, "attaching to %s", hook_names[hook]);
	return err;
}

static void hook_detach(enum hook hook, __u32 ifindex)
{
	/* The qdisc is removed only if both attach points are given. */
	LIBBPF_OPTS(bpf_tc_hook, qdisc, .ifindex = (int)ifindex,
		    .attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS);

	if (hook == HOOK_CLSACT)
		bpf_tc_hook_destroy(&qdisc);
}

static __u32 prog_id(int prog_fd)
{
	struct bpf_prog_info info = { 0 };
	__u32 len = sizeof(info);
	const int err = bpf_obj_get_info_by_fd(prog_fd, &info, &len);

	if (err)
		die(err, "querying the id of a program");
	return info.id;
}

static const struct argp_option options[] = {
	{ "dev", 'd', "IF", 0, "attach to this device", 0 },
	{ "hook", 'k', "HOOK", 0, "xdp-native, xdp-generic, tcx or clsact", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct target *target = state->input;

	switch (key) {
	case 'd':
		target->ifindex = device(arg);
		return 0;
	case 'k':
		target->hook = hook_named(arg);
		target->has_hook = true;
		return 0;
	case ARGP_KEY_END:
		if (!target->ifindex || !target->has_hook)
			argp_error(state, "--dev and --hook are required");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

const struct argp target_argp = { options, parse, NULL, NULL, NULL, NULL, NULL };

bool target_is_xdp(const struct target *target)
{
	return is_xdp(target->hook);
}

void target_attach(struct target *target, const struct bpf_program *program)
{
	const int prog_fd = bpf_program__fd(program);

	target_detach(target);
	target->link = hook_attach(target->hook, target->ifindex, prog_fd);
	target->attached = true;
	printf("{\"ready\": true, \"prog_id\": %u}\n", prog_id(prog_fd));
}

void target_detach(struct target *target)
{
	if (!target->attached)
		return;
	hook_detach(target->hook, target->ifindex);
	if (target->link > 0)
		close(target->link);
	target->attached = false;
}

void run_attached(struct target *target, const struct bpf_program *program,
		  void (*on_order)(void *arg, char *order), void *arg)
{
	char *order;

	end_on_signals();
	target_attach(target, program);
	while ((order = next_order())) {
		if (!on_order)
			die(0, "unknown order '%s'", order);
		on_order(arg, order);
	}
	target_detach(target);
}
