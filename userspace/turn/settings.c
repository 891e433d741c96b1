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
		.unauthenticated_rate = config->unauthenticated_rate,
	};
	server->nonces.lifetime = config->nonce_lifetime;
}

int turn_settings_apply(struct turn_server *server, const struct turn_config *config,
			bool *peers_changed)
{
	struct turn_policy *policy = NULL;
	char *software = NULL;

	if (config->software && !(software = strdup(config->software)))
		return -ENOMEM;
	if (turn_policy_new(config, &policy) ||
	    turn_alternates_set(server, config->alternates, config->n_alternates)) {
		turn_policy_free(policy);
		free(software);
		return -ENOMEM;
	}
	*peers_changed = !server->policy || !turn_policy_equal(server->policy, policy);
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
	turn_policy_free(server->policy);
}
