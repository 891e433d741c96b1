/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "check/report.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "private/array_len.h"

#define WHAT_MAX    320
#define SUMMARY_MAX 1024

static const char *const names[] = {
	[CHECK_OK] = "ok",           [CHECK_WARNING] = "warning", [CHECK_CRITICAL] = "critical",
	[CHECK_UNKNOWN] = "unknown", [CHECK_SKIPPED] = "skipped",
};

/* From the worst on. A warning is known to be one, so it is worse than what is unknown. */
static const enum check_status by_severity[] = { CHECK_CRITICAL, CHECK_WARNING, CHECK_UNKNOWN,
						 CHECK_OK };

const char *check_status_name(enum check_status status)
{
	return names[status];
}

/* A terminal may take any other byte for a command. */
static void make_printable(char *text)
{
	for (; *text; text++) {
		if (*text < ' ' || *text > '~')
			*text = '?';
	}
}

void check_report_add(json_t *report, const struct check_row *row, enum check_status status,
		      const char *remedy, const char *format, ...)
{
	char what[WHAT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	make_printable(what);
	json_array_append_new(report,
			      json_pack("{s:s, s:s, s:s, s:s, s:s}", "status", names[status],
					"check", row->check, "server", row->server, "what", what,
					"remedy", remedy ? remedy : ""));
}

void check_report_measure(json_t *report, json_t *values)
{
	json_t *last = json_array_get(report, json_array_size(report) - 1);

	json_object_set_new(last, "values", values);
}

/* The first row with this status, or NULL. */
static const json_t *find(const json_t *report, enum check_status status)
{
	const json_t *row;
	size_t i;

	json_array_foreach(report, i, row) {
		const char *name = json_string_value(json_object_get(row, "status"));

		if (strcmp(name, names[status]) == 0)
			return row;
	}
	return NULL;
}

enum check_status check_report_worst(const json_t *report)
{
	for (size_t i = 0; i < ARRAY_LEN(by_severity); i++) {
		if (find(report, by_severity[i]))
			return by_severity[i];
	}
	return CHECK_UNKNOWN;
}

static size_t count(const json_t *report, enum check_status status)
{
	const json_t *row;
	size_t i, n = 0;

	json_array_foreach(report, i, row)
		n += strcmp(json_string_value(json_object_get(row, "status")), names[status]) == 0;
	return n;
}

static const char *text_of(const json_t *row, const char *key)
{
	return json_string_value(json_object_get(row, key));
}

/* The worst row stands for all; how many others are as bad is said, too. */
static void summarize(const char *uri, const json_t *report, char summary[static SUMMARY_MAX])
{
	const enum check_status worst = check_report_worst(report);
	const json_t *row = find(report, worst);
	const size_t n = count(report, worst);
	char upper[16] = "", more[64] = "";

	for (size_t i = 0; names[worst][i]; i++)
		upper[i] = (char)toupper((unsigned char)names[worst][i]);
	if (worst == CHECK_OK || !row) {
		snprintf(summary, SUMMARY_MAX, "%s - %.300s: %zu checks passed", upper, uri, n);
		return;
	}
	if (n > 1)
		snprintf(more, sizeof(more), " (and %zu more)", n - 1);
	snprintf(summary, SUMMARY_MAX, "%s - %.300s: %s %s: %s%s", upper, uri,
		 text_of(row, "server"), text_of(row, "check"), text_of(row, "what"), more);
}

json_t *check_report_document(const char *uri, const json_t *report)
{
	char summary[SUMMARY_MAX];

	summarize(uri, report, summary);
	make_printable(summary);
	return json_pack("{s:s, s:s, s:s, s:O}", "uri", uri, "status",
			 names[check_report_worst(report)], "summary", summary, "rows", report);
}
