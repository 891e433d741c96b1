/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cli/commands.h"
#include "cli/query.h"
#include "cli/table.h"
#include "cli/who.h"
#include "control/monitor.h"
#include "private/array_len.h"

/** struct monitor_query - @events: an array of names; NULL: all events */
struct monitor_query {
	struct query query; /* first, because QUERY_JSON and QUERY_CONTROL set its members */
	struct who who;
	json_t *events;
};

static int take_word(void *target, char *word)
{
	return who_take_word(&((struct monitor_query *)target)->who, word);
}

static int set_events(void *target, char *value)
{
	struct monitor_query *query = target;
	char *name, *rest = value;

	if (!query->events)
		query->events = json_array();
	while ((name = strsep(&rest, ","))) {
		if (!monitor_shows(name))
			return -EINVAL;
		json_array_append_new(query->events, json_string(name));
	}
	return 0;
}

/* "12:34:56.789" of the time of RFC 3339 */
static void print_time(const json_t *event)
{
	char time[TABLE_CELL_MAX];
	const char *clock =
		strchr(table_cell(json_object_get(event, "time"), TABLE_TEXT, time), 'T');

	if (clock)
		printf("%.12s ", clock + 1);
}

static bool is_detail(const char *key)
{
	static const char *const others[] = { "time", "level", "event", "message" };

	for (size_t i = 0; i < ARRAY_LEN(others); i++) {
		if (strcmp(others[i], key) == 0)
			return false;
	}
	return true;
}

/* In quotes, unless it is a word: a name must not look like another detail. */
static void print_detail(const char *key, const json_t *value)
{
	char text[TABLE_CELL_MAX];

	table_cell(value, TABLE_TEXT, text);
	if (*text && !strpbrk(text, " =\"\\")) {
		printf(" %s=%s", key, text);
		return;
	}
	printf(" %s=\"", key);
	for (const char *c = text; *c; c++) {
		if (*c == '"' || *c == '\\')
			putchar('\\');
		putchar(*c);
	}
	putchar('"');
}

static void print_event(const json_t *event)
{
	char name[TABLE_CELL_MAX], message[TABLE_CELL_MAX];
	json_t *value;
	const char *key;

	table_cell(json_object_get(event, "event"), TABLE_TEXT, name);
	if (strcmp(name, "alive") == 0)
		return;
	print_time(event);
	printf("%-10s %s", name,
	       table_cell(json_object_get(event, "message"), TABLE_TEXT, message));
	json_object_foreach((json_t *)event, key, value) {
		if (is_detail(key))
			print_detail(key, value);
	}
	printf("\n");
}

/* Return: false if it is no event: the server has refused the request, or is none of ours. */
static bool show(const struct query *query, const char *line)
{
	json_t *event = json_loads(line, 0, NULL);
	const char *error = json_string_value(json_object_get(event, "error"));
	const bool is_one = json_is_string(json_object_get(event, "event")) &&
			    json_is_string(json_object_get(event, "message"));

	if (is_one)
		query_print(query, event, print_event);
	else
		log_error("the server on %s has answered: %s", query->control,
			  error ? error : "something other than an event");
	json_decref(event);
	return is_one;
}

/* Until the server ends, or the user has seen enough. */
static enum cli_status follow(const struct query *query, FILE *answer)
{
	char *line = NULL;
	size_t size = 0;
	bool ok = true;

	while (ok && getline(&line, &size, answer) > 0)
		ok = show(query, line);
	free(line);
	if (ok)
		log_error("the server on %s has closed the connection: it has ended, or too many "
			  "commands run at once",
			  query->control);
	return CLI_ERROR;
}

static enum cli_status monitor(const struct monitor_query *query)
{
	json_t *request = who_request(&query->who, "monitor");
	enum cli_status status = CLI_ERROR;
	FILE *answer;

	if (query->events)
		json_object_set(request, "events", query->events);
	answer = query_open(&query->query, request);
	json_decref(request);
	if (answer) {
		status = follow(&query->query, answer);
		fclose(answer);
	}
	return status;
}

enum cli_status command_monitor(int argc, char **argv)
{
	static const struct cli_option options[] = {
		{ "events", 'e', "LIST",
		  "Show only these events: allocated, refreshed, ended, interim, permitted, bound, "
		  "refused, dropped, icmp, kernel, mode.",
		  "names of events, such as 'refused,dropped'", .set = set_events },
		QUERY_JSON,
		QUERY_CONTROL,
		{ 0 },
	};
	static const struct cli_syntax syntax = {
		.command = "turnpike monitor",
		.doc = "Show what happens in a running server: allocations, permissions and channels, "
		       "refused requests, dropped messages, ICMP errors, and what the kernel does not "
		       "relay; all of it, or that of a user or a client.",
		.options = options,
		.words = "[user NAME | client ADDR | id ID]",
		.word = take_word,
	};
	struct monitor_query query = { .query = { .control = CONTROL_PATH } };
	enum cli_status status = cli_parse(&syntax, argc, argv, &query);

	if (status == CLI_OK && who_is_incomplete(&query.who)) {
		log_error("'%s' is not complete: expected %s", query.who.key, syntax.words);
		status = CLI_USAGE;
	}
	if (status == CLI_OK)
		status = monitor(&query);
	json_decref(query.events);
	return status;
}
