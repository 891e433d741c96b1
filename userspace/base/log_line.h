/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file log_line.h
 * How one line of the log is written.
 */
#ifndef TURNPIKE_BASE_LOG_LINE_H
#define TURNPIKE_BASE_LOG_LINE_H

#include <time.h>

#include "base/log.h"

/** struct log_line - as in log_event(); @time: of CLOCK_REALTIME */
struct log_line {
	enum log_level level;
	const char *event;
	const char *message;
	const struct log_field *fields;
	size_t n_fields;
	struct timespec time;
};

/**
 * log_line_format() - the line, with its newline, and no other in it
 *
 * Of what is in fields, the result has ASCII only: quotes, control characters and all else are
 * escaped as in JSON, so that nobody who chooses a username can forge a line or speak to a
 * terminal. Bytes that are no UTF-8 are taken for characters of Latin-1.
 *
 * Return: the text, to be freed, or NULL without memory.
 */
char *log_line_format(const struct log_line *line, enum log_format form);

#endif /* TURNPIKE_BASE_LOG_LINE_H */
