/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file say.h
 * What the command says to people.
 */
#ifndef TURNPIKE_SAY_H
#define TURNPIKE_SAY_H

/** say() - write one line to stderr: an error with its remedy, a warning, or an event of the log */
__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

#endif /* TURNPIKE_SAY_H */
