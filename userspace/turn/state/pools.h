/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file pools.h
 * The relay addresses with their ports. Any thread.
 *
 * Addresses come and go, so the servers of a relay read a table that never changes, and replace it
 * by the next one between two messages. A pool lives as long as a table, a relay, a reservation or
 * a rest refers to it.
 */
#ifndef TURNPIKE_TURN_STATE_POOLS_H
#define TURNPIKE_TURN_STATE_POOLS_H

#include <stdatomic.h>

#include "turn/config.h"
#include "turn/state/port_pool.h"

/** struct turn_pool - a relay address and its ports */
struct turn_pool {
	struct turn_relay_address address;
	struct turn_ports *ports;
	atomic_uint references;
};

/**
 * struct turn_pools - a table of pools
 * @n_offered: number of pools that new allocations may use; they come first
 * @n:         number of all pools. The others have lost their address while relays use them or
 *             ports rest; if it returns, so do they
 */
struct turn_pools {
	atomic_uint references;
	size_t n_offered;
	size_t n;
	struct turn_pool *list[];
};

/**
 * turn_pools_new() - create the table of @config's relay addresses
 * @before: pools of the same address and port range are taken from it; may be NULL
 *
 * Return: 0 or -ENOMEM.
 */
int turn_pools_new(const struct turn_config *config, const struct turn_pools *before,
		   struct turn_pools **pools);

/** turn_pools_get() - take a reference */
struct turn_pools *turn_pools_get(struct turn_pools *pools);

/** turn_pools_put() - drop a reference; NULL is allowed */
void turn_pools_put(struct turn_pools *pools);

/** turn_pool_get() - take a reference */
struct turn_pool *turn_pool_get(struct turn_pool *pool);

/** turn_pool_put() - drop a reference */
void turn_pool_put(struct turn_pool *pool);

#endif /* TURNPIKE_TURN_STATE_POOLS_H */
