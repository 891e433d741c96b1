/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/log.h"
#include "cli/commands.h"
#include "cli/query.h"
#include "cli/session_sums.h"
#include "cli/table.h"
#include "cli/who.h"

struct why_query {
	struct query query; /* first, because QUERY_JSON and QUERY_CONTROL set its members */
	struct who who;
};

/* The name of a user, an address, or the words of 'turnpike sessions'. */
static int take_word(void *target, char *word)
{
	struct who *who = &((struct why_query *)target)->who;
	struct turnpike_addr addr;

	if (!who->key && !addr_parse(word, &addr))
		who->key = "client";
	return who_take_word_or_user(who, word);
}

/* Counts a reason in @counts, an object of {"n", "reason"} by clause. */
static void count_reason(json_t *counts, const json_t *row)
{
	const char *why = json_string_value(json_object_get(row, "why"));
	json_t *count;

	if (!why || !*why)
		return;
	count = json_object_get(counts, why);
	if (!count) {
		count = json_pack("{s:i, s:O}", "n", 0, "reason", json_object_get(row, "reason"));
		json_object_set_new(counts, why, count);
	}
	json_object_set_new(count, "n",
			    json_integer(json_integer_value(json_object_get(count, "n")) + 1));
}

static void print_reason(const char *why, const json_t *count, const json_t *remedies)
{
	const char *reason = json_string_value(json_object_get(count, "reason"));
	const char *remedy = json_string_value(json_object_get(remedies, reason));

	printf("  %lld of them: %s\n", (long long)json_integer_value(json_object_get(count, "n")),
	       why);
	if (remedy)
		printf("    %s\n", remedy);
}

static void print_reasons(const json_t *session, const json_t *remedies)
{
	json_t *counts = json_object(), *peer, *count;
	const char *why;
	size_t i;

	json_array_foreach(json_object_get(session, "peers"), i, peer) {
		count_reason(counts, json_object_get(peer, "to_peer"));
		count_reason(counts, json_object_get(peer, "to_client"));
	}
	json_object_foreach(counts, why, count)
		print_reason(why, count, remedies);
	json_decref(counts);
}

/* What concerns all of it, if its peers do not say it themselves. */
static void print_session_reason(const json_t *session, const json_t *remedies)
{
	const char *why = json_string_value(json_object_get(session, "why"));
	const char *reason = json_string_value(json_object_get(session, "reason"));
	const char *remedy = json_string_value(json_object_get(remedies, reason));

	if (!why || !*why)
		return;
	printf("  %s\n", why);
	if (remedy)
		printf("    %s\n", remedy);
}

static void print_session(const json_t *session, const json_t *remedies)
{
	const json_int_t kernel = session_sum(session, "kernel", "packets");
	const json_int_t all = kernel + session_sum(session, "userspace", "packets");
	const size_t peers = json_array_size(json_object_get(session, "peers"));
	char user[TABLE_CELL_MAX];

	printf("%lld %s %s %s: %lld of %lld packets in the kernel; %zu directions\n",
	       (long long)json_integer_value(json_object_get(session, "id")),
	       table_cell(json_object_get(session, "user"), TABLE_TEXT, user),
	       json_string_value(json_object_get(session, "transport")),
	       json_string_value(json_object_get(session, "client")), (long long)kernel,
	       (long long)all, 2 * peers);
	print_session_reason(session, remedies);
	if (strcmp(json_string_value(json_object_get(session, "transport")), "udp") == 0)
		print_reasons(session, remedies);
}

static void print_diagnosis(const json_t *answer)
{
	const json_t *sessions = json_object_get(answer, "sessions"), *session;
	size_t i;

	json_array_foreach(sessions, i, session)
		print_session(session, json_object_get(answer, "remedies"));
	if (!json_array_size(sessions))
		printf("no session: look for refused requests in the log of the server\n");
}

enum cli_status command_why(int argc, char **argv)
{
	static const struct cli_option options[] = { QUERY_JSON, QUERY_CONTROL, { 0 } };
	static const struct cli_syntax syntax = {
		.command = "turnpike why",
		.doc = "Say why data of a user or a client is not relayed in the kernel, and what to do about "
		       "it.",
		.options = options,
		.words = "USER | CLIENT | id ID",
		.word = take_word,
	};
	struct why_query query = { .query = { .control = CONTROL_PATH } };
	enum cli_status status = cli_parse(&syntax, argc, argv, &query);

	if (status != CLI_OK)
		return status;
	if (!query.who.value) {
		log_error("the user or client is missing: expected %s", syntax.words);
		return CLI_USAGE;
	}
	return query_send(&query.query, who_request(&query.who, "sessions"), print_diagnosis);
}
