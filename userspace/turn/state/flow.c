/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/counters.h"
#include "turn/state/account.h"
#include "turn/state/self_addr.h"
#include "turn/state/state.h"

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/** The kernel relays between UDP and UDP only. */
static bool has_flow(const struct turn_peer *peer, uint64_t now)
{
	return peer->permission->relay->alloc->tuple.transport == TURN_UDP &&
	       (peer->is_pair || turn_channel_is_live(peer->channel, now));
}

static void set_channel(struct turn_flow *flow, const struct turn_channel *channel,
			uint64_t relay_expiry_ns)
{
	flow->channel = channel->key.number;
	flow->channel_expiry_ns = earlier(channel->expiry_ns, relay_expiry_ns);
}

static void set_pair(struct turn_flow *flow, const struct turn_server *server)
{
	flow->xor_peer = turn_self_to_external(server, &flow->peer);
	flow->channel_expiry_ns = flow->permission_expiry_ns;
}

static struct turn_flow flow_of(const struct turn_server *server, const struct turn_peer *peer,
				uint64_t now)
{
	const struct turn_relay *relay = peer->permission->relay;
	struct turn_flow flow = {
		.tuple = relay->alloc->tuple,
		.relay = relay->addr,
		.peer = peer->key.peer,
		.permission_expiry_ns = earlier(peer->permission->expiry_ns, relay->timer.when),
		.limits = relay->alloc->limits,
		.account = turn_account_name(relay->alloc->user->account),
	};

	if (turn_channel_is_live(peer->channel, now))
		set_channel(&flow, peer->channel, relay->timer.when);
	else
		set_pair(&flow, server);
	return flow;
}

static bool is_same(const struct turn_flow *a, const struct turn_flow *b)
{
	return a->channel == b->channel && addr_equal(&a->xor_peer, &b->xor_peer);
}

static bool is_up_to_date(const struct turn_peer *peer, const struct turn_flow *flow)
{
	return peer->installed && is_same(&peer->flow, flow) &&
	       peer->flow.channel_expiry_ns == flow->channel_expiry_ns &&
	       peer->flow.permission_expiry_ns == flow->permission_expiry_ns;
}

/** Adds what the kernel has relayed of the flow of @peer to its relay, before that is forgotten. */
static void keep_traffic(struct turn_server *server, const struct turn_peer *peer)
{
	struct turn_relay *relay = peer->permission->relay;
	struct turn_traffic traffic[TURN_DIRECTIONS] = { 0 };

	server->ops.flow_traffic(server->ctx, &peer->flow, traffic);
	counters_add(relay->in_kernel, traffic, sizeof(traffic));
}

void turn_flow_remove(struct turn_server *server, struct turn_peer *peer)
{
	if (!peer->installed)
		return;
	keep_traffic(server, peer);
	server->ops.remove_flow(server->ctx, &peer->flow);
	server->stats.flows--;
	peer->installed = false;
}

static void install(struct turn_server *server, struct turn_peer *peer,
		    const struct turn_flow *flow)
{
	if (peer->installed && !is_same(&peer->flow, flow))
		turn_flow_remove(server, peer);
	if (server->ops.install_flow(server->ctx, flow)) {
		server->stats.install_failures++;
		/* The old flow would expire too early: relay in user space instead. */
		turn_flow_remove(server, peer);
		return;
	}
	if (!peer->installed)
		server->stats.flows++;
	peer->installed = true;
	peer->flow = *flow;
}

void turn_flow_update(struct turn_server *server, struct turn_peer *peer, uint64_t now)
{
	struct turn_flow flow;

	if (!has_flow(peer, now)) {
		turn_flow_remove(server, peer);
		return;
	}
	flow = flow_of(server, peer, now);
	if (!is_up_to_date(peer, &flow))
		install(server, peer, &flow);
}
