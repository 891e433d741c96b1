/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/query.h"
#include "cli/stats_delta.h"
#include "cli/table.h"

static const struct table_column total_columns[] = {
	{ "dev", TABLE_TEXT },
	{ "mode", TABLE_TEXT },
	{ "direction", TABLE_TEXT },
	{ "verdict", TABLE_TEXT },
	{ "packets", TABLE_NUMBER },
	{ "bytes", TABLE_NUMBER },
	{ 0 },
};

static const struct table_column delta_columns[] = {
	{ "dev", TABLE_TEXT },
	{ "mode", TABLE_TEXT },
	{ "direction", TABLE_TEXT },
	{ "verdict", TABLE_TEXT },
	{ "packets", TABLE_NUMBER },
	{ "bytes", TABLE_NUMBER },
	{ "packets_per_second", TABLE_NUMBER },
	{ "bytes_per_second", TABLE_NUMBER },
	{ 0 },
};

static const struct table_column turn_columns[] = {
	{ "user space", TABLE_TEXT },
	{ "count", TABLE_NUMBER },
	{ 0 },
};

/* Adds a row for each non-zero counter; member b of object a is named "a.b". */
static void add_counters(json_t *rows, const char *prefix, json_t *counters)
{
	const char *key;
	char name[128];
	json_t *value;

	json_object_foreach(counters, key, value) {
		snprintf(name, sizeof(name), "%s%s", prefix, key);
		if (json_integer_value(value))
			json_array_append_new(
				rows, json_pack("{s:s, s:O}", "user space", name, "count", value));
		strncat(name, ".", sizeof(name) - strlen(name) - 1);
		add_counters(rows, name, value);
	}
}

static void print_turn(json_t *turn)
{
	json_t *rows = json_array();

	add_counters(rows, "", turn);
	table_print(turn_columns, rows);
	json_decref(rows);
}

static void print_totals(const json_t *stats)
{
	table_print(total_columns, json_object_get(stats, "verdicts"));
	printf("\n");
	print_turn(json_object_get(stats, "turn"));
}

static void print_delta(const json_t *delta)
{
	printf("in %.1f s\n", json_number_value(json_object_get(delta, "seconds")));
	table_print(delta_columns, json_object_get(delta, "verdicts"));
	printf("\n");
	print_turn(json_object_get(delta, "turn"));
	printf("\n");
}

/* Until the server ends or a signal arrives. */
static void print_deltas(const struct query *query, json_t *before)
{
	json_t *now, *delta;

	for (;;) {
		sleep(query->interval);
		now = query_ask(query, "stats");
		if (!now)
			break;
		delta = stats_delta(now, before);
		query_print(query, delta, print_delta);
		json_decref(delta);
		json_decref(before);
		before = now;
	}
	json_decref(before);
}

static int set_interval(void *query, char *value)
{
	return cli_number(value, 1, 86400, &((struct query *)query)->interval);
}

enum cli_status command_stats(int argc, char **argv)
{
	static const struct cli_option options[] = {
		{ "interval", 'i', "SECONDS",
		  "Print the change of all counters every SECONDS, until interrupted.",
		  "a number of seconds", .set = set_interval },
		QUERY_JSON,
		QUERY_CONTROL,
		{ 0 },
	};
	static const struct cli_syntax syntax = {
		.command = "turnpike stats",
		.doc = "Show the packet counters of a running server: those of the kernel by device, "
		       "mode, direction and verdict, those of user space by kind.",
		.options = options,
	};
	struct query query = { .control = CONTROL_PATH };
	enum cli_status status = cli_parse(&syntax, argc, argv, &query);
	json_t *answer;

	if (status != CLI_OK)
		return status;
	answer = query_ask(&query, "stats");
	if (!answer)
		return CLI_ERROR;
	if (query.interval) {
		print_deltas(&query, answer);
		return CLI_ERROR;
	}
	query_print(&query, answer, print_totals);
	json_decref(answer);
	return CLI_OK;
}
