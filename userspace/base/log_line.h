/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file log_line.h
 * Formatting of one log line.
 */
#ifndef TURNPIKE_BASE_LOG_LINE_H
#define TURNPIKE_BASE_LOG_LINE_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

/**
 * enum log_level - severity
 * @LOG_ERROR:   a requested operation failed; the message names a remedy
 * @LOG_WARNING: it works, but not as well as it could
 * @LOG_INFO:    what operators may want to look up later
 * @LOG_DEBUG:   every request
 */
enum log_level {
	LOG_ERROR,
	LOG_WARNING,
	LOG_INFO,
	LOG_DEBUG,
};

/**
 * enum log_format - the form of a line
 * @LOG_PLAIN:   "turnpike: ", the message, and the fields as name=value
 * @LOG_JOURNAL: the same with the syslog priority in front, as in "<4>", for systemd's journal
 * @LOG_JSON:    an object with time (RFC 3339), level, event, message and the fields
 */
enum log_format {
	LOG_PLAIN,
	LOG_JOURNAL,
	LOG_JSON,
};

/** struct log_field - a detail of an event: @text, or @number if @text is NULL */
struct log_field {
	const char *name;
	const char *text;
	uint64_t number;
};

/**
 * struct log_line - a line to format
 * @level:    severity
 * @event:    what happened, in a word, for programs
 * @message:  what happened, for people
 * @fields:   details
 * @n_fields: number of @fields
 * @time:     of CLOCK_REALTIME
 */
struct log_line {
	enum log_level level;
	const char *event;
	const char *message;
	const struct log_field *fields;
	size_t n_fields;
	struct timespec time;
};

/**
 * log_line_format() - format @line as a single line with its newline
 *
 * Values of fields are untrusted. They come out as ASCII: quotes, control characters and everything
 * else are escaped as in JSON, so that a username can neither forge a line nor send escape
 * sequences to a terminal. Bytes that are not UTF-8 are read as Latin-1.
 *
 * Return: the text, to be freed, or NULL if out of memory.
 */
char *log_line_format(const struct log_line *line, enum log_format format);

#endif /* TURNPIKE_BASE_LOG_LINE_H */
