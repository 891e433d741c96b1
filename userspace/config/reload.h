/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file reload.h
 * What has become different since a configuration was read, and what of it can be done to a relay
 * that is serving.
 */
#ifndef TURNPIKE_CONFIG_RELOAD_H
#define TURNPIKE_CONFIG_RELOAD_H

#include <stddef.h>

#include "config/serve_config.h"

/** enum reload_part - what there is to do so that it takes effect, as bits */
enum reload_part {
	/** New turn_credentials, of users and secrets. */
	RELOAD_CREDENTIALS = 1 << 0,
	/** turn_server_reconfigure(): peers, quotas, lifetimes, alternates, the rate of strangers.
	 */
	RELOAD_SERVER = 1 << 1,
	/** What allocations, users and all may relay. */
	RELOAD_RATES = 1 << 2,
	/** Level and form of the log. */
	RELOAD_LOG = 1 << 3,
	/** The time to drain, which is looked at when it begins. */
	RELOAD_DRAIN = 1 << 4,
};

/** Options that need a restart, at most: there are no more in the table. */
#define RELOAD_RESTARTS_MAX 48

/**
 * struct reload - how two configurations differ
 * @parts:      bits of enum reload_part
 * @restarts:   options, without dashes, whose new values take effect with a restart only
 * @n_restarts: how many there are
 */
struct reload {
	unsigned int parts;
	const char *restarts[RELOAD_RESTARTS_MAX];
	size_t n_restarts;
};

/** reload_compare() - what is different in @after; both have been checked */
void reload_compare(const struct serve_config *before, const struct serve_config *after,
		    struct reload *reload);

/** reload_warn() - say a warning for each option that needs a restart */
void reload_warn(const struct reload *reload);

/**
 * reload_view() - what reload_adopt() would make of @before
 *
 * Return: a configuration whose memory is that of the two; not to be freed.
 */
struct serve_config reload_view(const struct serve_config *before,
				const struct serve_config *after);

/**
 * reload_adopt() - let a configuration be what another one says, as far as that can be done live
 * @before: has afterwards what needs no restart from @after, so that the next comparison still
 *          finds what does
 * @after:  freed
 *
 * For whoever has done what reload_compare() said.
 */
void reload_adopt(struct serve_config *before, struct serve_config *after);

#endif /* TURNPIKE_CONFIG_RELOAD_H */
