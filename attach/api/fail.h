/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The sentence about a call that failed: see turnpike_error(). Without a handle it is kept for the
 * thread.
 */
#ifndef TURNPIKE_ATTACH_API_FAIL_H
#define TURNPIKE_ATTACH_API_FAIL_H

#include <turnpike/turnpike.h>

/** api_fail() - keep a sentence, and set errno. @tp: NULL: no handle. Return: @err. */
int api_fail(struct turnpike *tp, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** api_fail_opts() - say what opts_copy() found wrong with struct @type. Return: @err. */
int api_fail_opts(struct turnpike *tp, int err, const char *type);

/**
 * api_fail_load() - say why programs or maps cannot be loaded
 * @sentence: if it is known already; otherwise ""
 *
 * Return: the errno that is documented for @err.
 */
int api_fail_load(int err, const char *sentence);

#endif /* TURNPIKE_ATTACH_API_FAIL_H */
