/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <utlist.h>

#include "turn/state/lookup.h"
#include "turn/state/state.h"

static struct turn_channel *channel_of(struct turn_timer *timer)
{
	return (struct turn_channel *)((char *)timer - offsetof(struct turn_channel, timer));
}

static void release(struct turn_server *server, struct turn_timer *timer, uint64_t now)
{
	struct turn_channel *channel = channel_of(timer);
	struct turn_permission *permission = channel->permission;

	turn_channel_end(server, channel);
	turn_permission_drop_unused(server, permission, now);
}

static void unbind(struct turn_server *server, struct turn_timer *timer, uint64_t now)
{
	struct turn_channel *channel = channel_of(timer);

	(void)now;
	turn_flow_remove(server, channel);
	timer->fire = release;
	turn_timer_move(&server->timers, timer, channel->expiry_ns + TURN_CHANNEL_REBIND_NS);
}

static int link_channel(struct turn_server *server, struct turn_channel *channel)
{
	struct turn_allocation *alloc = channel->permission->relay->alloc;

	if (turn_timer_add(&server->timers, &channel->timer, TURN_NEVER, unbind))
		return -ENOMEM;
	if (turn_channel_insert(server, channel)) {
		turn_timer_del(&server->timers, &channel->timer);
		return -ENOMEM;
	}
	DL_APPEND(channel->permission->channels, channel);
	alloc->n_channels++;
	server->stats.channels++;
	return 0;
}

int turn_channel_new(struct turn_server *server, struct turn_permission *permission,
		     uint16_t number, const struct turnpike_addr *peer,
		     struct turn_channel **channel)
{
	struct turn_relay *relay = permission->relay;
	struct turn_channel *result;

	if (relay->alloc->n_channels >= server->limits.max_channels)
		return -ENOSPC;
	result = calloc(1, sizeof(*result));
	if (!result)
		return -ENOMEM;
	result->permission = permission;
	result->by_peer = (struct turn_peer_key){ .relay = relay->addr, .peer = *peer };
	result->by_number =
		(struct turn_number_key){ .tuple = relay->alloc->tuple, .number = number };
	if (link_channel(server, result)) {
		free(result);
		return -ENOMEM;
	}
	*channel = result;
	return 0;
}

void turn_channel_refresh(struct turn_server *server, struct turn_channel *channel, uint64_t now)
{
	channel->expiry_ns = now + TURN_CHANNEL_LIFETIME_NS;
	channel->timer.fire = unbind;
	turn_timer_move(&server->timers, &channel->timer, channel->expiry_ns);
}

void turn_channel_end(struct turn_server *server, struct turn_channel *channel)
{
	turn_flow_remove(server, channel);
	turn_timer_del(&server->timers, &channel->timer);
	turn_channel_remove(server, channel);
	DL_DELETE(channel->permission->channels, channel);
	channel->permission->relay->alloc->n_channels--;
	server->stats.channels--;
	free(channel);
}
