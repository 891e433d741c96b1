/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file serve_turn.h
 * What the options of `turnpike serve` mean for the TURN core.
 */
#ifndef TURNPIKE_SERVE_SERVE_TURN_H
#define TURNPIKE_SERVE_SERVE_TURN_H

#include "config/serve_config.h"
#include "process/workers.h"

/**
 * serve_turn_relays() - how many relayed transport addresses there can be
 *
 * As many as there are ports, allocations that are asked for and descriptors that may be open,
 * whichever is the least; the limit of the latter is raised as far as it goes.
 */
uint32_t serve_turn_relays(const struct serve_config *config);

/** serve_turn_policers() - elements for all limits, also once a reload raises --max-allocations */
uint32_t serve_turn_policers(const struct serve_config *config);

/** serve_turn_connections() - how many clients can be connected by TCP, TLS and DTLS together */
uint32_t serve_turn_connections(const struct serve_config *config);

/** serve_turn_say_limit() - warn if it is descriptors that @max_relays, of the above, comes from */
void serve_turn_say_limit(const struct serve_config *config, uint32_t max_relays);

/**
 * serve_turn_config() - fill @turn from the options
 * @max_relays: of serve_turn_relays()
 * @turn:       lends what it points to from @config; for serve_turn_config_free()
 *
 * Return: 0, or -ENOMEM after a sentence has been said.
 */
int serve_turn_config(const struct serve_config *config, uint32_t max_relays,
		      struct turn_config *turn);

/** serve_turn_config_free() - one that is all zero is fine */
void serve_turn_config_free(struct turn_config *turn);

/** serve_turn_rates() - how much may be relayed */
struct limits_rates serve_turn_rates(const struct serve_config *config);

/**
 * serve_turn_let_in() - let the users in, and those with names from the secrets, and nobody else
 *
 * At any time, in the thread that workers_each() is for; on error a sentence has been said, and all
 * is as before.
 */
int serve_turn_let_in(const struct serve_config *config, struct workers *workers);

#endif /* TURNPIKE_SERVE_SERVE_TURN_H */
