/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "turn/state.h"
#include "turn/table.h"

/** How many ports are tried when other programs have taken some. */
#define PORT_ATTEMPTS 16

/**
 * How long a port is not given to another allocation, so that late data of the old peers and the
 * old client does not reach the new one. RFC 8656 names no time; this is what its section 7.4 asks
 * a client to leave its own address alone for.
 */
#define PORT_QUARANTINE_NS (120 * TURN_NS_PER_S)

static void expire(struct turn_server *server, struct turn_timer *timer, uint64_t now)
{
	struct turn_allocation *alloc =
		(struct turn_allocation *)((char *)timer - offsetof(struct turn_allocation, timer));

	turn_allocation_end(server, alloc, now);
}

static struct turnpike_addr with_port(struct turnpike_addr addr, uint16_t port)
{
	addr.port = htons(port);
	return addr;
}

static int open_in_pool(struct turn_server *server, struct turn_pool *pool, bool even, uint64_t now,
			struct turn_allocation *alloc)
{
	bool mapped = pool->address.external.family != 0;
	uint32_t start;
	uint16_t port;
	int err = -EADDRINUSE;

	for (int i = 0; i < PORT_ATTEMPTS && err == -EADDRINUSE; i++) {
		server->ops.random(server->ctx, &start, sizeof(start));
		if (turn_ports_take(pool->ports, start, even, now, &port))
			return -ENOSPC;
		alloc->relay = with_port(pool->address.addr, port);
		err = server->ops.open_relay(server->ctx, &alloc->relay, alloc, &alloc->handle);
		if (err)
			turn_ports_give(pool->ports, port, now + PORT_QUARANTINE_NS);
	}
	if (err)
		return err;
	alloc->pool = pool;
	alloc->external = mapped ? with_port(pool->address.external, port) : alloc->relay;
	return 0;
}

static int open_relay(struct turn_server *server, const struct turn_wish *wish, uint64_t now,
		      struct turn_allocation *alloc)
{
	int err = -ENOSPC;

	for (size_t i = 0; i < server->n_pools && err; i++) {
		struct turn_pool *pool = &server->pools[server->next_pool];

		server->next_pool = (server->next_pool + 1) % server->n_pools;
		if (pool->address.addr.family == wish->family)
			err = open_in_pool(server, pool, wish->even_port, now, alloc);
	}
	return err;
}

static void close_relay(struct turn_server *server, struct turn_allocation *alloc, uint64_t now)
{
	server->ops.close_relay(server->ctx, alloc->handle);
	turn_ports_give(alloc->pool->ports, ntohs(alloc->relay.port), now + PORT_QUARANTINE_NS);
}

static int link_allocation(struct turn_server *server, struct turn_allocation *alloc,
			   const struct turn_wish *wish, uint64_t now)
{
	uint64_t expiry = now + wish->lifetime * TURN_NS_PER_S;
	int err;

	if (turn_timer_add(&server->timers, &alloc->timer, expiry, expire))
		return -ENOMEM;
	err = turn_allocation_insert(server, alloc);
	if (err)
		goto del_timer;
	err = open_relay(server, wish, now, alloc);
	if (err)
		goto remove;
	alloc->user->allocations++;
	server->stats.allocations++;
	return 0;
remove:
	HASH_DELETE(hh, server->allocations, alloc);
del_timer:
	turn_timer_del(&server->timers, &alloc->timer);
	return err;
}

int turn_allocation_new(struct turn_server *server, const struct turn_tuple *tuple,
			struct turn_user *user, const struct turn_wish *wish, uint64_t now,
			struct turn_allocation **alloc)
{
	struct turn_allocation *result = calloc(1, sizeof(*result));
	int err;

	if (!result)
		return -ENOMEM;
	result->tuple = *tuple;
	result->user = user;
	memcpy(result->transaction, wish->transaction, STUN_TRANSACTION_LEN);
	err = link_allocation(server, result, wish, now);
	if (err) {
		free(result);
		return err;
	}
	*alloc = result;
	return 0;
}

void turn_allocation_refresh(struct turn_server *server, struct turn_allocation *alloc,
			     uint32_t lifetime, uint64_t now)
{
	struct turn_permission *permission;
	struct turn_channel *channel;

	turn_timer_move(&server->timers, &alloc->timer, now + lifetime * TURN_NS_PER_S);
	DL_FOREACH (alloc->permissions, permission) {
		DL_FOREACH (permission->channels, channel)
			turn_flow_install(server, channel, now);
	}
}

void turn_allocation_end(struct turn_server *server, struct turn_allocation *alloc, uint64_t now)
{
	struct turn_permission *permission, *next;

	DL_FOREACH_SAFE(alloc->permissions, permission, next)
	turn_permission_end(server, permission);
	turn_timer_del(&server->timers, &alloc->timer);
	HASH_DELETE(hh, server->allocations, alloc);
	close_relay(server, alloc, now);
	alloc->user->allocations--;
	server->stats.allocations--;
	free(alloc);
}
