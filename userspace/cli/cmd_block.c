/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/addr.h"
#include "base/log.h"
#include "cli/commands.h"
#include "cli/duration.h"
#include "cli/query.h"
#include "cli/table.h"
#include "stun/protocol.h"

struct block_query {
	struct query query; /* first, because QUERY_JSON and QUERY_CONTROL set its members */
	bool is_user;       /* the previous word was "user" */
	const char *key;
	const char *value;
	uint32_t seconds; /* 0: for good */
};

/* USER or CIDR. A user whose name looks like an address is written "user NAME". */
static int take_word(void *target, char *word)
{
	struct block_query *query = target;
	struct addr_cidr prefix;

	if (query->value || !*word || strlen(word) > STUN_USERNAME_MAX)
		return -EINVAL;
	if (!query->is_user && strcmp(word, "user") == 0) {
		query->is_user = true;
		return 0;
	}
	query->key = query->is_user || addr_cidr_parse(word, &prefix) ? "user" : "prefix";
	query->value = word;
	return 0;
}

static int set_time(void *target, char *value)
{
	return duration_parse(value, &((struct block_query *)target)->seconds);
}

static void print_blocked_one(const json_t *answer)
{
	printf("blocked; allocations ended: %lld\n",
	       (long long)json_integer_value(json_object_get(answer, "ended")));
}

static void print_unblocked(const json_t *answer)
{
	(void)answer;
	printf("unblocked\n");
}

/* Both commands have a user or a prefix. */
static enum cli_status run(const struct cli_syntax *syntax, int argc, char **argv,
			   const char *command, void (*print)(const json_t *answer))
{
	struct block_query query = { .query = { .control = CONTROL_PATH } };
	enum cli_status status = cli_parse(syntax, argc, argv, &query);
	json_t *request;

	if (status != CLI_OK)
		return status;
	if (!query.value) {
		log_error("the user or prefix is missing: expected %s", syntax->words);
		return CLI_USAGE;
	}
	request = json_pack("{s:s, s:s}", "command", command, query.key, query.value);
	if (query.seconds)
		json_object_set_new(request, "seconds", json_integer(query.seconds));
	return query_send(&query.query, request, print);
}

enum cli_status command_block(int argc, char **argv)
{
	static const struct cli_option options[] = {
		{ "for", 0, "TIME",
		  "How long, such as 90s, 15m, 2h or 7d. Without it: until 'turnpike "
		  "unblock', or the end of the server.",
		  DURATION_EXPECTS, .set = set_time },
		QUERY_JSON,
		QUERY_CONTROL,
		{ 0 },
	};
	static const struct cli_syntax syntax = {
		.command = "turnpike block",
		.doc = "Refuse new allocations of a user, or all packets of clients in a prefix, and end the "
		       "allocations that exist. It takes effect at once, and outlives a reload.",
		.options = options,
		.words = "USER | CIDR",
		.word = take_word,
	};

	return run(&syntax, argc, argv, "block", print_blocked_one);
}

enum cli_status command_unblock(int argc, char **argv)
{
	static const struct cli_option options[] = { QUERY_JSON, QUERY_CONTROL, { 0 } };
	static const struct cli_syntax syntax = {
		.command = "turnpike unblock",
		.doc = "Serve a user, or the clients in a prefix, again.",
		.options = options,
		.words = "USER | CIDR",
		.word = take_word,
	};

	return run(&syntax, argc, argv, "unblock", print_unblocked);
}

static void print_list(const json_t *answer)
{
	static const struct table_column columns[] = {
		{ "user", TABLE_TEXT },
		{ "prefix", TABLE_TEXT },
		{ "expires_in", TABLE_NUMBER },
		{ 0 },
	};

	table_print(columns, json_object_get(answer, "blocked"));
}

enum cli_status command_blocked(int argc, char **argv)
{
	static const struct cli_option options[] = { QUERY_JSON, QUERY_CONTROL, { 0 } };
	static const struct cli_syntax syntax = {
		.command = "turnpike blocked",
		.doc = "List the users and prefixes that are blocked.",
		.options = options,
	};

	return query_run(&syntax, argc, argv, "blocked", print_list);
}
