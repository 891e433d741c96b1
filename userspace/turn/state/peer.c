/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#include "turn/state/lookup.h"
#include "turn/state/state.h"
#include "turn/state/walks.h"

int turn_peer_get(struct turn_server *server, struct turn_permission *permission,
		  const struct turnpike_addr *addr, struct turn_peer **peer)
{
	struct turn_peer *result = turn_peer_find(server, permission->relay, addr);

	if (result) {
		*peer = result;
		return 0;
	}
	result = calloc(1, sizeof(*result));
	if (!result)
		return -ENOMEM;
	result->key = (struct turn_peer_key){ .relay = permission->relay->addr, .peer = *addr };
	result->permission = permission;
	if (turn_peer_insert(server, result)) {
		free(result);
		return -ENOMEM;
	}
	DL_APPEND(permission->peers, result);
	*peer = result;
	return 0;
}

void turn_peer_drop_unused(struct turn_server *server, struct turn_peer *peer)
{
	if (!peer->channel && !peer->is_pair)
		turn_peer_end(server, peer);
}

static void set_pair(struct turn_server *server, struct turn_peer *peer)
{
	peer->is_pair = true;
	peer->permission->relay->alloc->n_pairs++;
	server->stats.pairs++;
}

static void clear_pair(struct turn_server *server, struct turn_peer *peer)
{
	peer->is_pair = false;
	peer->permission->relay->alloc->n_pairs--;
	server->stats.pairs--;
}

void turn_peer_end(struct turn_server *server, struct turn_peer *peer)
{
	turn_walks_leave_peer(server, peer);
	turn_flow_remove(server, peer);
	if (peer->channel)
		turn_channel_end(server, peer->channel);
	if (peer->is_pair)
		clear_pair(server, peer);
	HASH_DELETE(hh, server->peers, peer);
	DL_DELETE(peer->permission->peers, peer);
	free(peer);
}

/**
 * As many as channels, but counted apart, so that pairs keep no channel from being bound. A
 * permission lets in all ports of an IP address, and all hosts behind it. So what comes from peers
 * takes half of the room at most: the rest is for peers that the client itself sends to.
 */
static uint32_t max_pairs(const struct turn_server *server, enum turn_direction direction)
{
	const uint32_t max = server->limits.max_channels;

	return direction == TURN_TO_PEER ? max : (max + 1) / 2;
}

void turn_pair_begin(struct turn_server *server, struct turn_permission *permission,
		     const struct turnpike_addr *addr, enum turn_direction direction, uint64_t now)
{
	struct turn_peer *peer;

	if (permission->relay->alloc->n_pairs >= max_pairs(server, direction)) {
		server->stats.over_pairs++;
		return;
	}
	if (turn_peer_get(server, permission, addr, &peer))
		return;
	set_pair(server, peer);
	turn_flow_update(server, peer, now);
}

void turn_pair_end(struct turn_server *server, struct turn_peer *peer)
{
	if (!peer->is_pair)
		return;
	clear_pair(server, peer);
	turn_flow_remove(server, peer);
	turn_peer_drop_unused(server, peer);
}
