/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file query.h
 * Common to the commands that print: their options, and requests to a running server.
 */
#ifndef TURNPIKE_CLI_QUERY_H
#define TURNPIKE_CLI_QUERY_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "config/options.h"

/** struct query - @control: path of the socket; @interval: seconds between requests, 0: one only */
struct query {
	const char *control;
	bool json;
	uint32_t interval;
};

/** Room for an error message; those of a server may be long. */
#define QUERY_WHY_MAX 1024

/* Rows of an option table. */
/* clang-format off */
#define QUERY_CONTROL { "control", 0, "PATH",                                                      \
			"Control socket of the server.", "the path of a socket",                   \
			.set = query_set_control, .fallback = CONTROL_PATH }
#define QUERY_JSON    { "json", 'j', NULL, "Print JSON instead of tables.", .set = query_set_json }
/* clang-format on */

int query_set_control(void *query, char *value);
int query_set_json(void *query, char *value);

/**
 * query_open() - send a request whose answer has many lines
 *
 * Return: the answer, to be closed, or NULL after logging an error.
 */
FILE *query_open(const struct query *query, const json_t *request);

/** query_request() - send a request; Return: the answer, or NULL after logging an error. */
json_t *query_request(const struct query *query, const json_t *request);

/** query_ask() - query_request() for a command without arguments */
json_t *query_ask(const struct query *query, const char *command);

/**
 * query_try() - query_ask() that logs nothing, for an optional server
 * @why: the error, without a full stop
 *
 * Return: the answer, or NULL.
 */
json_t *query_try(const struct query *query, const char *command, char why[static QUERY_WHY_MAX]);

/**
 * query_send() - send a request, and print the answer
 * @request: given away
 * @print:   see query_print()
 */
enum cli_status query_send(const struct query *query, json_t *request,
			   void (*print)(const json_t *answer));

/**
 * query_run() - carry out a command that prints one answer of the server
 * @print: prints the answer as tables
 */
enum cli_status query_run(const struct cli_syntax *syntax, int argc, char **argv,
			  const char *command, void (*print)(const json_t *answer));

/** query_print() - print @document as JSON, or as tables by @print */
void query_print(const struct query *query, const json_t *document,
		 void (*print)(const json_t *document));

#endif /* TURNPIKE_CLI_QUERY_H */
