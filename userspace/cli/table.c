/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli/table.h"

#define COLUMNS_MAX 16

/* Names come from clients: control characters do not reach the terminal. */
static const char *without_controls(char *text)
{
	for (char *c = text; *c; c++) {
		if (iscntrl((unsigned char)*c))
			*c = '?';
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
	return without_controls(text);
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
