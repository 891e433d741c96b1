/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file say.h
 * What the command says to people: one line to stderr for each event, in one write. Any thread.
 */
#ifndef TURNPIKE_BASE_LOG_H
#define TURNPIKE_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * enum say_level - how much it matters
 * @SAY_ERROR:   what was asked for is not done; with a remedy
 * @SAY_WARNING: it is done, but not as well as it could be
 * @SAY_INFO:    what an operator wants to have read later
 * @SAY_DEBUG:   every request
 */
enum say_level {
	SAY_ERROR,
	SAY_WARNING,
	SAY_INFO,
	SAY_DEBUG,
};

/**
 * enum say_form - what a line looks like
 * @SAY_PLAIN:   "turnpike: " and the message, and fields as name=value
 * @SAY_JOURNAL: the same for the journal of systemd, which gets the level as "<4>" in front
 * @SAY_JSON:    an object with time (RFC 3339), level, event, message and the fields
 */
enum say_form {
	SAY_PLAIN,
	SAY_JOURNAL,
	SAY_JSON,
};

/** struct say_field - what an event is about: @text, or @number if that is NULL */
struct say_field {
	const char *name;
	const char *text;
	uint64_t number;
};

/** say_set_level() - say nothing that matters less; SAY_INFO to begin with */
void say_set_level(enum say_level level);

/** say_set_json() - SAY_JSON from now on; else the form that stderr calls for */
void say_set_json(bool json);

/**
 * say_hold() - keep lines of say_at() until say_release(), or the end of the process
 *
 * For what is said before it is known at which level and in which form. One thread.
 */
void say_hold(void);

/** say_release() - say what was kept, in the order in which it came */
void say_release(void);

/** say_is_heard() - whether what matters so much is said at all */
bool say_is_heard(enum say_level level);

/** say_at() - say one line, unless it matters too little */
__attribute__((format(printf, 2, 3))) void say_at(enum say_level level, const char *format, ...);

/** say() - say an error with its remedy */
#define say(...) say_at(SAY_ERROR, __VA_ARGS__)

/**
 * say_event() - say one line of which programs are to read the parts, too
 * @event:   what has happened, in a word
 * @message: the same for people
 * @fields:  whatever others have sent belongs here, where it is escaped
 */
void say_event(enum say_level level, const char *event, const char *message,
	       const struct say_field *fields, size_t n_fields);

#endif /* TURNPIKE_BASE_LOG_H */
