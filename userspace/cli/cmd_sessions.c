/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>

#include "base/log.h"
#include "cli/commands.h"
#include "cli/query.h"
#include "cli/session_sums.h"
#include "cli/table.h"
#include "cli/who.h"
#include "private/array_len.h"

struct sessions_query {
	struct query query; /* first, because QUERY_JSON and QUERY_CONTROL set its members */
	struct who who;
};

static int take_word(void *target, char *word)
{
	return who_take_word(&((struct sessions_query *)target)->who, word);
}

/* The first relayed transport address has the age of the allocation. */
static json_t *session_row(const json_t *session)
{
	static const char *const keys[] = { "id", "user", "transport", "client", "why" };
	static const char *const relay_keys[] = { "external", "age", "expires_in" };
	const json_t *relay = json_array_get(json_object_get(session, "relays"), 0);
	json_t *row = json_object();

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		json_object_set(row, keys[i], json_object_get(session, keys[i]));
	for (size_t i = 0; i < ARRAY_LEN(relay_keys); i++)
		json_object_set(row, relay_keys[i], json_object_get(relay, relay_keys[i]));
	return row;
}

/* A row for each direction that is not in the kernel. */
static void add_reasons(json_t *rows, const json_t *session)
{
	static const char *const directions[] = { "to_peer", "to_client" };
	const json_t *peer;
	size_t i;

	json_array_foreach(json_object_get(session, "peers"), i, peer) {
		for (size_t j = 0; j < 2; j++) {
			const json_t *direction = json_object_get(peer, directions[j]);

			if (json_is_true(json_object_get(direction, "in_kernel")))
				continue;
			json_array_append_new(rows,
					      json_pack("{s:O, s:O, s:O, s:s, s:O}", "id",
							json_object_get(session, "id"), "peer",
							json_object_get(peer, "peer"), "channel",
							json_object_get(peer, "channel"),
							"direction", directions[j], "why",
							json_object_get(direction, "why")));
		}
	}
}

static void print_sessions(const json_t *answer)
{
	static const struct table_column columns[] = {
		{ "id", TABLE_NUMBER },
		{ "user", TABLE_TEXT },
		{ "transport", TABLE_TEXT },
		{ "client", TABLE_TEXT },
		{ "external", TABLE_TEXT },
		{ "age", TABLE_NUMBER },
		{ "expires_in", TABLE_NUMBER },
		{ "kernel_packets", TABLE_NUMBER },
		{ "kernel_bytes", TABLE_NUMBER },
		{ "user_packets", TABLE_NUMBER },
		{ "user_bytes", TABLE_NUMBER },
		{ "why", TABLE_TEXT },
		{ 0 },
	};
	static const struct table_column reason_columns[] = {
		{ "id", TABLE_NUMBER },      { "peer", TABLE_TEXT }, { "channel", TABLE_HEX },
		{ "direction", TABLE_TEXT }, { "why", TABLE_TEXT },  { 0 },
	};
	json_t *rows = json_array(), *reasons = json_array(), *session;
	size_t i;

	json_array_foreach(json_object_get(answer, "sessions"), i, session) {
		json_t *row = session_row(session);

		session_add_sums(row, session);
		json_array_append_new(rows, row);
		add_reasons(reasons, session);
	}
	table_print(columns, rows);
	if (json_array_size(reasons)) {
		printf("\nnot in the kernel:\n");
		table_print(reason_columns, reasons);
	}
	json_decref(rows);
	json_decref(reasons);
}

enum cli_status command_sessions(int argc, char **argv)
{
	static const struct cli_option options[] = { QUERY_JSON, QUERY_CONTROL, { 0 } };
	static const struct cli_syntax syntax = {
		.command = "turnpike sessions",
		.doc = "List the allocations of a running server, all of them or those of a user or of a "
		       "client, with what has been relayed for each in the kernel and in user space, and "
		       "why which data is not relayed in the kernel.",
		.options = options,
		.words = "[user NAME | client ADDR | id ID]",
		.word = take_word,
	};
	struct sessions_query query = { .query = { .control = CONTROL_PATH } };
	enum cli_status status = cli_parse(&syntax, argc, argv, &query);

	if (status != CLI_OK)
		return status;
	if (who_is_incomplete(&query.who)) {
		log_error("'%s' is not complete: expected %s", query.who.key, syntax.words);
		return CLI_USAGE;
	}
	return query_send(&query.query, who_request(&query.who, "sessions"), print_sessions);
}
