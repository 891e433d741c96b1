/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>

#include "turn/state/shared.h"

static int make_pools(struct turn_shared *shared, const struct turn_config *config)
{
	shared->pools = calloc(config->n_relays, sizeof(*shared->pools));
	if (!shared->pools)
		return -ENOMEM;
	for (size_t i = 0; i < config->n_relays; i++) {
		shared->pools[i].address = config->relays[i];
		shared->pools[i].ports = turn_ports_new(config->port_lo, config->port_hi);
		if (!shared->pools[i].ports)
			return -ENOMEM;
		shared->n_pools++;
	}
	return 0;
}

int turn_shared_new(const struct turn_config *config, const uint8_t secret[static TURN_SECRET_LEN],
		    struct turn_shared **shared)
{
	struct turn_shared *result;

	if (!turn_config_is_valid(config))
		return -EINVAL;
	result = calloc(1, sizeof(*result));
	if (!result)
		return -ENOMEM;
	turn_accounts_init(&result->accounts);
	turn_reservations_init(&result->reservations, &result->relays);
	result->unauth_limit = turn_unauth_limit_new(secret);
	if (!result->unauth_limit || make_pools(result, config)) {
		turn_shared_free(result);
		return -ENOMEM;
	}
	*shared = result;
	return 0;
}

void turn_shared_free(struct turn_shared *shared)
{
	if (!shared)
		return;
	turn_reservations_destroy(&shared->reservations);
	turn_accounts_destroy(&shared->accounts);
	for (size_t i = 0; i < shared->n_pools; i++)
		turn_ports_free(shared->pools[i].ports);
	free(shared->pools);
	turn_unauth_limit_free(shared->unauth_limit);
	free(shared);
}

static bool is_same_ip(const struct turnpike_addr *a, const struct turnpike_addr *b)
{
	const struct turnpike_addr ip_a = addr_without_port(a), ip_b = addr_without_port(b);

	return addr_equal(&ip_a, &ip_b);
}

bool turn_shared_fits(const struct turn_shared *shared, const struct turn_config *config)
{
	if (shared->n_pools != config->n_relays)
		return false;
	for (size_t i = 0; i < shared->n_pools; i++) {
		const struct turn_pool *pool = &shared->pools[i];
		const struct turn_relay_address *relay = &config->relays[i];

		if (!is_same_ip(&pool->address.addr, &relay->addr) ||
		    !is_same_ip(&pool->address.external, &relay->external) ||
		    !turn_ports_are(pool->ports, config->port_lo, config->port_hi))
			return false;
	}
	return true;
}
