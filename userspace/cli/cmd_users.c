/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cli/commands.h"
#include "cli/query.h"
#include "cli/session_sums.h"
#include "cli/table.h"

static void print_users(const json_t *answer)
{
	static const struct table_column columns[] = {
		{ "user", TABLE_TEXT },           { "allocations", TABLE_NUMBER },
		{ "relays", TABLE_NUMBER },       { "flows", TABLE_NUMBER },
		{ "kernel_flows", TABLE_NUMBER }, { "kernel_packets", TABLE_NUMBER },
		{ "kernel_bytes", TABLE_NUMBER }, { "user_packets", TABLE_NUMBER },
		{ "user_bytes", TABLE_NUMBER },   { 0 },
	};
	json_t *users = json_object_get(answer, "users"), *user;
	size_t i;

	json_array_foreach(users, i, user)
		session_add_sums(user, user);
	table_print(columns, users);
}

enum cli_status command_users(int argc, char **argv)
{
	static const struct cli_option options[] = { QUERY_JSON, QUERY_CONTROL, { 0 } };
	static const struct cli_syntax syntax = {
		.command = "turnpike users",
		.doc = "List the users with allocations, and what is relayed for them. Time-limited usernames "
		       "with the same name are one user.",
		.options = options,
	};

	return query_run(&syntax, argc, argv, "users", print_users);
}
