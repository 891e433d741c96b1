/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>

#include "turn/state/shared.h"

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
	turn_rests_init(&result->rests);
	result->unauth_limit = turn_unauth_limit_new(secret);
	pthread_mutex_init(&result->lock, NULL);
	result->port_lo = config->port_lo;
	result->port_hi = config->port_hi;
	if (!result->unauth_limit || turn_pools_new(config, NULL, &result->pools)) {
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
	turn_rests_destroy(&shared->rests);
	turn_accounts_destroy(&shared->accounts);
	turn_pools_put(shared->pools);
	pthread_mutex_destroy(&shared->lock);
	turn_unauth_limit_free(shared->unauth_limit);
	free(shared);
}

int turn_shared_reconfigure(struct turn_shared *shared, const struct turn_config *config)
{
	struct turn_pools *pools, *before = shared->pools;
	int err;

	if (!turn_config_is_valid(config) || config->port_lo != shared->port_lo ||
	    config->port_hi != shared->port_hi)
		return -EINVAL;
	err = turn_pools_new(config, before, &pools);
	if (err)
		return err;
	pthread_mutex_lock(&shared->lock);
	shared->pools = pools;
	pthread_mutex_unlock(&shared->lock);
	turn_pools_put(before);
	return 0;
}

struct turn_pools *turn_shared_pools(struct turn_shared *shared)
{
	struct turn_pools *pools;

	pthread_mutex_lock(&shared->lock);
	pools = turn_pools_get(shared->pools);
	pthread_mutex_unlock(&shared->lock);
	return pools;
}
