/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file lines.h
 * Reads text that may hold secrets line by line, and wipes every copy.
 */
#ifndef TURNPIKE_CONFIG_LINES_H
#define TURNPIKE_CONFIG_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "config/options.h"

/** Largest file accepted: room for about 100,000 users. */
#define LINES_FILE_MAX (16u << 20)

/**
 * lines_taker - handle one line
 * @origin: "FILE:LINE: ", the prefix of error messages
 * @line:   trimmed, neither empty nor a comment; may be overwritten
 *
 * Return: CLI_OK to continue; any other status, after logging an error, to stop.
 */
typedef enum cli_status lines_taker(void *arg, const char *origin, char *line);

/**
 * lines_each() - call @take for each line of a text
 * @name: of the text, for messages
 * @text: @len bytes and a terminating zero; overwritten, and wiped in the end
 *
 * Lines that begin with # are comments. A NUL byte is an error.
 */
enum cli_status lines_each(const char *name, char *text, size_t len, lines_taker *take, void *arg);

/**
 * lines_each_of_file() - call @take for each line of a file
 *
 * Errors are logged. Return: as lines_each(); CLI_ERROR if it is not a regular file of at most
 * LINES_FILE_MAX bytes that can be read.
 */
enum cli_status lines_each_of_file(const char *path, lines_taker *take, void *arg);

/**
 * lines_check_access() - log a warning if a file of secrets is world-readable
 *
 * Return: CLI_OK; CLI_USAGE, after logging an error, if others than its owner can write it.
 */
enum cli_status lines_check_access(const char *path);

/** lines_trim() - remove white space at both ends; Return: the new start of @text. */
char *lines_trim(char *text);

/**
 * lines_unreadable() - of the files that lines_each_of_file() has read, one that the process
 * could not open now
 *
 * Return: its path, or NULL.
 */
const char *lines_unreadable(void);

#endif /* TURNPIKE_CONFIG_LINES_H */
