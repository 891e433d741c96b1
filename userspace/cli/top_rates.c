/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "cli/top_rates.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/member.h"
#include "cli/session_sums.h"
#include "cli/stats_delta.h"
#include "private/array_len.h"

static void add(json_t *object, const char *key, double value)
{
	const double sum = json_real_value(json_object_get(object, key)) + value;

	json_object_set_new(object, key, json_real(sum));
}

/* NULL where nothing is relayed. */
static json_t *share(double kernel, double user_space)
{
	return kernel + user_space > 0 ? json_real(kernel / (kernel + user_space)) : json_null();
}

static json_t *new_path(const char *path, json_t *dev, json_t *mode)
{
	return json_pack("{s:s, s:O, s:O, s:f, s:f, s:f, s:f, s:f}", "path", path, "dev", dev,
			 "mode", mode, "to_peer", 0.0, "to_client", 0.0, "hairpin", 0.0, "bytes",
			 0.0, "policed", 0.0);
}

static json_t *path_of(json_t *paths, const json_t *device)
{
	json_t *dev = json_object_get(device, "dev"), *mode = json_object_get(device, "mode");
	json_t *path;
	size_t i;

	json_array_foreach(paths, i, path) {
		if (json_equal(json_object_get(path, "dev"), dev) &&
		    json_equal(json_object_get(path, "mode"), mode))
			return path;
	}
	path = new_path("kernel", dev, mode);
	json_array_append_new(paths, path);
	return path;
}

/* The directions of the library's counters, and their members here. */
static const char *direction_key(const json_t *row)
{
	const char *direction = json_string_value(json_object_get(row, "direction"));

	if (direction && strcmp(direction, "to-peer") == 0)
		return "to_peer";
	if (direction && strcmp(direction, "to-client") == 0)
		return "to_client";
	return "hairpin";
}

static void add_verdict(json_t *path, const json_t *row)
{
	const char *verdict = json_string_value(json_object_get(row, "verdict"));
	const double packets = json_number_value(json_object_get(row, "packets_per_second"));

	if (verdict && strcmp(verdict, "relayed") == 0) {
		add(path, direction_key(row), packets);
		add(path, "bytes", json_number_value(json_object_get(row, "bytes_per_second")));
	} else if (verdict && strcmp(verdict, "policed") == 0) {
		add(path, "policed", packets);
	}
}

static json_t *user_space_path(const json_t *turn, double seconds)
{
	static const char *const directions[] = { "to_peer", "to_client" };
	json_t *null = json_null(), *path = new_path("userspace", null, null);

	for (size_t i = 0; i < ARRAY_LEN(directions); i++) {
		const json_t *traffic = json_object_get(turn, directions[i]);

		add(path, directions[i], (double)member_integer(traffic, "packets") / seconds);
		add(path, "bytes", (double)member_integer(traffic, "bytes") / seconds);
	}
	add(path, "policed", (double)member_integer(turn, "policed") / seconds);
	return path;
}

/* The devices that relay, those that have done so until now, and user space. */
static json_t *paths_of(const json_t *status, const json_t *delta, double seconds)
{
	json_t *paths = json_array(), *row;
	size_t i;

	json_array_foreach(json_object_get(status, "devices"), i, row) {
		if (strcmp(json_string_value(json_object_get(row, "mode")), "userspace") != 0)
			path_of(paths, row);
	}
	json_array_foreach(json_object_get(delta, "verdicts"), i, row)
		add_verdict(path_of(paths, row), row);
	json_array_append_new(paths, user_space_path(json_object_get(delta, "turn"), seconds));
	return paths;
}

static json_t *by_id(const json_t *sessions)
{
	json_t *result = json_object(), *session;
	char key[SESSION_KEY_MAX];
	size_t i;

	json_array_foreach(sessions, i, session)
		json_object_set(result, session_key(session, key), session);
	return result;
}

/*
 * A session that is new has begun with 0. What a flow has relayed is missing from one list if it
 * ends while that is made.
 */
static double rate(const json_t *now, const json_t *before, const char *path, const char *unit,
		   double seconds)
{
	const json_int_t more = session_sum(now, path, unit) - session_sum(before, path, unit);

	return more > 0 ? (double)more / seconds : 0;
}

static void add_rates(json_t *row, const json_t *now, const json_t *before, double seconds)
{
	add(row, "kernel_packets", rate(now, before, "kernel", "packets", seconds));
	add(row, "kernel_bytes", rate(now, before, "kernel", "bytes", seconds));
	add(row, "user_packets", rate(now, before, "userspace", "packets", seconds));
	add(row, "user_bytes", rate(now, before, "userspace", "bytes", seconds));
}

