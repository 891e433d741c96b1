// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Reflects datagrams at a device until its input ends.
 */
#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>

#include <bpf/libbpf.h>

#include "reflect.skel.h"
#include "tool.h"

struct options {
	const char *dev;
	const char *hook;
	__u16 port;
};

static const struct argp_option argp_options[] = {
	{ "dev", 'd', "IF", 0, "attach to this device", 0 },
	{ "hook", 'k', "HOOK", 0, "xdp-native, xdp-generic, tcx or clsact", 0 },
	{ "port", 'p', "PORT", 0, "reflect what comes to this UDP port", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'd':
		options->dev = arg;
		return 0;
	case 'k':
		options->hook = arg;
		return 0;
	case 'p':
		options->port = (__u16)number("--port", arg, 1, 65535);
		return 0;
	case ARGP_KEY_END:
		if (!options->dev || !options->hook || !options->port)
			argp_error(state, "--dev, --hook and --port are needed");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = { argp_options, parse, NULL, "Reflects datagrams at a device.",
				  NULL,         NULL,  NULL };

int main(int argc, char **argv)
{
	struct options options = { 0 };
	struct reflect_bpf *skeleton;
	enum hook hook;
	__u32 ifindex;

	quiet();
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	hook = hook_named(options.hook);
	ifindex = device(options.dev);
	skeleton = reflect_bpf__open();
	if (!skeleton)
		die(-errno, "opening the reflector");
	*(__be16 *)&skeleton->rodata->port = htons(options.port);
	if (reflect_bpf__load(skeleton))
		die(-errno, "loading the reflector");
	end_on_signals();
	hook_attach(hook, ifindex,
		    bpf_program__fd(hook_is_xdp(hook) ? skeleton->progs.reflect_xdp
						      : skeleton->progs.reflect_tc));
	printf("{\"ready\": true}\n");
	while (next_order())
		;
	hook_detach(hook, ifindex);
	reflect_bpf__destroy(skeleton);
	return 0;
}
