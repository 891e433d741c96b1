/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <turnpike/probe.h>

#include "base/log.h"
#include "cli/commands.h"
#include "cli/member.h"
#include "cli/probe_json.h"
#include "cli/query.h"
#include "cli/table.h"
#include "host/host_devices.h"
#include "private/array_len.h"

#define DOUBT_MAX 512

struct probe_query {
	struct query query; /* first, because QUERY_JSON and QUERY_CONTROL set its members */
	json_t *names;      /* of the requested devices; empty: all */
	bool expect_device; /* the previous word was "dev" */
};

/* [dev] IF ... */
static int take_word(void *target, char *word)
{
	struct probe_query *query = target;

	if (!query->expect_device && strcmp(word, "dev") == 0) {
		query->expect_device = true;
		return 0;
	}
	query->expect_device = false;
	return json_array_append_new(query->names, json_string(word)) ? -ENOMEM : 0;
}

static void add_fact(json_t *rows, const char *fact, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void add_fact(json_t *rows, const char *fact, const char *format, ...)
{
	char value[512];
	va_list args;

	va_start(args, format);
	vsnprintf(value, sizeof(value), format, args);
	va_end(args);
	json_array_append_new(rows, json_pack("{s:s, s:s}", "fact", fact, "value", value));
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text && *text ? text : "-";
}

/* "2 rx of 4, 2 tx of 4": the kinds of queues that the device has */
static void add_queues(json_t *rows, const json_t *queues)
{
	static const char *const kinds[][2] = { { "rx", "max_rx" },
						{ "tx", "max_tx" },
						{ "combined", "max_combined" } };
	char value[128] = "";
	size_t used = 0;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (member_integer(queues, kinds[i][1]))
			used += (size_t)snprintf(value + used, sizeof(value) - used,
						 "%s%lld %s of %lld", used ? ", " : "",
						 member_integer(queues, kinds[i][0]), kinds[i][0],
						 member_integer(queues, kinds[i][1]));
	}
	if (used)
		add_fact(rows, "queues", "%s", value);
}

static void add_xdp(json_t *rows, const json_t *features)
{
	char value[128] = "";
	size_t used = 0, i;
	const json_t *name;

	json_array_foreach(features, i, name)
		used += (size_t)snprintf(value + used, sizeof(value) - used, "%s%s",
					 used ? " " : "", json_string_value(name));
	add_fact(rows, "driver XDP", "%s",
		 json_is_null(features) ? "unknown"
		 : used                 ? value
					: "none");
}

static void add_programs(json_t *rows, const json_t *programs)
{
	const json_t *program;
	size_t i;

	json_array_foreach(programs, i, program) {
		const long long link = member_integer(program, "link_id");

		add_fact(rows, "attached", "%s: %lld '%s'%s%.0lld", text_of(program, "hook"),
			 member_integer(program, "id"), text_of(program, "name"),
			 link ? ", link " : "", link);
	}
}

static void add_relatives(json_t *rows, const json_t *related)
{
	const json_t *relative;
	size_t i;

	json_array_foreach(related, i, relative) {
		const json_t *programs = json_object_get(relative, "programs");

		add_fact(rows, text_of(relative, "relation"),
			 "%s (%lld) %s%s, mtu %lld, %zu programs", text_of(relative, "dev"),
			 member_integer(relative, "ifindex"), text_of(relative, "driver"),
			 json_is_true(json_object_get(relative, "elsewhere"))
				 ? " in another namespace"
				 : "",
			 member_integer(relative, "mtu"), json_array_size(programs));
	}
}

/* The state of the device in a running server, and the properties proven there. */
static void add_relay(json_t *rows, const json_t *relay)
{
	if (json_is_null(relay))
		return;
	add_fact(rows, "relaying", "%s, moves %s, hook %s, program %lld", text_of(relay, "mode"),
		 text_of(relay, "moves"), text_of(relay, "hook"), member_integer(relay, "prog_id"));
	add_fact(rows, "why", "%s", text_of(relay, "why"));
	add_fact(rows, "proof", "%s", text_of(relay, "proof"));
}

