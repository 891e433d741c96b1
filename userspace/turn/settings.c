/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "turn/methods/alternate.h"
#include "turn/settings.h"

static void set_limits(struct turn_server *server, const struct turn_config *config)
{
	server->limits = (struct turn_limits){
		.default_lifetime = config->default_lifetime,
		.max_lifetime = config->max_lifetime,
		.max_relays = config->max_relays,
		.max_permissions = config->max_permissions,
		.max_channels = config->max_channels,
		.user_quota = config->user_quota,
		.user_allocations = config->user_allocations,
		.unauthenticated_rate = config->unauthenticated_rate,
		.guess_rate = config->guess_rate,
	};
	server->nonces.lifetime = config->nonce_lifetime;
	server->record_interval = config->record_interval;
}

static int copy_homes(const struct turn_config *config, struct turn_home **homes)
{
	const size_t size = config->n_homes * sizeof(**homes);

	if (size == 0)
		return 0;
	*homes = malloc(size);
	if (!*homes)
		return -ENOMEM;
	memcpy(*homes, config->homes, size);
	return 0;
}

int turn_settings_apply(struct turn_server *server, const struct turn_config *config,
			bool *peers_changed)
{
	struct turn_policy *policy = NULL;
	struct turn_home *homes = NULL;
	char *software = NULL;

	if (config->software && !(software = strdup(config->software)))
		return -ENOMEM;
	if (copy_homes(config, &homes) || turn_policy_new(config, &policy) ||
	    turn_alternates_set(server, config->alternates, config->n_alternates)) {
		turn_policy_free(policy);
		free(homes);
		free(software);
		return -ENOMEM;
	}
	if (server->policy)
		turn_policy_follow(policy, server->policy);
	*peers_changed = !server->policy || !turn_policy_equal(server->policy, policy);
	free(server->homes);
	server->homes = homes;
	server->n_homes = config->n_homes;
	turn_pools_put(server->pools);
	server->pools = turn_shared_pools(server->shared);
	free(server->software);
	turn_policy_free(server->policy);
	server->software = software;
	server->policy = policy;
	set_limits(server, config);
	return 0;
}

void turn_settings_free(struct turn_server *server)
{
	free(server->software);
	free(server->alternates);
	free(server->homes);
	turn_pools_put(server->pools);
	turn_policy_free(server->policy);
}
