/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdbool.h>
#include <stddef.h>

#include "cli/stats_delta.h"
#include "private/array_len.h"

static json_int_t difference(const json_t *now, const json_t *before, const char *key)
{
	return json_integer_value(json_object_get(now, key)) -
	       json_integer_value(json_object_get(before, key));
}

static bool is_same_row(const json_t *a, const json_t *b)
{
	static const char *const keys[] = { "dev", "mode", "direction", "verdict" };

	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		if (!json_equal(json_object_get(a, keys[i]), json_object_get(b, keys[i])))
			return false;
	}
	return true;
}

static const json_t *find_row(const json_t *rows, const json_t *wanted)
{
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		if (is_same_row(row, wanted))
			return row;
	}
	return NULL;
}

static json_t *row_delta(json_t *now, const json_t *before, double seconds)
{
	json_int_t packets = difference(now, before, "packets");
	json_int_t bytes = difference(now, before, "bytes");
	json_t *row = json_copy(now);

	json_object_set_new(row, "packets", json_integer(packets));
	json_object_set_new(row, "bytes", json_integer(bytes));
	json_object_set_new(row, "packets_per_second", json_real((double)packets / seconds));
	json_object_set_new(row, "bytes_per_second", json_real((double)bytes / seconds));
	return row;
}

static json_t *rows_delta(const json_t *now, const json_t *before, double seconds)
{
	json_t *row, *rows = json_array();
	size_t i;

	json_array_foreach(now, i, row) {
		const json_t *old = find_row(before, row);

		if (difference(row, old, "packets"))
			json_array_append_new(rows, row_delta(row, old, seconds));
	}
	return rows;
}

static json_t *counters_delta(json_t *now, const json_t *before)
{
	json_t *value, *result = json_object();
	const char *key;

	json_object_foreach(now, key, value) {
		const json_t *old = json_object_get(before, key);

		json_object_set_new(result, key,
				    json_is_object(value)
					    ? counters_delta(value, old)
					    : json_integer(difference(now, before, key)));
	}
	return result;
}

json_t *stats_delta(json_t *now, json_t *before)
{
	double seconds = json_number_value(json_object_get(now, "uptime")) -
			 json_number_value(json_object_get(before, "uptime"));

	/* Another server may have taken the place of the first. */
	if (seconds <= 0)
		seconds = json_number_value(json_object_get(now, "uptime"));
	return json_pack(
		"{s:f, s:o, s:o}", "seconds", seconds, "verdicts",
		rows_delta(json_object_get(now, "verdicts"), json_object_get(before, "verdicts"),
			   seconds),
		"turn",
		counters_delta(json_object_get(now, "turn"), json_object_get(before, "turn")));
}
