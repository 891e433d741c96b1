/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file lines.h
 * Text, a line at a time, that may hold secrets: every copy of it is wiped.
 */
#ifndef TURNPIKE_CONFIG_LINES_H
#define TURNPIKE_CONFIG_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "config/options.h"

/** Longer files are none of ours; this is room for some 100,000 users. */
#define LINES_FILE_MAX (16u << 20)

/**
 * lines_taker - take a line
 * @origin: where it stands, "FILE:LINE: ", to begin an error message with
 * @line:   without white space at its ends, neither empty nor a comment; may be overwritten
 *
 * Return: CLI_OK, or after a sentence was said: anything else, and no more lines come.
 */
typedef enum cli_status lines_taker(void *arg, const char *origin, char *line);

/**
 * lines_each() - go through text
 * @name: of the text, for messages
 * @text: @len bytes and a zero, overwritten on the way and wiped in the end
 *
 * Lines whose first character is # are comments. A byte of zero is an error.
 */
enum cli_status lines_each(const char *name, char *text, size_t len, lines_taker *take, void *arg);

/**
 * lines_each_of_file() - the same for what is in a file
 *
 * On any error a sentence has been said: CLI_ERROR if the file cannot be read.
 */
enum cli_status lines_each_of_file(const char *path, lines_taker *take, void *arg);

/** lines_warn_of_readers() - warn if everybody may read a file that has secrets */
void lines_warn_of_readers(const char *path);

/** lines_trim() - cut white space off both ends; Return: where @text begins now. */
char *lines_trim(char *text);

#endif /* TURNPIKE_CONFIG_LINES_H */
