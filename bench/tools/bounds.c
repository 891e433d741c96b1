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
#include "lines.h"
#include "tool.h"

struct options {
	struct target target;
	const char *program;
	const char *to;
	__u8 macs[2 * ETH_ALEN];
	int family;
	__u32 levels;
	__u32 flows;
	struct sockaddr_in first;
	__u32 bits;
};

static const struct argp_option argp_options[] = {
	{ "program", 'p', "NAME", 0, "program of bounds.bpf.c", 0 },
	{ "to", 't', "IF", 0, "egress device", 0 },
	{ "macs", 'm', "HEX", 0, "new destination and source MAC address", 0 },
	{ "family", 'f', "4|6", 0, "IP version of the packets to forward", 0 },
	{ "levels", 'l', "N", 0, "lines that xdp_lines visits", 0 },
	{ "flows", 'n', "N", 0, "flows in its table", 0 },
	{ "first", 's', "ADDR:PORT", 0, "where flow 0 comes from", 0 },
	{ "bits", 'b', "N", 0, "flow F comes from ADDR + F / 2^N and PORT + F % 2^N", 0 },
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
	case 'l':
		options->levels = (__u32)number("--levels", arg, 1, LINES_MAX);
		return 0;
	case 'n':
		options->flows = (__u32)number("--flows", arg, 1, 1U << 28);
		return 0;
	case 's':
		options->first = ipv4_address("--first", arg);
		return 0;
	case 'b':
		options->bits = (__u32)number("--bits", arg, 0, 16);
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
		.levels = options->levels,
		.flows = options->flows,
		.ip = ntohl(options->first.sin_addr.s_addr),
		.port = ntohs(options->first.sin_port),
		.bits = options->bits,
	};
	struct bounds_bpf *skeleton = bounds_bpf__open();

	if (!skeleton)
		die(-errno, "opening the bounds");
	memcpy(config.macs, options->macs, sizeof(config.macs));
	*(struct bounds_config *)&skeleton->rodata->config = config;
	if (options->levels)
		bpf_map__set_max_entries(skeleton->maps.lines, options->flows * options->levels);
	if (bounds_bpf__load(skeleton))
		die(-errno, "loading the bounds");
	if (options->levels)
		lines_fill(bpf_map__fd(skeleton->maps.lines), options->flows, options->levels);
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
	struct options options = { .family = 4, .flows = 1 };
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
