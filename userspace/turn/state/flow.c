/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "turn/state/account.h"
#include "turn/state/state.h"

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static struct turn_flow flow_of(const struct turn_channel *channel)
{
	const struct turn_permission *permission = channel->permission;
	const struct turn_relay *relay = permission->relay;

	return (struct turn_flow){
		.tuple = relay->alloc->tuple,
		.relay = relay->addr,
		.peer = channel->by_peer.peer,
		.channel = channel->by_number.number,
		.channel_expiry_ns = earlier(channel->expiry_ns, relay->timer.when),
		.permission_expiry_ns = earlier(permission->expiry_ns, relay->timer.when),
		.limits = relay->alloc->limits,
		.account = turn_account_name(relay->alloc->user->account),
	};
}

static bool is_up_to_date(const struct turn_channel *channel, const struct turn_flow *flow)
{
	return channel->installed && channel->flow.channel_expiry_ns == flow->channel_expiry_ns &&
	       channel->flow.permission_expiry_ns == flow->permission_expiry_ns;
}

void turn_flow_remove(struct turn_server *server, struct turn_channel *channel)
{
	if (!channel->installed)
		return;
	server->ops.remove_flow(server->ctx, &channel->flow);
	server->stats.flows--;
	channel->installed = false;
}

void turn_flow_install(struct turn_server *server, struct turn_channel *channel, uint64_t now)
{
	struct turn_flow flow = flow_of(channel);

	/* The kernel relays between UDP and UDP only. */
	if (flow.tuple.transport != TURN_UDP || flow.channel_expiry_ns <= now ||
	    is_up_to_date(channel, &flow))
		return;
	if (server->ops.install_flow(server->ctx, &flow)) {
		server->stats.install_failures++;
		/* The old flow would expire too early: relay in user space instead. */
		turn_flow_remove(server, channel);
		return;
	}
	if (!channel->installed)
		server->stats.flows++;
	channel->installed = true;
	channel->flow = flow;
}
