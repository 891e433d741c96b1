/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>

#include "turn/state/pools.h"

static struct turn_pool *pool_new(const struct turn_relay_address *address, uint16_t lo,
				  uint16_t hi)
{
	struct turn_pool *pool = calloc(1, sizeof(*pool));

	if (!pool)
		return NULL;
	pool->address = *address;
	pool->ports = turn_ports_new(lo, hi);
	atomic_init(&pool->references, 1);
	if (pool->ports)
		return pool;
	free(pool);
	return NULL;
}

struct turn_pool *turn_pool_get(struct turn_pool *pool)
{
	atomic_fetch_add(&pool->references, 1);
	return pool;
}

void turn_pool_put(struct turn_pool *pool)
{
	if (atomic_fetch_sub(&pool->references, 1) > 1)
		return;
	turn_ports_free(pool->ports);
	free(pool);
}

static struct turn_pool *find(const struct turn_pools *pools,
			      const struct turn_relay_address *address)
{
	for (size_t i = 0; pools && i < pools->n; i++) {
		struct turn_pool *pool = pools->list[i];

		if (addr_same_ip(&pool->address.addr, &address->addr) &&
		    addr_same_ip(&pool->address.external, &address->external))
			return pool;
	}
	return NULL;
}

/* The table that has it is one reference. */
static bool is_in_use(const struct turn_pool *pool)
{
	return atomic_load(&pool->references) > 1;
}

static int add_offered(struct turn_pools *pools, const struct turn_config *config,
		       const struct turn_pools *before)
{
	for (size_t i = 0; i < config->n_relays; i++) {
		const struct turn_relay_address *address = &config->relays[i];
		struct turn_pool *pool = find(before, address);

		pool = pool ? turn_pool_get(pool)
			    : pool_new(address, config->port_lo, config->port_hi);
		if (!pool)
			return -ENOMEM;
		pools->list[pools->n++] = pool;
	}
	pools->n_offered = pools->n;
	return 0;
}

static void add_gone(struct turn_pools *pools, const struct turn_pools *before)
{
	for (size_t i = 0; before && i < before->n; i++) {
		struct turn_pool *pool = before->list[i];

		if (is_in_use(pool) && !find(pools, &pool->address))
			pools->list[pools->n++] = turn_pool_get(pool);
	}
}

int turn_pools_new(const struct turn_config *config, const struct turn_pools *before,
		   struct turn_pools **pools)
{
	const size_t max = config->n_relays + (before ? before->n : 0);
	struct turn_pools *result = calloc(1, sizeof(*result) + max * sizeof(result->list[0]));

	if (!result)
		return -ENOMEM;
	atomic_init(&result->references, 1);
	if (add_offered(result, config, before)) {
		turn_pools_put(result);
		return -ENOMEM;
	}
	add_gone(result, before);
	*pools = result;
	return 0;
}

struct turn_pools *turn_pools_get(struct turn_pools *pools)
{
	atomic_fetch_add(&pools->references, 1);
	return pools;
}

void turn_pools_put(struct turn_pools *pools)
{
	if (!pools || atomic_fetch_sub(&pools->references, 1) > 1)
		return;
	for (size_t i = 0; i < pools->n; i++)
		turn_pool_put(pools->list[i]);
	free(pools);
}
