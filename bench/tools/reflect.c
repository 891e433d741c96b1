// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Reflects datagrams at a device until the input ends.
 */
#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

#include <bpf/libbpf.h>

#include "attach.h"
#include "reflect.skel.h"
#include "tool.h"

struct options {
	struct target target;
	__u16 port;
};

static const struct argp_option argp_options[] = {
	{ "port", 'p', "PORT", 0, "reflect datagrams to this UDP port", 0 },
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
		options->port = (__u16)number("--port", arg, 1, 65535);
		return 0;
	case ARGP_KEY_END:
		if (!options->port)
			argp_error(state, "--port is required");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = { { &target_argp, 0, NULL, 0 }, { 0 } };

static const struct argp argp = { argp_options, parse, NULL, "Reflects datagrams at a device.",
				  children,     NULL,  NULL };

int main(int argc, char **argv)
{
	struct options options = { 0 };
	struct reflect_bpf *skeleton;

	quiet();
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	skeleton = reflect_bpf__open();
	if (!skeleton)
		die(-errno, "opening the reflector");
	*(__be16 *)&skeleton->rodata->port = htons(options.port);
	if (reflect_bpf__load(skeleton))
		die(-errno, "loading the reflector");
	run_attached(&options.target,
		     target_is_xdp(&options.target) ? skeleton->progs.reflect_xdp
						    : skeleton->progs.reflect_tc,
		     NULL, NULL);
	reflect_bpf__destroy(skeleton);
	return 0;
}
