/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file coturn_apply.h
 * Applies the entries of a turnserver.conf to the options of `turnpike serve`.
 */
#ifndef TURNPIKE_CONFIG_COTURN_APPLY_H
#define TURNPIKE_CONFIG_COTURN_APPLY_H

#include "config/coturn_keys.h"
#include "config/options.h"

/** struct coturn_entry - a line that is neither empty nor a comment; @origin: "FILE:LINE: " */
struct coturn_entry {
	const struct coturn_key *key;
	char *origin;
	char *value;
};

/**
 * struct coturn_reading - the file being read
 *
 * The meaning of a line may depend on later ones. Therefore all lines are collected first.
 */
struct coturn_reading {
	const char *name;
	const struct cli_option *options;
	void *target;
	struct coturn_entry *entries;
	size_t n;
	struct coturn coturn;
	enum cli_status status;
};

/** coturn_find_option() - the option of that name, or NULL */
const struct cli_option *coturn_find_option(const struct coturn_reading *reading, const char *name);

/**
 * coturn_apply() - apply all entries, and the options that depend on several entries
 *
 * First logs every key that cannot be converted. The result is in @reading->status.
 */
void coturn_apply(struct coturn_reading *reading);

#endif /* TURNPIKE_CONFIG_COTURN_APPLY_H */
