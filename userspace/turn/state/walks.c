/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <utlist.h>

#include "turn/state/walks.h"

static struct turn_peer *first_from(const struct turn_permission *permission)
{
	while (permission && !permission->peers)
		permission = permission->next;
	return permission ? permission->peers : NULL;
}

/** The first peer of the relays from @index on. */
static struct turn_peer *first_of_relays(const struct turn_allocation *alloc, size_t index)
{
	struct turn_peer *peer = NULL;

	for (; index < TURN_RELAYS_MAX && !peer; index++) {
		if (alloc->relays[index])
			peer = first_from(alloc->relays[index]->permissions);
	}
	return peer;
}

struct turn_peer *turn_walks_first_peer(const struct turn_allocation *alloc)
{
	return first_of_relays(alloc, 0);
}

struct turn_peer *turn_walks_peer_after(const struct turn_peer *peer)
{
	const struct turn_relay *relay = peer->permission->relay;
	struct turn_peer *next = peer->next ? peer->next : first_from(peer->permission->next);

	if (!next && relay == relay->alloc->relays[0])
		next = first_of_relays(relay->alloc, 1);
	return next;
}

void turn_walks_leave_allocation(const struct turn_server *server,
				 const struct turn_allocation *alloc)
{
	struct turn_walk *walk;

	DL_FOREACH(server->walks, walk) {
		if (walk->at == alloc)
			walk->at = NULL;
		if (walk->after == alloc)
			walk->after = alloc->hh.next;
	}
}

void turn_walks_leave_peer(const struct turn_server *server, const struct turn_peer *peer)
{
	struct turn_walk *walk;

	DL_FOREACH(server->walks, walk) {
		if (walk->peer == peer)
			walk->peer = turn_walks_peer_after(peer);
	}
}

void turn_walks_end(struct turn_server *server)
{
	struct turn_walk *walk, *next;

	DL_FOREACH_SAFE(server->walks, walk, next) {
		DL_DELETE(server->walks, walk);
		*walk = (struct turn_walk){ 0 };
	}
}
