/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stddef.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/log.h"
#include "cli/commands.h"
#include "cli/query.h"
#include "cli/screen.h"
#include "cli/table.h"
#include "cli/top_rates.h"
#include "private/array_len.h"

/** Rows of users and sessions where the screen does not limit them. */
#define ROWS 30
/** A list of many sessions takes the server some time: at most one part in so many of all time. */
#define PAUSE_PARTS 5

/** struct top_query - @count: documents or pages until the end; 0: without end */
struct top_query {
	struct query query; /* first, because QUERY_JSON and QUERY_CONTROL set its members */
	uint32_t count;
};

/**
 * struct top - what is known of the server
 * @before: the latest sample
 * @rates:  between the two latest samples; NULL: there was one only
 * @next:   when the next sample is due
 * @why:    why there is none
 */
struct top {
	const struct top_query *query;
	json_t *before;
	json_t *rates;
	uint64_t next;
	char why[QUERY_WHY_MAX];
};

static json_t *sample(struct top *top)
{
	static const char *const commands[] = { "status", "stats", "sessions" };
	json_t *result = json_object();

	for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
		json_t *answer = query_try(&top->query->query, commands[i], top->why);

		if (!answer) {
			json_decref(result);
			return NULL;
		}
		json_object_set_new(result, commands[i], answer);
	}
	return result;
}

static double number(const json_t *object, const char *key)
{
	return json_number_value(json_object_get(object, key));
}

static void print_head(const json_t *rates)
{
	const json_t *share = json_object_get(rates, "kernel_share");

	printf("turnpike %s, up %.0f s%s, allocations %.0f, flows %.0f, in the kernel ",
	       json_string_value(json_object_get(rates, "version")), number(rates, "uptime"),
	       json_is_true(json_object_get(rates, "draining")) ? ", draining" : "",
	       number(rates, "allocations"), number(rates, "flows"));
	if (json_is_null(share))
		printf("-");
	else
		printf("%.1f %%", 100 * json_real_value(share));
	printf("; per second, over %.1f s:\n\n", number(rates, "seconds"));
}

/* Rates without fractions, Mbit/s, and percent. */
static json_t *readable(const json_t *row)
{
	json_t *result = json_copy((json_t *)row), *value;
	const char *key;
	double bytes =
		number(row, "bytes") + number(row, "kernel_bytes") + number(row, "user_bytes");

	json_object_foreach((json_t *)row, key, value) {
		if (json_is_real(value))
			json_object_set_new(
				result, key,
				json_integer((json_int_t)(json_real_value(value) + 0.5)));
	}
	json_object_set_new(result, "mbit", json_real(bytes * 8 / 1e6));
	value = json_object_get(row, "kernel_share");
	if (json_is_real(value))
		json_object_set_new(result, "kernel_%", json_real(100 * json_real_value(value)));
	return result;
}

static void print_rows(const struct table_column *columns, const json_t *rows, size_t max)
{
	json_t *shown = json_array(), *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		if (i < max)
			json_array_append_new(shown, readable(row));
	}
	table_print(columns, shown);
	json_decref(shown);
}

/* The paths have all the lines that they need, users at most a third of the others. */
static void share_lines(size_t n_paths, size_t n_users, size_t *users, size_t *sessions)
{
	static const size_t other_lines = 8; /* the head, empty lines and headings */
	const size_t lines = screen_lines(), taken = n_paths + other_lines;
	const size_t room = !lines ? ROWS : lines > taken ? lines - taken : 0;

	*users = n_users < room / 3 ? n_users : room / 3;
	*sessions = room - *users;
}

