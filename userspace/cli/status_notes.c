/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cli/status_notes.h"

#include <stddef.h>

#include "cli/member.h"
#include "private/array_len.h"

/** The use of a table from which an operator should know it. */
#define NEARLY_FULL 0.8

/** struct count_note - what a number means if it is not 0; @parent: NULL: the status itself */
struct count_note {
	const char *parent;
	const char *key;
	const char *text;
};

static const struct count_note counts[] = {
	{ "waiting", "flows",
	  "channels or pairs wait for room in the flow maps: raise --max-flows" },
	{ "waiting", "next_hops",
	  "channels or pairs wait for a free next hop: too many peers on attached networks" },
	{ "waiting", "settling",
	  "channels or pairs wait for about a second, until freed next hops settle" },
	{ "waiting", "error",
	  "channels or pairs wait for a retry after an error of the kernel: see the log" },
	{ "waiting", "share",
	  "channels or pairs wait, because the share of their user is used up: see 'turnpike why USER'" },
	{ "waiting", "mode",
	  "channels or pairs wait until a device relays in the kernel: see the modes below" },
	{ NULL, "flow_refusals", "flows were refused by the kernel: see 'turnpike sessions'" },
	{ NULL, "log_lost", "lines of the log were lost, because nobody read it in time" },
};

static void add_counts(json_t *notes, const json_t *status)
{
	for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
		const json_t *parent =
			counts[i].parent ? json_object_get(status, counts[i].parent) : status;
		const long long n = member_integer(parent, counts[i].key);

		if (n)
			json_array_append_new(notes, json_sprintf("%lld %s", n, counts[i].text));
	}
}

static void add_devices(json_t *notes, const json_t *status)
{
	const json_t *device;
	size_t i;

	json_array_foreach(json_object_get(status, "devices"), i, device) {
		if (member_integer(device, "changes"))
			json_array_append_new(
				notes, json_sprintf("%s has changed its mode %lld times: %s",
						    member_text(device, "dev"),
						    (long long)member_integer(device, "changes"),
						    member_text(device, "why")));
	}
	/* Whether these are the devices by which packets come in and leave. */
	if (*member_text(status, "doubt"))
		json_array_append(notes, json_object_get(status, "doubt"));
}

/* What a wildcard leaves out is shown in JSON only. */
static void add_missing(json_t *notes, const json_t *status)
{
	const json_t *addresses = json_object_get(status, "addresses"), *note;
	size_t i;

	json_array_foreach(json_object_get(addresses, "not_served"), i, note) {
		if (json_is_true(json_object_get(note, "missing")))
			json_array_append_new(notes, json_sprintf("not serving %s: %s",
								  member_text(note, "address"),
								  member_text(note, "why")));
	}
}

static void add_helper(json_t *notes, const json_t *status)
{
	const json_t *helper = json_object_get(status, "helper");

	if (json_is_object(helper) && !json_is_true(json_object_get(helper, "running")))
		json_array_append_new(
			notes,
			json_sprintf("the helper process has ended, as %s: restart the server",
				     member_text(helper, "why")));
}

static double fullness(const json_t *table)
{
	const json_int_t size = member_integer(table, "size");

	return size ? (double)member_integer(table, "used") / (double)size : 0;
}

const char *status_fullest_table(const json_t *status, json_t **table)
{
	json_t *tables = json_object_get(status, "shares"), *each;
	const char *name, *fullest = NULL;

	json_object_foreach(tables, name, each) {
		if (!fullest || fullness(each) > fullness(*table)) {
			fullest = name;
			*table = each;
		}
	}
	return fullest;
}

static void add_table(json_t *notes, const json_t *status)
{
	json_t *table;
	const char *name = status_fullest_table(status, &table);

	if (name && fullness(table) >= NEARLY_FULL)
		json_array_append_new(
			notes, json_sprintf("the table %s is nearly full: what finds no room is "
					    "relayed in user space",
					    name));
}

json_t *status_notes(const json_t *status)
{
	json_t *notes = json_array();

	if (json_is_true(json_object_get(status, "draining")))
		json_array_append_new(notes,
				      json_string("new allocations are refused: 'turnpike drain "
						  "--undo' accepts them again"));
	add_helper(notes, status);
	add_devices(notes, status);
	add_missing(notes, status);
	add_table(notes, status);
	add_counts(notes, status);
	return notes;
}
