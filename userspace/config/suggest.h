/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file suggest.h
 * "Did you mean": the known name that is closest to a mistyped one.
 */
#ifndef TURNPIKE_CONFIG_SUGGEST_H
#define TURNPIKE_CONFIG_SUGGEST_H

#include <stddef.h>

/** struct suggest - the search so far; start with {} and the mistyped @name of @len bytes */
struct suggest {
	const char *name;
	size_t len;
	const char *best;
	size_t distance;
};

/** suggest_try() - consider @candidate, which @suggest refers to from then on */
void suggest_try(struct suggest *suggest, const char *candidate);

#endif /* TURNPIKE_CONFIG_SUGGEST_H */