static void print_rates(const json_t *rates)
{
	static const struct table_column path_columns[] = {
		{ "path", TABLE_TEXT },
		{ "dev", TABLE_TEXT },
		{ "mode", TABLE_TEXT },
		{ "to_peer", TABLE_NUMBER },
		{ "to_client", TABLE_NUMBER },
		{ "hairpin", TABLE_NUMBER },
		{ "mbit", TABLE_NUMBER },
		{ "policed", TABLE_NUMBER },
		{ 0 },
	};
	static const struct table_column user_columns[] = {
		{ "user", TABLE_TEXT },
		{ "allocations", TABLE_NUMBER },
		{ "kernel_packets", TABLE_NUMBER },
		{ "user_packets", TABLE_NUMBER },
		{ "mbit", TABLE_NUMBER },
		{ "kernel_%", TABLE_NUMBER },
		{ 0 },
	};
	static const struct table_column session_columns[] = {
		{ "id", TABLE_NUMBER },
		{ "user", TABLE_TEXT },
		{ "transport", TABLE_TEXT },
		{ "client", TABLE_TEXT },
		{ "kernel_packets", TABLE_NUMBER },
		{ "user_packets", TABLE_NUMBER },
		{ "mbit", TABLE_NUMBER },
		{ "kernel_%", TABLE_NUMBER },
		{ 0 },
	};
	const json_t *paths = json_object_get(rates, "paths");
	const json_t *users = json_object_get(rates, "users");
	size_t n_paths = json_array_size(paths), n_users, n_sessions;

	share_lines(n_paths, json_array_size(users), &n_users, &n_sessions);
	print_head(rates);
	print_rows(path_columns, paths, n_paths);
	printf("\n");
	print_rows(user_columns, users, n_users);
	printf("\n");
	print_rows(session_columns, json_object_get(rates, "sessions"), n_sessions);
	if (!screen_lines())
		printf("\n");
}

/* Users do not wait long for the first rates. */
static uint64_t pause_of(const struct top *top, uint64_t took)
{
	const uint64_t wanted = top->before ? top->query->query.interval * NS_PER_S : NS_PER_S / 2;

	return took * PAUSE_PARTS > wanted ? took * PAUSE_PARTS : wanted;
}

static bool renew(struct top *top)
{
	const uint64_t begin = clock_now();
	json_t *now = sample(top);
	uint64_t end = clock_now();

	if (!now)
		return false;
	top->next = end + pause_of(top, end - begin);
	json_decref(top->rates);
	top->rates = top->before ? top_rates(now, top->before) : NULL;
	json_decref(top->before);
	top->before = now;
	return true;
}

/* Shows the rates until it is time for the next ones. Return: whether the user goes on. */
static bool show(const struct top *top)
{
	enum screen_event event;

	do {
		if (top->rates) {
			screen_begin_page();
			query_print(&top->query->query, top->rates, print_rates);
		}
		event = screen_wait(clock_ms_until(top->next));
	} while (event == SCREEN_RESIZED);
	return event != SCREEN_QUIT;
}

/* Until the user has seen enough. Return: false after an error. */
static bool repeat(struct top *top)
{
	uint32_t shown = 0;

	do {
		if (!renew(top))
			return false;
		shown += top->rates != NULL;
		if (top->query->count && shown == top->query->count) {
			query_print(&top->query->query, top->rates, print_rates);
			return true;
		}
	} while (show(top));
	return true;
}

static int set_interval(void *query, char *value)
{
	return cli_number(value, 1, 3600, &((struct query *)query)->interval);
}

static int set_count(void *query, char *value)
{
	return cli_number(value, 1, UINT32_MAX, &((struct top_query *)query)->count);
}

enum cli_status command_top(int argc, char **argv)
{
	static const struct cli_option options[] = {
		{ "interval", 'i', "SECONDS", "Time between two pages.", "a number of seconds",
		  .set = set_interval, .fallback = "2" },
		{ "count", 'n', "NUMBER", "End after so many pages.", "a number of pages",
		  .set = set_count },
		QUERY_JSON,
		QUERY_CONTROL,
		{ 0 },
	};
	static const struct cli_syntax syntax = {
		.command = "turnpike top",
		.doc = "Show what a running server relays per second: in the kernel by device and in user "
		       "space, and for the busiest users and sessions. The key q ends it.",
		.options = options,
	};
	struct top_query query = { .query = { .control = CONTROL_PATH, .interval = 2 } };
	struct top top = { .query = &query };
	enum cli_status status = cli_parse(&syntax, argc, argv, &query);
	bool ok;

	if (status != CLI_OK)
		return status;
	if (!query.query.json)
		screen_open();
	ok = repeat(&top);
	screen_close();
	if (!ok)
		log_error("%s", top.why);
	json_decref(top.rates);
	json_decref(top.before);
	return ok ? CLI_OK : CLI_ERROR;
}
