/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Changes of a server that goes on. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stun/opaque_string.h"
#include "turn/state/self_addr.h"
#include "turn/methods/request.h"
#include "turn/state/state.h"

static int check_realm(const struct turn_server *server, const char *realm)
{
	char *prepared;
	int err = stun_opaque_string(realm, &prepared);

	if (err)
		return err;
	if (strcmp(prepared, server->realm) != 0)
		err = -EINVAL;
	free(prepared);
	return err;
}

/** What a server cannot change: it has handed out ports and told clients its realm. */
static int check_fit(const struct turn_server *server, const struct turn_config *config)
{
	const struct turn_shared *own = server->private_shared;

	if (!turn_config_is_valid(config) || config->shared != (own ? NULL : server->shared) ||
	    !turn_shared_fits(server->shared, config))
		return -EINVAL;
	return check_realm(server, config->realm);
}

/** Asks the new policy what the old one has allowed. */
static void judge_peers(struct turn_server *server)
{
	struct turn_permission *permission, *next;

	HASH_ITER(hh, server->permissions, permission, next) {
		const struct turnpike_addr *bound = &permission->key.peer;
		struct turnpike_addr known = turn_self_to_external(server, bound);

		if (turn_policy_allows(server->policy, &known))
			permission->ours = turn_self_is_relay_ip(server, bound);
		else
			turn_permission_end(server, permission);
	}
}

int turn_server_reconfigure(struct turn_server *server, const struct turn_config *config,
			    uint64_t now)
{
	struct turn_policy *policy = NULL;
	char *software = NULL;
	int err = check_fit(server, config);

	if (err)
		return err;
	if (config->software && !(software = strdup(config->software)))
		return -ENOMEM;
	if (turn_policy_new(config, &policy) ||
	    turn_alternates_set(server, config->alternates, config->n_alternates)) {
		turn_policy_free(policy);
		free(software);
		return -ENOMEM;
	}
	turn_server_expire(server, now);
	free(server->software);
	turn_policy_free(server->policy);
	server->software = software;
	server->policy = policy;
	turn_limits_set(server, config);
	judge_peers(server);
	return 0;
}

void turn_server_drain(struct turn_server *server)
{
	server->is_draining = true;
}
