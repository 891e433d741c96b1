/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unictype.h>
#include <unistr.h>

#include "cli/table.h"

#define COLUMNS_MAX 16
#define SHOWN                                                                                \
	(UC_CATEGORY_MASK_L | UC_CATEGORY_MASK_M | UC_CATEGORY_MASK_N | UC_CATEGORY_MASK_P | \
	 UC_CATEGORY_MASK_S)

/*
 * Names come from clients. What a terminal would obey, or show in another order or not at all, does
 * not reach it: controls (also those of C1), formats such as bidirectional marks, and separators.
 */
static bool is_shown(ucs4_t point)
{
	return point != ' ' ? uc_is_general_category_withtable(point, SHOWN) : true;
}

static const char *printable(char *text)
{
	uint8_t *at = (uint8_t *)text;

	while (*at) {
		ucs4_t point;
		const int len = u8_mbtouc(&point, at, strlen((char *)at));

		if (!is_shown(point))
			memset(at, '?', (size_t)len);
		at += len;
	}
	return text;
}

const char *table_cell(const json_t *value, enum table_kind kind, char text[static TABLE_CELL_MAX])
{
	if (json_is_string(value))
		snprintf(text, TABLE_CELL_MAX, "%s", json_string_value(value));
	else if (json_is_integer(value) && kind == TABLE_HEX)
		snprintf(text, TABLE_CELL_MAX, "0x%llx",
			 (unsigned long long)json_integer_value(value));
	else if (json_is_integer(value))
		snprintf(text, TABLE_CELL_MAX, "%lld", (long long)json_integer_value(value));
	else if (json_is_real(value))
		snprintf(text, TABLE_CELL_MAX, "%.1f", json_real_value(value));
	else if (json_is_boolean(value))
		snprintf(text, TABLE_CELL_MAX, "%s", json_is_true(value) ? "yes" : "no");
	else
		snprintf(text, TABLE_CELL_MAX, "-");
	return printable(text);
}

static int width_of(const struct table_column *column, const json_t *rows)
{
	size_t i, width = strlen(column->key);
	char text[TABLE_CELL_MAX];
	const json_t *row;

	json_array_foreach(rows, i, row) {
		size_t len =
			strlen(table_cell(json_object_get(row, column->key), column->kind, text));

		width = len > width ? len : width;
	}
	return (int)width;
}

static void print_cell(const struct table_column *column, const char *text, int width)
{
	const char *space = column[1].key ? "  " : "\n";

	if (column->kind != TABLE_TEXT)
		printf("%*s%s", width, text, space);
	else if (column[1].key)
		printf("%-*s%s", width, text, space);
	else
		printf("%s%s", text, space);
}

void table_print(const struct table_column *columns, const json_t *rows)
{
	int widths[COLUMNS_MAX];
	char text[TABLE_CELL_MAX];
	const json_t *row;
	size_t i;

	for (int c = 0; columns[c].key; c++) {
		widths[c] = width_of(&columns[c], rows);
		print_cell(&columns[c], columns[c].key, widths[c]);
	}
	json_array_foreach(rows, i, row) {
		for (int c = 0; columns[c].key; c++)
			print_cell(&columns[c],
				   table_cell(json_object_get(row, columns[c].key), columns[c].kind,
					      text),
				   widths[c]);
	}
}
