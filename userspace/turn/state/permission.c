/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <utlist.h>

#include "turn/state/lookup.h"
#include "turn/state/self_addr.h"
#include "turn/state/state.h"

static void expire(struct turn_server *server, struct turn_timer *timer, uint64_t now)
{
	struct turn_permission *permission =
		(struct turn_permission *)((char *)timer - offsetof(struct turn_permission, timer));

	struct turn_peer *peer, *next;

	DL_FOREACH_SAFE(permission->peers, peer, next)
		turn_pair_end(server, peer);
	/* If it still has channels, the last of them ends it. */
	turn_timer_move(&server->timers, timer, TURN_NEVER);
	turn_permission_drop_unused(server, permission, now);
}

static int link_permission(struct turn_server *server, struct turn_permission *permission)
{
	if (turn_timer_add(&server->timers, &permission->timer, TURN_NEVER, expire))
		return -ENOMEM;
	if (turn_permission_insert(server, permission)) {
		turn_timer_del(&server->timers, &permission->timer);
		return -ENOMEM;
	}
	DL_APPEND(permission->relay->permissions, permission);
	permission->relay->alloc->n_permissions++;
	server->stats.permissions++;
	return 0;
}

int turn_permission_get(struct turn_server *server, struct turn_relay *relay,
			const struct turnpike_addr *peer, struct turn_permission **permission)
{
	struct turn_permission *result = turn_permission_find(server, relay, peer);

	if (result) {
		*permission = result;
		return 0;
	}
	if (relay->alloc->n_permissions >= server->limits.max_permissions)
		return -ENOSPC;
	result = calloc(1, sizeof(*result));
	if (!result)
		return -ENOMEM;
	result->relay = relay;
	result->key = (struct turn_peer_key){ relay->addr, addr_without_port(peer) };
	result->is_self = turn_self_is_relay_ip(server, peer);
	if (link_permission(server, result)) {
		free(result);
		return -ENOMEM;
	}
	*permission = result;
	return 0;
}

void turn_permission_refresh(struct turn_server *server, struct turn_permission *permission,
			     uint64_t now)
{
	struct turn_peer *peer;

	permission->expiry_ns = now + TURN_PERMISSION_LIFETIME_NS;
	turn_timer_move(&server->timers, &permission->timer, permission->expiry_ns);
	DL_FOREACH(permission->peers, peer)
		turn_flow_update(server, peer, now);
}

void turn_permission_drop_unused(struct turn_server *server, struct turn_permission *permission,
				 uint64_t now)
{
	if (permission->expiry_ns <= now && !permission->peers)
		turn_permission_end(server, permission);
}

void turn_permission_end(struct turn_server *server, struct turn_permission *permission)
{
	struct turn_peer *peer, *next;

	DL_FOREACH_SAFE(permission->peers, peer, next)
		turn_peer_end(server, peer);
	turn_timer_del(&server->timers, &permission->timer);
	HASH_DELETE(hh, server->permissions, permission);
	DL_DELETE(permission->relay->permissions, permission);
	permission->relay->alloc->n_permissions--;
	server->stats.permissions--;
	free(permission);
}
