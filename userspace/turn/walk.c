/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <utlist.h>

#include "base/counters.h"
#include "turn/state/account.h"
#include "turn/state/self_addr.h"
#include "turn/state/state.h"
#include "turn/state/walks.h"
#include "turn/walk.h"

static void add_relay(struct turn_allocation_info *info, const struct turn_relay *relay)
{
	info->relays[info->n_relays++] = (struct turn_relay_info){
		.addr = relay->addr,
		.external = relay->external,
		.begin_ns = relay->begin_ns,
		.expiry_ns = relay->timer.when,
	};
	counters_add(info->traffic, relay->traffic, sizeof(info->traffic));
	counters_add(info->in_kernel, relay->in_kernel, sizeof(info->in_kernel));
}

static struct turn_allocation_info info_of(const struct turn_allocation *alloc)
{
	struct turn_allocation_info info = {
		.id = alloc->id,
		.tuple = alloc->tuple,
		.username = alloc->user->name,
		.account = turn_account_name(alloc->user->account),
		.permissions = alloc->n_permissions,
		.channels = alloc->n_channels,
		.pairs = alloc->n_pairs,
	};

	for (size_t i = 0; i < TURN_RELAYS_MAX; i++) {
		if (alloc->relays[i])
			add_relay(&info, alloc->relays[i]);
	}
	return info;
}

void turn_server_for_each_allocation(const struct turn_server *server,
				     void (*visit)(void *arg,
						   const struct turn_allocation_info *info),
				     void *arg)
{
	struct turn_allocation *alloc, *next;

	HASH_ITER(hh, server->allocations, alloc, next) {
		struct turn_allocation_info info = info_of(alloc);

		visit(arg, &info);
	}
}

/** struct chooser - the caller of turn_server_end_allocations() */
struct chooser {
	bool (*ends)(void *arg, const struct turn_allocation_info *info);
	void *arg;
};

static bool is_chosen(struct turn_server *server, const struct turn_allocation *alloc, void *arg)
{
	const struct turn_allocation_info info = info_of(alloc);
	const struct chooser *chooser = arg;

	(void)server;
	return chooser->ends(chooser->arg, &info);
}

size_t turn_server_end_allocations(struct turn_server *server,
				   bool (*ends)(void *arg, const struct turn_allocation_info *info),
				   void *arg, const char *why, uint64_t now)
{
	struct chooser chooser = { ends, arg };

	return turn_allocations_end(server, is_chosen, &chooser, why, now);
}

void turn_walk_begin(struct turn_walk *walk, struct turn_server *server)
{
	*walk = (struct turn_walk){
		.server = server,
		.after = server->allocations,
		.end_id = server->shared->last_id + 1,
	};
	DL_APPEND(server->walks, walk);
}

void turn_walk_end(struct turn_walk *walk)
{
	if (!walk->server)
		return;
	DL_DELETE(walk->server->walks, walk);
	walk->server = NULL;
}

bool turn_walk_is_open(const struct turn_walk *walk)
{
	return walk->server;
}

bool turn_walk_next(struct turn_walk *walk, struct turn_allocation_info *info)
{
	struct turn_allocation *alloc = walk->after;

	if (!alloc || alloc->id >= walk->end_id)
		return false;
	walk->at = alloc;
	walk->after = alloc->hh.next;
	walk->peer = turn_walks_first_peer(alloc);
	*info = info_of(alloc);
	return true;
}

static struct turn_peer_info peer_info(const struct turn_server *server,
				       const struct turn_peer *peer)
{
	struct turn_peer_info info = {
		.peer = turn_self_to_external(server, &peer->key.peer),
		.expiry_ns = peer->permission->expiry_ns,
		.has_flow = peer->installed,
		.flow = { .tuple = peer->permission->relay->alloc->tuple,
			  .relay = peer->key.relay,
			  .peer = peer->key.peer },
	};

	if (!peer->is_pair && peer->channel) {
		info.channel = peer->channel->key.number;
		info.expiry_ns = peer->channel->expiry_ns;
	}
	if (peer->installed)
		info.flow = peer->flow;
	info.flow.limits = NULL;
	info.flow.account = NULL;
	return info;
}

bool turn_walk_peer(struct turn_walk *walk, struct turn_peer_info *info)
{
	const struct turn_peer *peer = walk->peer;

	if (!peer)
		return false;
	walk->peer = turn_walks_peer_after(peer);
	*info = peer_info(walk->server, peer);
	return true;
}

bool turn_walk_is_at_allocation(const struct turn_walk *walk)
{
	return walk->at;
}

size_t turn_walk_end_peers(struct turn_walk *walk, size_t max)
{
	struct turn_peer *peer = turn_walks_first_peer(walk->at);
	size_t n = 0;

	for (; peer && n < max; n++) {
		turn_peer_end(walk->server, peer);
		peer = turn_walks_first_peer(walk->at);
	}
	return n;
}

void turn_walk_end_allocation(struct turn_walk *walk, const char *why, uint64_t now)
{
	turn_allocation_end(walk->server, walk->at, why, now);
}
