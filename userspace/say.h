/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file say.h
 * What the command says to people: one line to stderr for each event. Any thread.
 */
#ifndef TURNPIKE_SAY_H
#define TURNPIKE_SAY_H

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

/** say_set_level() - say nothing that matters less; SAY_INFO to begin with */
void say_set_level(enum say_level level);

/** say_at() - say one line, unless it matters too little */
__attribute__((format(printf, 2, 3))) void say_at(enum say_level level, const char *format, ...);

/** say() - say an error with its remedy */
#define say(...) say_at(SAY_ERROR, __VA_ARGS__)

#endif /* TURNPIKE_SAY_H */
