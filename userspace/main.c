/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <turnpike/version.h>

#include "base/log.h"
#include "cli/commands.h"
#include "config/suggest.h"
#include "serve/serve.h"

struct command {
	const char *name;
	enum cli_status (*run)(int argc, char **argv);
	const char *help;
};

static const struct command commands[] = {
	{ "serve", command_serve, "run a TURN server" },
	{ "helper", command_helper, "have the privileges of a server, as a service of systemd" },
	{ "key", command_key, "derive the keys of a user from the password" },
	{ "status", command_status, "show the devices, modes and traffic of a running server" },
	{ "stats", command_stats, "show packet counters of a running server by verdict" },
	{ "flows", command_flows, "list the flows that a running server has in the kernel" },
	{ "sessions", command_sessions,
	  "list the allocations, and why which data is not in the kernel" },
	{ "monitor", command_monitor, "show events as they happen" },
	{ "top", command_top, "show the busiest users and sessions, again and again" },
	{ "why", command_why, "say why data of a user is not in the kernel, and the remedy" },
	{ "users", command_users, "list the users with allocations" },
	{ "kick", command_kick, "end the allocations of a user, or one" },
	{ "block", command_block, "refuse a user or clients, and end what exists" },
	{ "unblock", command_unblock, "serve a user or clients again" },
	{ "blocked", command_blocked, "list the users and clients that are blocked" },
	{ "drain", command_drain, "refuse new allocations" },
	{ "check", command_check, "check a TURN server from the client's side" },
	{ "mode", command_mode, "change the mode of a running server's devices" },
	{ "probe", command_probe, "show what devices support, and rank the modes" },
	{ "pass", command_pass, "let the peer of a veth device receive XDP_TX frames" },
	{ "verify", command_verify, "load every program without attaching it" },
	{ 0 },
};

static void print_help(FILE *file)
{
	fprintf(file, "Usage: turnpike COMMAND [OPTION...]\n\n");
	for (const struct command *command = commands; command->name; command++)
		fprintf(file, "  %-8s %s\n", command->name, command->help);
	fprintf(file, "\n'turnpike COMMAND --help' prints the options of a command, 'turnpike "
		      "--version' the version.\n");
}

static const struct command *find_command(const char *name)
{
	for (const struct command *command = commands; command->name; command++) {
		if (strcmp(command->name, name) == 0)
			return command;
	}
	return NULL;
}

static void log_unknown(const char *name)
{
	struct suggest suggest = { .name = name, .len = strlen(name) };

	for (const struct command *command = commands; command->name; command++)
		suggest_try(&suggest, command->name);
	if (suggest.best)
		log_error("unknown command '%s': did you mean '%s'? See 'turnpike help'", name,
			  suggest.best);
	else
		log_error("unknown command '%s': see 'turnpike help'", name);
}

static enum cli_status run(int argc, char **argv)
{
	const struct command *command = find_command(argv[0]);

	if (command)
		return command->run(argc, argv);
	log_unknown(argv[0]);
	return CLI_USAGE;
}

int main(int argc, char **argv)
{
	const char *first = argc > 1 ? argv[1] : "";

	if (argc < 2) {
		print_help(stderr);
		return CLI_USAGE;
	}
	if (strcmp(first, "help") == 0 && argc > 2) {
		char *help[] = { argv[2], "--help", NULL };

		return (int)run(2, help);
	}
	if (strcmp(first, "-h") == 0 || strcmp(first, "--help") == 0 ||
	    strcmp(first, "help") == 0) {
		print_help(stdout);
		return CLI_OK;
	}
	if (strcmp(first, "--version") == 0) {
		printf("turnpike %s\n", TURNPIKE_VERSION);
		return CLI_OK;
	}
	return (int)run(argc - 1, argv + 1);
}
