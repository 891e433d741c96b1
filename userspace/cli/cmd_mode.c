/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <string.h>
#include <turnpike/turnpike.h>

#include "base/log.h"
#include "cli/commands.h"
#include "cli/query.h"
#include "cli/status_details.h"

struct mode_query {
	struct query query; /* first, because QUERY_JSON and QUERY_CONTROL set its members */
	const char *device;
	const char *mode;
	const char *moves;
	bool expect_device; /* the previous word was "dev" */
};

/* [dev IF] MODE */
static int take_word(void *target, char *word)
{
	struct mode_query *query = target;
	enum turnpike_mode mode;

	if (query->expect_device) {
		query->device = word;
		query->expect_device = false;
	} else if (!query->device && !query->mode && strcmp(word, "dev") == 0) {
		query->expect_device = true;
	} else if (!query->mode && turnpike_mode_parse(word, &mode) == 0) {
		query->mode = word;
	} else {
		return -EINVAL;
	}
	return 0;
}

static int set_moves(void *target, char *value)
{
	enum turnpike_moves moves;

	((struct mode_query *)target)->moves = value;
	return turnpike_moves_parse(value, &moves);
}

static json_t *request_of(const struct mode_query *query)
{
	json_t *request = json_pack("{s:s, s:s}", "command", "mode", "mode", query->mode);

	if (query->device)
		json_object_set_new(request, "dev", json_string(query->device));
	if (query->moves)
		json_object_set_new(request, "moves", json_string(query->moves));
	return request;
}

enum cli_status command_mode(int argc, char **argv)
{
	static const struct cli_option options[] = {
		{ "moves", 0, "MOVES", "Which end of the frame to move first: auto, head or tail.",
		  "auto, head or tail", .set = set_moves },
		QUERY_JSON,
		QUERY_CONTROL,
		{ 0 },
	};
	static const struct cli_syntax syntax = {
		.command = "turnpike mode",
		.doc = "Change the mode of one device or of all devices of a running server; every flow "
		       "is kept. MODE is auto, xdp-native, xdp-generic, tc or userspace.",
		.options = options,
		.words = "[dev IF] MODE",
		.word = take_word,
	};
	struct mode_query query = { .query = { .control = CONTROL_PATH } };
	enum cli_status status = cli_parse(&syntax, argc, argv, &query);

	if (status != CLI_OK)
		return status;
	if (!query.mode || query.expect_device) {
		log_error(
			"%s is missing: expected %s, where MODE is auto, xdp-native, xdp-generic, tc or "
			"userspace",
			query.mode ? "the device" : "the mode", syntax.words);
		return CLI_USAGE;
	}
	return query_send(&query.query, request_of(&query), status_print_devices);
}
