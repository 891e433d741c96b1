/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>

#include "base/log.h"
#include "cli/commands.h"
#include "cli/query.h"
#include "cli/who.h"

struct kick_query {
	struct query query; /* first, because QUERY_JSON and QUERY_CONTROL set its members */
	struct who who;
};

/* A name, or "id ID". A user named "id" is written "user id". */
static int take_word(void *target, char *word)
{
	return who_take_word_or_user(&((struct kick_query *)target)->who, word);
}

static void print_kicked(const json_t *answer)
{
	printf("%lld allocations ended\n",
	       (long long)json_integer_value(json_object_get(answer, "ended")));
}

enum cli_status command_kick(int argc, char **argv)
{
	static const struct cli_option options[] = { QUERY_JSON, QUERY_CONTROL, { 0 } };
	static const struct cli_syntax syntax = {
		.command = "turnpike kick",
		.doc = "End allocations of a running server with their flows, at once: those of a user, or "
		       "one. Their clients may come back: see 'turnpike block'.",
		.options = options,
		.words = "USER | client ADDR | id ID",
		.word = take_word,
	};
	struct kick_query query = { .query = { .control = CONTROL_PATH } };
	enum cli_status status = cli_parse(&syntax, argc, argv, &query);

	if (status != CLI_OK)
		return status;
	if (!query.who.value) {
		log_error("it is not said whose allocations end: expected %s", syntax.words);
		return CLI_USAGE;
	}
	return query_send(&query.query, who_request(&query.who, "kick"), print_kicked);
}
