/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "stun/opaque_string.h"
#include "turn/settings.h"
#include "turn/state/self_addr.h"
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

/** Checks what cannot change: ports are in use, and clients know the realm. */
static int check_fixed(const struct turn_server *server, const struct turn_config *config)
{
	const struct turn_shared *shared = server->private_shared ? NULL : server->shared;

	if (!turn_config_is_valid(config) || config->shared != shared ||
	    config->port_lo != server->shared->port_lo ||
	    config->port_hi != server->shared->port_hi)
		return -EINVAL;
	return check_realm(server, config->realm);
}

/** Ends the permissions of peers that the new policy does not allow. */
static void recheck_peers(struct turn_server *server)
{
	struct turn_permission *permission, *next;

	HASH_ITER(hh, server->permissions, permission, next) {
		const struct turnpike_addr *bound = &permission->key.peer;
		struct turnpike_addr external = turn_self_to_external(server, bound);

		if (turn_policy_allows(server->policy, &external))
			permission->is_self = turn_self_is_relay_ip(server, bound);
		else
			turn_permission_end(server, permission);
	}
}

int turn_server_reconfigure(struct turn_server *server, const struct turn_config *config,
			    uint64_t now)
{
	int err = check_fixed(server, config);
	bool peers_changed;

	if (!err && server->private_shared)
		err = turn_shared_reconfigure(server->private_shared, config);
	if (!err)
		err = turn_settings_apply(server, config, &peers_changed);
	if (err)
		return err;
	turn_server_expire(server, now);
	if (peers_changed)
		recheck_peers(server);
	return 0;
}
