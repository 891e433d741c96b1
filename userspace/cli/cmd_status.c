/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>

#include "cli/commands.h"
#include "cli/duration.h"
#include "cli/member.h"
#include "cli/query.h"
#include "cli/status_details.h"
#include "cli/status_notes.h"

/** struct status_query - @all: print all details, too */
struct status_query {
	struct query query; /* first, because QUERY_JSON and QUERY_CONTROL set its members */
	bool all;
};

static void print_notes(const json_t *status)
{
	json_t *notes = status_notes(status), *note;
	size_t i;

	json_array_foreach(notes, i, note)
		printf("note: %s\n", json_string_value(note));
	json_decref(notes);
}

static double percent(double part, double whole)
{
	return whole > 0 ? 100 * part / whole : 0;
}

static void print_relayed(const json_t *relayed)
{
	const json_t *kernel = json_object_get(relayed, "kernel");
	const json_t *user_space = json_object_get(relayed, "userspace");
	const long long packets =
		member_integer(kernel, "packets") + member_integer(user_space, "packets");
	const long long bytes =
		member_integer(kernel, "bytes") + member_integer(user_space, "bytes");

	printf("relayed      %lld packets, %lld bytes", packets, bytes);
	if (packets)
		printf("; in the kernel %.1f %% of the packets, %.1f %% of the bytes",
		       percent((double)member_integer(kernel, "packets"), (double)packets),
		       percent((double)member_integer(kernel, "bytes"), (double)bytes));
	printf("\n");
}

static void print_allocations(const json_t *status)
{
	json_t *by_transport = json_object_get(json_object_get(status, "clients"), "allocations");
	const char *transport;
	json_t *n;

	printf("allocations  %lld", member_integer(status, "allocations"));
	json_object_foreach(by_transport, transport, n) {
		if (json_integer_value(n))
			printf(", %s %lld", transport, (long long)json_integer_value(n));
	}
	printf("; relayed addresses %lld\n", member_integer(status, "relays"));
}

/* Without a device that relays in the kernel, there are no tables. */
static void print_tables(const json_t *status)
{
	json_t *table;
	const char *name = status_fullest_table(status, &table);

	printf("flows        %lld", member_integer(status, "flows"));
	if (name)
		printf("; fullest table: %s, %lld of %lld (%.1f %%)", name,
		       member_integer(table, "used"), member_integer(table, "size"),
		       percent((double)member_integer(table, "used"),
			       (double)member_integer(table, "size")));
	printf("\n");
}

static void print_short(const json_t *status)
{
	const double uptime = json_number_value(json_object_get(status, "uptime"));
	char text[DURATION_TEXT_MAX];

	printf("turnpike %s, up %s\n", json_string_value(json_object_get(status, "version")),
	       duration_format((uint64_t)uptime, text));
	print_notes(status);
	printf("\n");
	print_relayed(json_object_get(status, "relayed"));
	print_allocations(status);
	print_tables(status);
	printf("\n");
	status_print_devices(status);
}

static void print_all(const json_t *status)
{
	print_short(status);
	status_print_details(status);
}

static int set_all(void *query, char *value)
{
	(void)value;
	((struct status_query *)query)->all = true;
	return 0;
}

enum cli_status command_status(int argc, char **argv)
{
	static const struct cli_option options[] = {
		{ "all", 'a', NULL, "Print all details.", .set = set_all },
		QUERY_JSON,
		QUERY_CONTROL,
		{ 0 },
	};
	static const struct cli_syntax syntax = {
		.command = "turnpike status",
		.doc = "Show what an operator should know of a running server, what it has relayed, how much "
		       "of its tables is in use, and the modes of its devices with the reasons.",
		.options = options,
	};
	struct status_query query = { .query = { .control = CONTROL_PATH } };
	const enum cli_status status = cli_parse(&syntax, argc, argv, &query);

	if (status != CLI_OK)
		return status;
	return query_send(&query.query, json_pack("{s:s}", "command", "status"),
			  query.all ? print_all : print_short);
}