/* "%.0lld" prints nothing for 0. */
static void print_facts(const json_t *facts)
{
	static const struct table_column columns[] = { { "fact", TABLE_TEXT },
						       { "value", TABLE_TEXT },
						       { 0 } };
	const long long max_mtu = member_integer(facts, "max_mtu");
	json_t *rows = json_array();

	add_fact(rows, "driver", "%s %s", text_of(facts, "driver"),
		 text_of(facts, "driver_version"));
	add_fact(rows, "kind", "%s", text_of(facts, "kind"));
	add_fact(rows, "kernel", "%s", text_of(facts, "kernel"));
	add_fact(rows, "link", "%s", json_is_true(json_object_get(facts, "up")) ? "up" : "down");
	add_fact(rows, "mtu", "%lld%s%.0lld", member_integer(facts, "mtu"), max_mtu ? " of " : "",
		 max_mtu);
	add_queues(rows, json_object_get(facts, "queues"));
	add_fact(rows, "offloads", "lro %s, gro-hw %s, rx-checksum %s, rx-vlan %s",
		 text_of(facts, "lro"), text_of(facts, "gro_hw"), text_of(facts, "rx_csum"),
		 text_of(facts, "rx_vlan"));
	add_fact(rows, "UDP GRO", "rx-gro-list %s, rx-udp-gro-forwarding %s",
		 text_of(facts, "gro_list"), text_of(facts, "gro_forwarding"));
	if (member_integer(facts, "vlans"))
		add_fact(rows, "VLANs", "%lld", member_integer(facts, "vlans"));
	add_xdp(rows, json_object_get(facts, "xdp_features"));
	add_programs(rows, json_object_get(facts, "programs"));
	add_relatives(rows, json_object_get(facts, "related"));
	add_relay(rows, json_object_get(facts, "relay"));
	table_print(columns, rows);
	json_decref(rows);
}

/* Marks the first choice, and the outlook. */
static void set_mark(json_t *row, size_t place)
{
	static const char *const marks[] = {
		[TURNPIKE_USABLE] = "", [TURNPIKE_DOUBTFUL] = "?", [TURNPIKE_REJECTED] = "x"
	};
	enum turnpike_outlook outlook = TURNPIKE_USABLE;
	char mark[3];

	while (strcmp(turnpike_outlook_name(outlook), text_of(row, "outlook")) != 0)
		outlook++;
	snprintf(mark, sizeof(mark), "%s%s", place ? "" : "*", marks[outlook]);
	json_object_set_new(row, " ", json_string(mark));
}

/* The remedy is printed below the reason, on a line of its own for copying. */
static json_t *remedy_row(const json_t *candidate)
{
	char remedy[300];

	snprintf(remedy, sizeof(remedy), "  %s", text_of(candidate, "remedy"));
	return json_pack("{s:s, s:s, s:s, s:s, s:s}", " ", "", "mode", "", "moves", "", "hook", "",
			 "reason", remedy);
}

static void print_plan(const json_t *plan)
{
	static const struct table_column columns[] = {
		{ " ", TABLE_TEXT },    { "mode", TABLE_TEXT },   { "moves", TABLE_TEXT },
		{ "hook", TABLE_TEXT }, { "reason", TABLE_TEXT }, { 0 },
	};
	json_t *rows = json_array(), *row;
	const json_t *candidate;
	size_t i;

	json_array_foreach(plan, i, candidate) {
		row = json_copy((json_t *)candidate);
		set_mark(row, i);
		json_array_append_new(rows, row);
		if (*json_string_value(json_object_get(candidate, "remedy")))
			json_array_append_new(rows, remedy_row(candidate));
	}
	table_print(columns, rows);
	json_decref(rows);
}

static void print_defaults(const json_t *document)
{
	const char *doubt = json_string_value(json_object_get(document, "doubt"));
	const json_t *name;
	size_t i;

	json_array_foreach(json_object_get(document, "defaults"), i, name)
		printf("%s %s", i ? "" : "\nWithout --dev, a server on all addresses attaches to",
		       json_string_value(name));
	if (json_array_size(json_object_get(document, "defaults")))
		printf("\n");
	if (doubt && *doubt)
		printf("%s\n", doubt);
}

static void print_devices(const json_t *document)
{
	const char *unproven;
	const json_t *device;
	size_t i;

	json_array_foreach(json_object_get(document, "devices"), i, device) {
		printf("%s%s:\n", i ? "\n\n" : "", text_of(device, "dev"));
		print_facts(device);
		printf("\n");
		print_plan(json_object_get(device, "plan"));
	}
	print_defaults(document);
	unproven = json_string_value(json_object_get(document, "unproven"));
	if (unproven)
		printf("\nNot verified by a running server: %s\n", unproven);
}

