// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Attaches one of the programs of bounds.bpf.c to a device until the input ends.
 */
#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <stdio.h>
#include <string.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "attach.h"
#include "bounds.h"
#include "bounds.skel.h"
#include "tool.h"

struct options {
	struct target target;
	const char *program;
	const char *to;
	__u8 macs[2 * ETH_ALEN];
	int family;
};

static const struct argp_option argp_options[] = {
	{ "program", 'p', "NAME", 0, "program of bounds.bpf.c", 0 },
	{ "to", 't', "IF", 0, "egress device", 0 },
	{ "macs", 'm', "HEX", 0, "new destination and source MAC address", 0 },
	{ "family", 'f', "4|6", 0, "IP version of the packets to forward", 0 },
	{ 0 },
};

static void parse_macs(__u8 *macs, const char *hex)
{
	int i;

	for (i = 0; i < 2 * ETH_ALEN; i++) {
		if (sscanf(hex + (size_t)2 * (size_t)i, "%2hhx", &macs[i]) != 1)
			die(0, "--macs must be %d hexadecimal digits", 4 * ETH_ALEN);
	}
}

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
	case 't':
		options->to = arg;
		return 0;
	case 'm':
		parse_macs(options->macs, arg);
		return 0;
	case 'f':
		options->family = (int)number("--family", arg, 4, 6);
		return 0;
	case ARGP_KEY_END:
		if (!options->program)
			argp_error(state, "--program is required");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { { &target_argp, 0, NULL, 0 }, { 0 } };

static const struct argp argp = {
	argp_options, parse, NULL, "Attaches a minimal program to a device.", children, NULL, NULL
};

static struct bounds_bpf *load(const struct options *options)
{
	struct bounds_config config = {
		.ifindex = options->to ? device(options->to) : 0,
		.proto = htons(options->family == 6 ? ETH_P_IPV6 : ETH_P_IP),
	};
	struct bounds_bpf *skeleton = bounds_bpf__open();

	if (!skeleton)
		die(-errno, "opening the bounds");
	memcpy(config.macs, options->macs, sizeof(config.macs));
	*(struct bounds_config *)&skeleton->rodata->config = config;
	if (bounds_bpf__load(skeleton))
		die(-errno, "loading the bounds");
	return skeleton;
}

static void fill_devmap(const struct bounds_bpf *skeleton, __u32 ifindex)
{
	const __u32 key = 0;

	if (bpf_map_update_elem(bpf_map__fd(skeleton->maps.egress), &key, &ifindex, BPF_ANY))
		die(-errno, "updating the devmap");
}

int main(int argc, char **argv)
{
	struct options options = { .family = 4 };
	const struct bpf_program *program;
	struct bounds_bpf *skeleton;

	quiet();
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	skeleton = load(&options);
	if (options.to)
		fill_devmap(skeleton, device(options.to));
	program = bpf_object__find_program_by_name(skeleton->obj, options.program);
	if (!program)
		die(0, "unknown program '%s'", options.program);
	run_attached(&options.target, program, NULL, NULL);
	bounds_bpf__destroy(skeleton);
	return 0;
}
