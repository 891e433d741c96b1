/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file reload.h
 * Compares two configurations, and determines which differences a running server can adopt.
 */
#ifndef TURNPIKE_CONFIG_RELOAD_H
#define TURNPIKE_CONFIG_RELOAD_H

#include <stddef.h>

#include "config/serve_config.h"

/** enum reload_part - bits: which part of the server adopts a change */
enum reload_part {
	/** Users and secrets: new turn_credentials. */
	RELOAD_CREDENTIALS = 1 << 0,
	/** Peers, quotas, lifetimes, alternate servers: turn_server_reconfigure(). */
	RELOAD_SERVER = 1 << 1,
	/** Rates of allocations, of users and in total. */
	RELOAD_RATES = 1 << 2,
	/** Level and format of the log, and interim records in it. */
	RELOAD_LOG = 1 << 3,
	/** The drain time, which is read when draining starts. */
	RELOAD_DRAIN = 1 << 4,
	/** Denied clients: the listeners of all workers. */
	RELOAD_CLIENTS = 1 << 5,
};

/** Upper bound on options that require a restart. */
#define RELOAD_RESTARTS_MAX 48

/**
 * struct reload - the differences between two configurations
 * @parts:      bits of enum reload_part
 * @restarts:   options, without dashes, whose new values require a restart
 * @n_restarts: number of entries in @restarts
 */
struct reload {
	unsigned int parts;
	const char *restarts[RELOAD_RESTARTS_MAX];
	size_t n_restarts;
};

/** reload_compare() - compare two checked configurations */
void reload_compare(const struct serve_config *before, const struct serve_config *after,
		    struct reload *reload);

/** reload_warn() - log a warning for each option that requires a restart */
void reload_warn(const struct reload *reload);

/**
 * reload_view() - the configuration that reload_adopt() would produce
 *
 * Return: a configuration that borrows the memory of both; do not free it.
 */
struct serve_config reload_view(const struct serve_config *before,
				const struct serve_config *after);

/**
 * reload_adopt() - move the options that need no restart from @after to @before
 * @before: keeps its values of all other options, so that the next comparison reports them again
 * @after:  freed
 *
 * To be called after the changes that reload_compare() reported have been carried out.
 */
void reload_adopt(struct serve_config *before, struct serve_config *after);

#endif /* TURNPIKE_CONFIG_RELOAD_H */