static int add_device(const struct turnpike_probe_result *probe, void *devices)
{
	return json_array_append_new(devices, probe_json(probe)) ? -ENOMEM : 0;
}

static int probe_all(const struct probe_query *query, json_t *devices)
{
	const json_t *name;
	int err = 0;
	size_t i;

	if (!json_array_size(query->names))
		return turnpike_probe(NULL, add_device, devices);
	json_array_foreach(query->names, i, name) {
		if (!err)
			err = turnpike_probe(json_string_value(name), add_device, devices);
	}
	return err;
}

static bool has_program(const json_t *device, long long id)
{
	const json_t *program;
	size_t i;

	json_array_foreach(json_object_get(device, "programs"), i, program) {
		if (member_integer(program, "id") == id)
			return true;
	}
	return false;
}

/*
 * The server's row for @device. A device of that name may exist in another network namespace, so
 * the program is compared as well: program ids are global.
 */
static json_t *relay_of(const json_t *device, const json_t *status)
{
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(status, "devices"), i, row) {
		if (strcmp(text_of(row, "dev"), text_of(device, "dev")) == 0 &&
		    has_program(device, member_integer(row, "prog_id")))
			return json_incref(row);
	}
	return json_null();
}

/* Adds what a running server has proven, or why there is nothing to add. */
static void add_relays(const struct probe_query *query, json_t *document)
{
	char why[QUERY_WHY_MAX];
	json_t *status = query_try(&query->query, "status", why), *device;
	size_t i;

	json_object_set_new(document, "unproven", status ? json_null() : json_string(why));
	json_array_foreach(json_object_get(document, "devices"), i, device)
		json_object_set_new(device, "relay", relay_of(device, status));
	if (status)
		json_object_set(document, "doubt", json_object_get(status, "doubt"));
	json_decref(status);
}

static int find_defaults(struct host_devices *found)
{
	struct host_addresses host;
	int err = host_addresses_read(&host);

	if (err)
		return err;
	err = host_devices_find_all(&host, found);
	host_addresses_free(&host);
	return err;
}

/* A server without --dev would attach to these. If that cannot be told, the rest is shown. */
static void add_defaults(json_t *document)
{
	struct host_devices found = { 0 };
	json_t *names = json_array();
	char doubt[DOUBT_MAX] = "";

	if (!find_defaults(&found))
		host_devices_doubt(&found, doubt, sizeof(doubt));
	for (size_t i = 0; i < found.n; i++)
		json_array_append_new(names, json_string(found.list[i].name));
	json_object_set_new(document, "defaults", names);
	json_object_set_new(document, "doubt", json_string(doubt));
	host_devices_free(&found);
}

static enum cli_status probe(const struct probe_query *query)
{
	json_t *document = json_pack("{s:[]}", "devices");
	const int err = probe_all(query, json_object_get(document, "devices"));

	if (!err)
		add_relays(query, document);
	if (!err && !json_array_size(query->names) && !json_object_get(document, "doubt"))
		add_defaults(document);
	if (err)
		log_error("%s", turnpike_error(NULL));
	else
		query_print(&query->query, document, print_devices);
	json_decref(document);
	return err ? CLI_ERROR : CLI_OK;
}

enum cli_status command_probe(int argc, char **argv)
{
	static const struct cli_option options[] = { QUERY_JSON, QUERY_CONTROL, { 0 } };
	static const struct cli_syntax syntax = {
		.command = "turnpike probe",
		.doc = "Show what devices support, and rank the modes: * is the first choice, ? is "
		       "doubtful, x is rejected. Nothing is attached. If a server is running, show "
		       "what it has proven. Without IF, probe all Ethernet devices.",
		.options = options,
		.words = "[dev IF ...]",
		.word = take_word,
	};
	struct probe_query query = { .query = { .control = CONTROL_PATH }, .names = json_array() };
	enum cli_status status = cli_parse(&syntax, argc, argv, &query);

	if (status == CLI_OK && query.expect_device) {
		log_error("the device is missing: expected %s", syntax.words);
		status = CLI_USAGE;
	}
	if (status == CLI_OK)
		status = probe(&query);
	json_decref(query.names);
	return status;
}
