/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file log.h
 * The log: one line to stderr per event. Any thread, except log_hold(), log_start() and log_stop().
 */
#ifndef TURNPIKE_BASE_LOG_H
#define TURNPIKE_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log_line.h"

/** log_set_level() - drop lines above @level in enum log_level; LOG_INFO by default */
void log_set_level(enum log_level level);

/** log_set_json() - use LOG_JSON; else LOG_JOURNAL if stderr is the journal, or LOG_PLAIN */
void log_set_json(bool json);

/**
 * log_hold() - keep lines of log_at() until log_release() or the end of the process
 *
 * For messages before level and format are known. Call it before there are other threads.
 */
void log_hold(void);

/** log_release() - log the kept lines, in their order */
void log_release(void);

/**
 * log_start() - from now on, never wait for whoever reads the log: see log_writer.h
 *
 * Call it after the last fork(2). Return: 0 or a negative errno.
 */
int log_start(void);

/** log_flush() - wait until all lines are written, unless nobody reads them for a second */
void log_flush(void);

/** log_stop() - log what waits, unless nobody reads it, at the end of the process */
void log_stop(void);

/** log_lost() - number of lines since log_start() that were lost, because nobody read the log */
uint64_t log_lost(void);

/** log_is_enabled() - whether lines of @level are logged */
bool log_is_enabled(enum log_level level);

/** log_at() - log a message */
__attribute__((format(printf, 2, 3))) void log_at(enum log_level level, const char *format, ...);

/** log_error() - log an error, which names a remedy */
#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)

/**
 * log_event() - log an event with details that programs can read
 * @event:    what happened, in a word
 * @message:  what happened, for people; trusted text
 * @fields:   details; the place for text from the network, as values are escaped
 * @n_fields: number of @fields
 */
void log_event(enum log_level level, const char *event, const char *message,
	       const struct log_field *fields, size_t n_fields);

#endif /* TURNPIKE_BASE_LOG_H */
