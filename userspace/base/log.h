/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file log.h
 * What the command says to people: one line to stderr for each event, in one write. Any thread.
 */
#ifndef TURNPIKE_BASE_LOG_H
#define TURNPIKE_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * enum log_level - how much it matters
 * @LOG_ERROR:   what was asked for is not done; with a remedy
 * @LOG_WARNING: it is done, but not as well as it could be
 * @LOG_INFO:    what an operator wants to have read later
 * @LOG_DEBUG:   every request
 */
enum log_level {
	LOG_ERROR,
	LOG_WARNING,
	LOG_INFO,
	LOG_DEBUG,
};

/**
 * enum log_format - what a line looks like
 * @LOG_PLAIN:   "turnpike: " and the message, and fields as name=value
 * @LOG_JOURNAL: the same for the journal of systemd, which gets the level as "<4>" in front
 * @LOG_JSON:    an object with time (RFC 3339), level, event, message and the fields
 */
enum log_format {
	LOG_PLAIN,
	LOG_JOURNAL,
	LOG_JSON,
};

/** struct log_field - what an event is about: @text, or @number if that is NULL */
struct log_field {
	const char *name;
	const char *text;
	uint64_t number;
};

/** log_set_level() - say nothing that matters less; LOG_INFO to begin with */
void log_set_level(enum log_level level);

/** log_set_json() - LOG_JSON from now on; else the form that stderr calls for */
void log_set_json(bool json);

/**
 * log_hold() - keep lines of log_at() until log_release(), or the end of the process
 *
 * For what is said before it is known at which level and in which form. One thread.
 */
void log_hold(void);

/** log_release() - say what was kept, in the order in which it came */
void log_release(void);

/** log_is_enabled() - whether what matters so much is said at all */
bool log_is_enabled(enum log_level level);

/** log_at() - say one line, unless it matters too little */
__attribute__((format(printf, 2, 3))) void log_at(enum log_level level, const char *format, ...);

/** say() - say an error with its remedy */
#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)

/**
 * log_event() - say one line of which programs are to read the parts, too
 * @event:   what has happened, in a word
 * @message: the same for people
 * @fields:  whatever others have sent belongs here, where it is escaped
 */
void log_event(enum log_level level, const char *event, const char *message,
	       const struct log_field *fields, size_t n_fields);

#endif /* TURNPIKE_BASE_LOG_H */
