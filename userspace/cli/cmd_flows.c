/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cli/commands.h"
#include "cli/query.h"
#include "cli/table.h"

static const struct table_column columns[] = {
	{ "direction", TABLE_TEXT }, { "src", TABLE_TEXT },
	{ "dst", TABLE_TEXT },       { "new_src", TABLE_TEXT },
	{ "new_dst", TABLE_TEXT },   { "framing", TABLE_TEXT },
	{ "channel", TABLE_HEX },    { "resolved", TABLE_TEXT },
	{ "confirmed", TABLE_TEXT }, { "expires_in", TABLE_NUMBER },
	{ "packets", TABLE_NUMBER }, { "bytes", TABLE_NUMBER },
	{ "why", TABLE_TEXT },       { 0 },
};

static void print_flows(const json_t *answer)
{
	table_print(columns, json_object_get(answer, "flows"));
}

enum cli_status command_flows(int argc, char **argv)
{
	static const struct cli_option options[] = { QUERY_JSON, QUERY_CONTROL, { 0 } };
	static const struct cli_syntax syntax = {
		.command = "turnpike flows",
		.doc = "List the flows that a running server has in the kernel, or would have if the share of "
		       "their user were larger.",
		.options = options,
	};

	return query_run(&syntax, argc, argv, "flows", print_flows);
}
