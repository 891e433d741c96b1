/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <turnpike/version.h>

#include "cli/commands.h"
#include "base/log.h"

struct command {
	const char *name;
	enum cli_status (*run)(int argc, char **argv);
	const char *help;
};

static const struct command commands[] = {
	{ "serve", command_serve, "be a TURN server" },
	{ "key", command_key, "print the keys of a user, instead of a password" },
	{ "status", command_status, "a running server: devices, their modes and why, traffic" },
	{ "stats", command_stats, "a running server: what became of packets" },
	{ "flows", command_flows, "a running server: the flows in the kernel" },
	{ "mode", command_mode, "change the mode of a running server's devices" },
	{ "probe", command_probe, "what devices can do, and how to relay best on each" },
	{ "pass", command_pass, "make the other end of a veth ready for a relay" },
	{ "verify", command_verify, "load every program into the kernel, attach none" },
	{ 0 },
};

static void print_help(FILE *file)
{
	fprintf(file, "Usage: turnpike COMMAND [OPTION...]\n\n");
	for (const struct command *command = commands; command->name; command++)
		fprintf(file, "  %-8s %s\n", command->name, command->help);
	fprintf(file, "\n'turnpike COMMAND --help' tells the options of a command, "
		      "'turnpike --version' the version.\n");
}

static const struct command *find_command(const char *name)
{
	for (const struct command *command = commands; command->name; command++) {
		if (strcmp(command->name, name) == 0)
			return command;
	}
	return NULL;
}

static enum cli_status run(int argc, char **argv)
{
	const struct command *command = find_command(argv[0]);

	if (command)
		return command->run(argc, argv);
	log_error("there is no command '%s': see 'turnpike help'", argv[0]);
	return CLI_USAGE;
}

int main(int argc, char **argv)
{
	const char *first = argc > 1 ? argv[1] : "";

	if (argc < 2) {
		print_help(stderr);
		return CLI_USAGE;
	}
	if (strcmp(first, "--help") == 0 || strcmp(first, "help") == 0) {
		print_help(stdout);
		return CLI_OK;
	}
	if (strcmp(first, "--version") == 0) {
		printf("turnpike %s\n", TURNPIKE_VERSION);
		return CLI_OK;
	}
	return (int)run(argc - 1, argv + 1);
}
