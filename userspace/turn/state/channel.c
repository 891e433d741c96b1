/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "turn/state/lookup.h"
#include "turn/state/state.h"

static struct turn_channel *channel_of(struct turn_timer *timer)
{
	return (struct turn_channel *)((char *)timer - offsetof(struct turn_channel, timer));
}

static void release(struct turn_server *server, struct turn_timer *timer, uint64_t now)
{
	struct turn_channel *channel = channel_of(timer);
	struct turn_peer *peer = channel->peer;
	struct turn_permission *permission = peer->permission;

	turn_channel_end(server, channel);
	turn_peer_drop_unused(server, peer);
	turn_permission_drop_unused(server, permission, now);
}

static void unbind(struct turn_server *server, struct turn_timer *timer, uint64_t now)
{
	struct turn_channel *channel = channel_of(timer);

	turn_flow_update(server, channel->peer, now);
	timer->fire = release;
	turn_timer_move(&server->timers, timer, channel->expiry_ns + TURN_CHANNEL_REBIND_NS);
}

static int link_channel(struct turn_server *server, struct turn_channel *channel)
{
	if (turn_timer_add(&server->timers, &channel->timer, TURN_NEVER, unbind))
		return -ENOMEM;
	if (turn_channel_insert(server, channel)) {
		turn_timer_del(&server->timers, &channel->timer);
		return -ENOMEM;
	}
	channel->peer->channel = channel;
	channel->peer->permission->relay->alloc->n_channels++;
	server->stats.channels++;
	return 0;
}

static int bind_to(struct turn_server *server, struct turn_peer *peer, uint16_t number,
		   struct turn_channel **channel)
{
	struct turn_channel *result = calloc(1, sizeof(*result));

	if (!result)
		return -ENOMEM;
	result->peer = peer;
	result->key = (struct turn_number_key){ .tuple = peer->permission->relay->alloc->tuple,
						.number = number };
	if (link_channel(server, result)) {
		free(result);
		return -ENOMEM;
	}
	*channel = result;
	return 0;
}

int turn_channel_new(struct turn_server *server, struct turn_permission *permission,
		     uint16_t number, const struct turnpike_addr *addr,
		     struct turn_channel **channel)
{
	struct turn_peer *peer;
	int err;

	if (permission->relay->alloc->n_channels >= server->limits.max_channels)
		return -ENOSPC;
	err = turn_peer_get(server, permission, addr, &peer);
	if (err)
		return err;
	err = bind_to(server, peer, number, channel);
	if (err)
		turn_peer_drop_unused(server, peer);
	return err;
}

void turn_channel_refresh(struct turn_server *server, struct turn_channel *channel, uint64_t now)
{
	channel->expiry_ns = now + TURN_CHANNEL_LIFETIME_NS;
	channel->timer.fire = unbind;
	turn_timer_move(&server->timers, &channel->timer, channel->expiry_ns);
	turn_pair_end(server, channel->peer);
}

void turn_channel_end(struct turn_server *server, struct turn_channel *channel)
{
	turn_timer_del(&server->timers, &channel->timer);
	HASH_DELETE(hh, server->channels, channel);
	channel->peer->channel = NULL;
	channel->peer->permission->relay->alloc->n_channels--;
	server->stats.channels--;
	free(channel);
}
