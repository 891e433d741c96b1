/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "check/check.h"
#include "cli/check_local.h"
#include "cli/commands.h"
#include "cli/query.h"
#include "cli/table.h"
#include "config/lines.h"
#include "stun/opaque_string.h"
#include "stun/protocol.h"

#define URI_FORM "turn:HOST[:PORT][?transport=udp|tcp] or turns: likewise, without slashes"

struct check_command {
	struct query query; /* first, because QUERY_JSON and QUERY_CONTROL set its members */
	struct check_options options;
};

static struct check_options *options_of(void *target)
{
	return &((struct check_command *)target)->options;
}

static int take_uri(void *target, char *word)
{
	struct check_options *options = options_of(target);

	if (options->uri_text)
		return -EINVAL;
	options->uri_text = word;
	return 0;
}

static int set_text(char **text, const char *value, size_t max)
{
	if (*text)
		return -EINVAL;
	return strlen(value) > max ? -EINVAL : stun_opaque_string(value, text);
}

static int set_user(void *target, char *value)
{
	return set_text(&options_of(target)->user, value, STUN_USERNAME_MAX);
}

static int set_realm(void *target, char *value)
{
	return set_text(&options_of(target)->realm, value, STUN_TEXT_MAX);
}

/* Takes the first line; the error message must not contain it. */
static enum cli_status take_line(void *arg, const char *origin, char *line)
{
	char **text = arg;

	if (*text || stun_opaque_string(line, text) == 0)
		return CLI_OK;
	log_error("%sexpected UTF-8 without control characters", origin);
	return CLI_USAGE;
}

static int read_secret(const char *path, char **text)
{
	if (lines_each_of_file(path, take_line, text) != CLI_OK ||
	    lines_check_access(path) != CLI_OK)
		return -ECANCELED;
	if (*text)
		return 0;
	log_error("%s is empty: expected a line of text", path);
	return -ECANCELED;
}

static int set_password_file(void *target, char *path)
{
	return read_secret(path, &options_of(target)->password);
}

static int set_secret_file(void *target, char *path)
{
	return read_secret(path, &options_of(target)->secret);
}

static int set_ipv4(void *target, char *value)
{
	(void)value;
	options_of(target)->family = TURNPIKE_IPV4;
	return 0;
}

static int set_ipv6(void *target, char *value)
{
	(void)value;
	options_of(target)->family = TURNPIKE_IPV6;
	return 0;
}

#define NUMBER(member) .field = offsetof(struct check_command, options.member)

static const struct cli_option check_command_options[] = {
	{ "user", 0, "NAME",
	  "Name of the user. With --auth-secret-file: the part of the name behind the time.",
	  "1 to 508 bytes of UTF-8", .set = set_user },
	{ "password-file", 0, "FILE", "File with the password of the user in a line.",
	  "the path of a file", .set = set_password_file },
	{ "auth-secret-file", 0, "FILE",
	  "File with the secret of the server, by which time-limited credentials (TURN REST API) are "
	  "made for an hour.",
	  "the path of a file", .set = set_secret_file },
	{ "realm", 0, "REALM", "Realm that the server must have.", "1 to 127 bytes of UTF-8",
	  .set = set_realm },
	{ "ipv4", '4', NULL, "Check only the IPv4 addresses of the server.", .set = set_ipv4 },
	{ "ipv6", '6', NULL, "Check only the IPv6 addresses of the server.", .set = set_ipv6 },
	{ "timeout", 0, "SECONDS", "Wait this long for each answer.",
	  "a number of seconds from 1 to 60", NUMBER(timeout), .min = 1, .max = 60 },
	{ "warn-rtt", 0, "MS",
	  "Warn if the median of the round trip through the relay takes this many milliseconds.",
	  "a number of milliseconds from 1 to 60000", NUMBER(warn_rtt), .min = 1, .max = 60000 },
	{ "crit-loss", 0, "PERCENT",
	  "The status is critical from this percentage of lost packets on. Any loss is a warning.",
	  "a percentage from 1 to 100", NUMBER(crit_loss), .min = 1, .max = 100 },
	QUERY_JSON,
	QUERY_CONTROL,
	{ 0 },
};

static const struct cli_syntax check_syntax = {
	.command = "turnpike check",
	.doc = "Check a TURN server from the client's side, whoever has made it: DNS, transports, "
	       "certificate, allocation, relayed address and data. URI is turn:HOST[:PORT] or "
	       "turns:HOST[:PORT], perhaps with ?transport=udp or ?transport=tcp. The exit status is that "
	       "of a monitoring plugin.",
	.options = check_command_options,
	.words = "URI",
	.word = take_uri,
};

static void print_remedies(const json_t *rows)
{
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		const char *remedy = json_string_value(json_object_get(row, "remedy"));

		if (*remedy)
			printf("\n%s, %s:\n  %s\n",
			       json_string_value(json_object_get(row, "server")),
			       json_string_value(json_object_get(row, "check")), remedy);
	}
}

/* The summary comes first, for monitoring. */
static void print_report(const json_t *document)
{
	static const struct table_column columns[] = {
		{ "status", TABLE_TEXT },
		{ "server", TABLE_TEXT },
		{ "check", TABLE_TEXT },
		{ "what", TABLE_TEXT },
		{ 0 },
	};
	const json_t *rows = json_object_get(document, "rows");

	printf("%s\n\n", json_string_value(json_object_get(document, "summary")));
	table_print(columns, rows);
	print_remedies(rows);
}

/* Also parses the URI. */
static bool is_complete(struct check_options *options)
{
	const char *fault = NULL;

	if (!options->uri_text)
		fault = "the server is missing: expected " URI_FORM;
	else if (check_uri_parse(options->uri_text, &options->uri))
		fault = "the URI of the server is not valid: expected " URI_FORM;
	else if (options->password && options->secret)
		fault = "--password-file and --auth-secret-file exclude each other";
	else if (options->password && !options->user)
		fault = "--password-file requires --user NAME";
	else if (options->user && !options->password && !options->secret)
		fault = "--user requires --password-file FILE or --auth-secret-file FILE";
	if (fault)
		log_error("%s", fault);
	return !fault;
}

static void wipe(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}

static enum check_status run(const struct check_command *command)
{
	json_t *report = json_array(), *document;
	enum check_status status = CHECK_UNKNOWN;

	if (!report || check_run(&command->options, report)) {
		cli_no_memory();
	} else {
		check_local_add(&command->query, report);
		status = check_report_worst(report);
		document = check_report_document(command->options.uri_text, report);
		query_print(&command->query, document, print_report);
		json_decref(document);
	}
	json_decref(report);
	return status;
}

enum cli_status command_check(int argc, char **argv)
{
	struct check_command command = {
		.query = { .control = CONTROL_PATH },
		.options = { .timeout = 5, .warn_rtt = 300, .crit_loss = 10 },
	};
	struct check_options *options = &command.options;
	enum check_status status = CHECK_UNKNOWN;

	signal(SIGPIPE, SIG_IGN); /* OpenSSL writes to sockets that the server has closed */
	if (cli_parse(&check_syntax, argc, argv, &command) == CLI_OK && is_complete(options))
		status = run(&command);
	wipe(options->password);
	wipe(options->secret);
	free(options->user);
	free(options->realm);
	return (enum cli_status)status;
}
