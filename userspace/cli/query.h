/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file query.h
 * What the commands that print have in common: their options, and asking a running server.
 */
#ifndef TURNPIKE_CLI_QUERY_H
#define TURNPIKE_CLI_QUERY_H

#include <jansson.h>
#include <stdbool.h>

#include "config/options.h"

/** struct query - @control: path of the socket; @interval: seconds, 0 to ask once */
struct query {
	const char *control;
	bool json;
	uint32_t interval;
};

#define QUERY_WHY_MAX 1024 /* a server's own sentences may be long */

/* Rows of an option table. */
/* clang-format off */
#define QUERY_CONTROL { "control", 0, "PATH",                                                      \
			"Control socket of the server, " CONTROL_PATH " unless given",             \
			"the path of a socket", .set = query_set_control }
#define QUERY_JSON    { "json", 'j', NULL, "Print JSON", NULL, .set = query_set_json }
/* clang-format on */

int query_set_control(void *query, char *value);
int query_set_json(void *query, char *value);

/** query_request() - send a request; Return: the answer, or NULL after a sentence has been said. */
json_t *query_request(const struct query *query, const json_t *request);

/** query_ask() - the same for a command without anything besides. Return: the server's answer, or
 * NULL after a sentence has been said. */
json_t *query_ask(const struct query *query, const char *command);

/**
 * query_try() - as query_ask(), where nobody has to be there, and without a word
 * @why: why there is no answer, without a full stop
 *
 * Return: the server's answer or NULL.
 */
json_t *query_try(const struct query *query, const char *command, char why[static QUERY_WHY_MAX]);

/**
 * query_run() - be a command that prints one answer of the server
 * @print: prints it for people
 */
enum cli_status query_run(const struct cli_syntax *syntax, int argc, char **argv,
			  const char *command, void (*print)(const json_t *answer));

/** query_print() - print @document as JSON or with @print */
void query_print(const struct query *query, const json_t *document,
		 void (*print)(const json_t *document));

#endif /* TURNPIKE_CLI_QUERY_H */
