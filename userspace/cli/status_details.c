/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cli/status_details.h"

#include <stdio.h>

#include "cli/table.h"
#include "private/array_len.h"

static const struct table_column relayed_columns[] = {
	{ "relayed", TABLE_TEXT },
	{ "packets", TABLE_NUMBER },
	{ "bytes", TABLE_NUMBER },
	{ 0 },
};

static const struct table_column client_columns[] = {
	{ "clients", TABLE_TEXT }, { "udp", TABLE_NUMBER },  { "tcp", TABLE_NUMBER },
	{ "tls", TABLE_NUMBER },   { "dtls", TABLE_NUMBER }, { 0 },
};

static const struct table_column share_columns[] = {
	{ "shares", TABLE_TEXT },      { "size", TABLE_NUMBER },
	{ "used", TABLE_NUMBER },      { "user_limit", TABLE_NUMBER },
	{ "user_most", TABLE_NUMBER }, { "waiting", TABLE_NUMBER },
	{ "refused", TABLE_NUMBER },   { 0 },
};

/* An object of objects; their names go into the first column. */
static void print_objects(const struct table_column *columns, json_t *objects)
{
	json_t *rows = json_array();
	const char *name;
	json_t *object;

	json_object_foreach(objects, name, object) {
		json_t *row = json_copy(object);

		json_object_set_new(row, columns[0].key, json_string(name));
		json_array_append_new(rows, row);
	}
	table_print(columns, rows);
	json_decref(rows);
}

static void print_proofs(const json_t *devices)
{
	const char *proof;
	json_t *device;
	size_t i;

	json_array_foreach(devices, i, device) {
		proof = json_string_value(json_object_get(device, "proof"));
		if (proof && *proof)
			printf("%s: %s\n", json_string_value(json_object_get(device, "dev")),
			       proof);
	}
}

static void print_capabilities(const json_t *owner)
{
	const json_t *capabilities = json_object_get(owner, "capabilities"), *name;
	size_t i;

	json_array_foreach(capabilities, i, name)
		printf(" %s", json_string_value(name));
	printf("\n");
}

static void print_privileges(const json_t *status)
{
	const json_t *helper = json_object_get(status, "helper");

	printf("user %lld", (long long)json_integer_value(json_object_get(status, "uid")));
	print_capabilities(status);
	if (!json_is_object(helper))
		return;
	if (json_is_true(json_object_get(helper, "running")))
		printf("helper %lld",
		       (long long)json_integer_value(json_object_get(helper, "pid")));
	else
		printf("the helper process has ended, as %s: restart the server",
		       json_string_value(json_object_get(helper, "why")));
	print_capabilities(helper);
}

static void print_framing(const json_t *framing)
{
	const char *name;
	json_t *flows;

	json_object_foreach((json_t *)framing, name, flows)
		printf("%-16s %lld flows by %s\n", "framing", (long long)json_integer_value(flows),
		       name);
}

static void print_totals(const json_t *status)
{
	static const char *const totals[] = {
		"ports_at_rest",    "flow_failures", "flow_refusals", "user_quota",
		"user_allocations", "max_rate",      "user_rate",     "user_packet_rate",
		"total_rate",       "policed",       "confirm_ms",    "log_lost",
	};

	for (size_t i = 0; i < ARRAY_LEN(totals); i++)
		printf("%-16s %lld\n", totals[i],
		       (long long)json_integer_value(json_object_get(status, totals[i])));
	print_framing(json_object_get(status, "framing"));
}

void status_print_devices(const json_t *status)
{
	static const struct table_column columns[] = {
		{ "dev", TABLE_TEXT },  { "mode", TABLE_TEXT }, { "moves", TABLE_TEXT },
		{ "hook", TABLE_TEXT }, { "why", TABLE_TEXT },  { 0 },
	};

	table_print(columns, json_object_get(status, "devices"));
}

void status_print_details(const json_t *status)
{
	printf("\n");
	print_privileges(status);
	print_proofs(json_object_get(status, "devices"));
	printf("\n");
	print_totals(status);
	printf("\n");
	print_objects(share_columns, json_object_get(status, "shares"));
	printf("\n");
	print_objects(client_columns, json_object_get(status, "clients"));
	printf("\n");
	print_objects(relayed_columns, json_object_get(status, "relayed"));
}
