/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/commands.h"
#include "cli/duration.h"
#include "cli/query.h"
#include "cli/session_sums.h"

/** Seconds between two looks at the sessions, and from how many on the longer ones. */
#define INTERVAL      1
#define LONG_INTERVAL 10
#define MANY          1000

struct drain_query {
	struct query query; /* first, because QUERY_JSON and QUERY_CONTROL set its members */
	bool undoes;
	bool waits;
	uint32_t idle;
};

static int set_undo(void *target, char *value)
{
	(void)value;
	((struct drain_query *)target)->undoes = true;
	return 0;
}

static int set_wait(void *target, char *value)
{
	(void)value;
	((struct drain_query *)target)->waits = true;
	return 0;
}

static int set_idle(void *target, char *value)
{
	return duration_parse(value, &((struct drain_query *)target)->idle);
}

/* When the last packet of a session was seen: @before is the entry of an earlier look, or NULL. */
static json_t *entry_of(const json_t *session, const json_t *before, json_int_t now)
{
	const json_int_t packets = session_sum(session, "kernel", "packets") +
				   session_sum(session, "userspace", "packets");
	const bool is_silent =
		before && json_integer_value(json_object_get(before, "packets")) == packets;

	return json_pack("{s:I, s:I}", "packets", packets, "since",
			 is_silent ? json_integer_value(json_object_get(before, "since")) : now);
}

/* Replaces @seen, the entries by id. Returns how many sessions have had packets within the time. */
static size_t look(const json_t *sessions, uint32_t idle, json_t **seen)
{
	const json_int_t now = (json_int_t)(clock_now() / NS_PER_S);
	json_t *after = json_object();
	const json_t *session;
	size_t i, active = 0;

	json_array_foreach(sessions, i, session) {
		char key[SESSION_KEY_MAX];
		json_t *entry =
			entry_of(session, json_object_get(*seen, session_key(session, key)), now);

		active += now - json_integer_value(json_object_get(entry, "since")) < idle;
		json_object_set_new(after, key, entry);
	}
	json_decref(*seen);
	*seen = after;
	return active;
}

/* Returns the answer that says how it ended; NULL after an error. */
static json_t *wait_for(const struct drain_query *query)
{
	json_t *seen = json_object(), *answer;
	size_t active, n;

	do {
		answer = query_ask(&query->query, "sessions");
		if (!answer)
			break;
		n = json_array_size(json_object_get(answer, "sessions"));
		active = look(json_object_get(answer, "sessions"), query->idle, &seen);
		json_decref(answer);
		answer = json_pack("{s:b, s:I}", "draining", 1, "allocations", (json_int_t)n);
		if (active) {
			json_decref(answer);
			sleep(n < MANY ? INTERVAL : LONG_INTERVAL);
		}
	} while (active);
	json_decref(seen);
	return answer;
}

static void print_drain(const json_t *answer)
{
	printf("%s; allocations left: %lld\n",
	       json_is_true(json_object_get(answer, "draining")) ? "no new allocations"
								 : "new allocations are accepted",
	       (long long)json_integer_value(json_object_get(answer, "allocations")));
}

static json_t *request_of(const struct drain_query *query)
{
	return json_pack("{s:s, s:b}", "command", "drain", "undo", query->undoes);
}

enum cli_status command_drain(int argc, char **argv)
{
	static const struct cli_option options[] = {
		{ "undo", 0, NULL, "Accept new allocations again.", .set = set_undo },
		{ "wait", 0, NULL, "Return when no allocation is left but abandoned ones.",
		  .set = set_wait },
		{ "idle", 0, "TIME", "An allocation without a packet for so long is abandoned.",
		  DURATION_EXPECTS, .set = set_idle, .fallback = "2m" },
		QUERY_JSON,
		QUERY_CONTROL,
		{ 0 },
	};
	static const struct cli_syntax syntax = {
		.command = "turnpike drain",
		.doc = "Refuse all new allocations of a running server, which goes on to serve the others.",
		.options = options,
	};
	struct drain_query query = { .query = { .control = CONTROL_PATH }, .idle = 120 };
	enum cli_status status = cli_parse(&syntax, argc, argv, &query);
	json_t *request, *answer;

	if (status != CLI_OK)
		return status;
	request = request_of(&query);
	answer = query_request(&query.query, request);
	json_decref(request);
	if (answer && query.waits && !query.undoes) {
		json_decref(answer);
		answer = wait_for(&query);
	}
	if (!answer)
		return CLI_ERROR;
	query_print(&query.query, answer, print_drain);
	json_decref(answer);
	return CLI_OK;
}
