/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file report.h
 * The result of a check: rows, each with a status, a clause and a remedy.
 */
#ifndef TURNPIKE_CHECK_REPORT_H
#define TURNPIKE_CHECK_REPORT_H

#include <jansson.h>

/** enum check_status - the exit statuses of monitoring plugins; CHECK_SKIPPED is for rows only */
enum check_status {
	CHECK_OK,
	CHECK_WARNING,
	CHECK_CRITICAL,
	CHECK_UNKNOWN,
	CHECK_SKIPPED,
};

/** struct check_finding - @what: the fault, a clause; @remedy: a sentence */
struct check_finding {
	const char *what;
	const char *remedy;
};

/**
 * struct check_row - the place of a row
 * @check:  the name of the step
 * @server: transport and address, or "-"
 */
struct check_row {
	const char *check;
	const char *server;
};

/**
 * check_report_add() - add a row
 * @report: an array
 * @remedy: NULL if nothing is wrong
 * @format: the clause, which may contain text from strangers: it is made printable
 */
__attribute__((format(printf, 5, 6))) void
check_report_add(json_t *report, const struct check_row *row, enum check_status status,
		 const char *remedy, const char *format, ...);

/** check_report_measure() - add numbers to the last row; @values: an object, given away */
void check_report_measure(json_t *report, json_t *values);

/** check_report_worst() - the worst status of all rows; CHECK_UNKNOWN without any */
enum check_status check_report_worst(const json_t *report);

/**
 * check_report_document() - all of it
 * @uri: what was checked
 *
 * Return: {"uri", "status", "summary", "rows"}; the caller frees it.
 */
json_t *check_report_document(const char *uri, const json_t *report);

/** check_status_name() - in lower case */
const char *check_status_name(enum check_status status);

#endif /* TURNPIKE_CHECK_REPORT_H */
