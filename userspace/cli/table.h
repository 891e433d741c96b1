/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file table.h
 * Prints the rows of a JSON document as a table.
 */
#ifndef TURNPIKE_CLI_TABLE_H
#define TURNPIKE_CLI_TABLE_H

#include <jansson.h>

enum table_kind {
	TABLE_TEXT,
	TABLE_NUMBER,
	TABLE_HEX,
};

/** struct table_column - @key: of the rows' objects, and the heading of the column */
struct table_column {
	const char *key;
	enum table_kind kind;
};

/** Room for the text of a cell. */
#define TABLE_CELL_MAX 512

/** table_cell() - the text of a value, without control characters; Return: @text */
const char *table_cell(const json_t *value, enum table_kind kind, char text[static TABLE_CELL_MAX]);

/**
 * table_print() - print an array of objects to stdout
 * @columns: end with one whose key is NULL
 */
void table_print(const struct table_column *columns, const json_t *rows);

#endif /* TURNPIKE_CLI_TABLE_H */
