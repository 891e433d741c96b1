/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cli/check_local.h"

#include <string.h>

#include "cli/member.h"
#include "cli/status_notes.h"

static bool has(const json_t *list, const char *text)
{
	const json_t *entry;
	size_t i;

	json_array_foreach(list, i, entry) {
		if (strcmp(json_string_value(entry), text) == 0)
			return true;
	}
	return false;
}

/* Rows name servers as in "udp 192.0.2.1:3478". */
static bool is_checked(const json_t *status, const json_t *report)
{
	const json_t *addresses = json_object_get(status, "addresses"), *row;
	size_t i;

	json_array_foreach(report, i, row) {
		const char *address = strchr(member_text(row, "server"), ' ');

		if (address && (has(json_object_get(addresses, "listening"), address + 1) ||
				has(json_object_get(addresses, "listening_tls"), address + 1)))
			return true;
	}
	return false;
}

static void add_modes(const json_t *status, json_t *report)
{
	static const struct check_row row = { "mode", "-" };
	const json_t *device;
	size_t i;

	json_array_foreach(json_object_get(status, "devices"), i, device)
		check_report_add(report, &row, CHECK_OK, NULL, "%s relays in mode %s: %s",
				 member_text(device, "dev"), member_text(device, "mode"),
				 member_text(device, "why"));
}

static void add_notes(const json_t *status, json_t *report)
{
	static const struct check_row row = { "status", "-" };
	json_t *notes = status_notes(status), *note;
	size_t i;

	json_array_foreach(notes, i, note)
		check_report_add(report, &row, CHECK_WARNING,
				 "Run 'turnpike status' and 'turnpike probe' on this machine.",
				 "%s", json_string_value(note));
	json_decref(notes);
}

void check_local_add(const struct query *query, json_t *report)
{
	char why[QUERY_WHY_MAX];
	json_t *status = query_try(query, "status", why);

	if (status && is_checked(status, report)) {
		add_modes(status, report);
		add_notes(status, report);
	}
	json_decref(status);
}