static json_t *session_row(const json_t *session)
{
	static const char *const keys[] = { "id", "user", "transport", "client" };
	json_t *row = json_object();

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		json_object_set(row, keys[i], json_object_get(session, keys[i]));
	return row;
}

static json_t *user_row(json_t *users, const json_t *session)
{
	json_t *account = json_object_get(session, "account");
	json_t *row = json_object_get(users, json_string_value(account));

	if (!row) {
		row = json_pack("{s:O, s:i}", "user", account, "allocations", 0);
		json_object_set_new(users, json_string_value(account), row);
	}
	json_object_set_new(row, "allocations",
			    json_integer(member_integer(row, "allocations") + 1));
	return row;
}

static double packets_of(const json_t *row)
{
	return json_real_value(json_object_get(row, "kernel_packets")) +
	       json_real_value(json_object_get(row, "user_packets"));
}

static int compare(const void *a, const void *b)
{
	const double x = packets_of(*(json_t *const *)a), y = packets_of(*(json_t *const *)b);

	return (x < y) - (x > y);
}

/* Takes @rows. */
static json_t *sorted(json_t *rows)
{
	const size_t n = json_array_size(rows);
	json_t **row = calloc(n ? n : 1, sizeof(*row)), *result = json_array();

	for (size_t i = 0; row && i < n; i++)
		row[i] = json_array_get(rows, i);
	if (row)
		qsort(row, n, sizeof(*row), compare);
	for (size_t i = 0; row && i < n; i++)
		json_array_append(result, row[i]);
	free(row);
	json_decref(rows);
	return result;
}

/* Takes @object. */
static json_t *members(json_t *object)
{
	json_t *rows = json_array(), *row;
	const char *key;

	json_object_foreach(object, key, row)
		json_array_append(rows, row);
	json_decref(object);
	return rows;
}

static void add_share(json_t *row)
{
	json_object_set_new(row, "kernel_share",
			    share(json_real_value(json_object_get(row, "kernel_packets")),
				  json_real_value(json_object_get(row, "user_packets"))));
}

static void add_shares(const json_t *rows)
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
		add_share(row);
}

static void add_sessions(json_t *result, const json_t *now, const json_t *before, double seconds)
{
	json_t *rows = json_array(), *users = json_object(), *old = by_id(before), *session;
	char key[SESSION_KEY_MAX];
	size_t i;

	json_array_foreach(now, i, session) {
		const json_t *then = json_object_get(old, session_key(session, key));
		json_t *row = session_row(session);

		add_rates(row, session, then, seconds);
		add_rates(user_row(users, session), session, then, seconds);
		json_array_append_new(rows, row);
	}
	json_decref(old);
	rows = sorted(rows);
	users = sorted(members(users));
	add_shares(rows);
	add_shares(users);
	json_object_set_new(result, "users", users);
	json_object_set_new(result, "sessions", rows);
}

static json_t *total_share(const json_t *paths)
{
	static const char *const directions[] = { "to_peer", "to_client", "hairpin" };
	double sums[2] = { 0 };
	const json_t *path;
	size_t i;

	json_array_foreach(paths, i, path) {
		const bool in_kernel = !json_is_null(json_object_get(path, "dev"));

		for (size_t j = 0; j < ARRAY_LEN(directions); j++)
			sums[in_kernel] += json_real_value(json_object_get(path, directions[j]));
	}
	return share(sums[true], sums[false]);
}

json_t *top_rates(json_t *now, json_t *before)
{
	static const char *const keys[] = { "version", "uptime", "draining", "allocations",
					    "flows" };
	const json_t *status = json_object_get(now, "status");
	json_t *delta =
		stats_delta(json_object_get(now, "stats"), json_object_get(before, "stats"));
	const double seconds = json_real_value(json_object_get(delta, "seconds"));
	json_t *paths = paths_of(status, delta, seconds), *result = json_object();

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		json_object_set(result, keys[i], json_object_get(status, keys[i]));
	json_object_set(result, "seconds", json_object_get(delta, "seconds"));
	json_object_set_new(result, "kernel_share", total_share(paths));
	json_object_set_new(result, "paths", paths);
	add_sessions(result, json_object_get(json_object_get(now, "sessions"), "sessions"),
		     json_object_get(json_object_get(before, "sessions"), "sessions"), seconds);
	json_decref(delta);
	return result;
}
