/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file serve_turn.h
 * Translates the options of `turnpike serve` for the TURN core.
 */
#ifndef TURNPIKE_SERVE_SERVE_TURN_H
#define TURNPIKE_SERVE_SERVE_TURN_H

#include "config/serve_config.h"
#include "host/host_addresses.h"
#include "process/workers.h"

/**
 * serve_turn_relays() - the largest number of relayed transport addresses at the moment
 *
 * That is the minimum of the ports, --max-allocations and the available descriptors. Raises
 * RLIMIT_NOFILE to its hard limit.
 */
uint32_t serve_turn_relays(const struct serve_config *config, const struct endpoints *endpoints);

/**
 * serve_turn_max_relays() - its upper bound as long as the server runs
 *
 * A reload may raise --max-allocations, and further addresses may come.
 */
uint32_t serve_turn_max_relays(const struct serve_config *config,
			       const struct endpoints *endpoints);

/** serve_turn_policers() - policers for so many relayed transport addresses */
uint32_t serve_turn_policers(uint32_t max_relays);

/** serve_turn_connections() - the largest number of TCP, TLS and DTLS connections */
uint32_t serve_turn_connections(const struct serve_config *config);

/**
 * serve_turn_warn_private() - warn if private peers are allowed though nobody has said so
 *
 * The relay has private addresses only. It may serve a private network, or the Internet through a
 * NAT: the operator knows.
 */
void serve_turn_warn_private(const struct serve_config *config, const struct endpoints *endpoints);

/** serve_turn_warn_limit() - warn if descriptors limit the relayed transport addresses */
void serve_turn_warn_limit(const struct serve_config *config, const struct endpoints *endpoints);

/**
 * serve_turn_config() - fill in @turn
 * @endpoints:  relay addresses
 * @host:       addresses that are not valid peers
 * @max_relays: from serve_turn_relays()
 * @turn:       borrows memory of @config and @endpoints; release it with serve_turn_config_free()
 *
 * Return: 0, or -ENOMEM after logging an error.
 */
int serve_turn_config(const struct serve_config *config, const struct endpoints *endpoints,
		      const struct host_addresses *host, uint32_t max_relays,
		      struct turn_config *turn);

/** serve_turn_config_free() - accepts a zeroed struct */
void serve_turn_config_free(struct turn_config *turn);

/** serve_turn_rates() - the configured rates */
struct limits_rates serve_turn_rates(const struct serve_config *config);

/** serve_turn_shares() - the configured shares of users */
struct share_percents serve_turn_shares(const struct serve_config *config);

/**
 * serve_turn_set_credentials() - replace the credentials of all workers
 *
 * May be called at any time in the thread of workers_each(). On error, logs it and changes nothing.
 */
int serve_turn_set_credentials(const struct serve_config *config, struct workers *workers);

#endif /* TURNPIKE_SERVE_SERVE_TURN_H */
