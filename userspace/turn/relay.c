/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <utlist.h>

#include "turn/state.h"

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
	struct turn_relay *relay =
		(struct turn_relay *)((char *)timer - offsetof(struct turn_relay, timer));

	turn_allocation_end_relay(server, relay, now);
}

static struct turnpike_addr with_port(struct turnpike_addr addr, uint16_t port)
{
	addr.port = htons(port);
	return addr;
}

static int open_in_pool(struct turn_server *server, struct turn_pool *pool, bool even, uint64_t now,
			struct turn_relay *relay)
{
	bool mapped = pool->address.external.family != 0;
	uint32_t start;
	uint16_t port;
	int err = -EADDRINUSE;

	for (int i = 0; i < PORT_ATTEMPTS && err == -EADDRINUSE; i++) {
		server->ops.random(server->ctx, &start, sizeof(start));
		if (turn_ports_take(pool->ports, start, even, now, &port))
			return -ENOSPC;
		relay->addr = with_port(pool->address.addr, port);
		err = server->ops.open_relay(server->ctx, &relay->addr, relay, &relay->handle);
		if (err)
			turn_ports_give(pool->ports, port, now + PORT_QUARANTINE_NS);
	}
	if (err)
		return err;
	relay->pool = pool;
	relay->external = mapped ? with_port(pool->address.external, port) : relay->addr;
	return 0;
}

static int open_relay(struct turn_server *server, unsigned int family, bool even, uint64_t now,
		      struct turn_relay *relay)
{
	int err = -ENOSPC;

	for (size_t i = 0; i < server->shared->n_pools && err; i++) {
		struct turn_pool *pool = &server->shared->pools[server->next_pool];

		server->next_pool = (server->next_pool + 1) % server->shared->n_pools;
		if (pool->address.addr.family == family)
			err = open_in_pool(server, pool, even, now, relay);
	}
	return err;
}

/** What other servers of the relay, too, have to know. */
static void set_live(const struct turn_relay *relay, uint64_t until)
{
	turn_ports_set_live(relay->pool->ports, ntohs(relay->addr.port), until);
}

static void close_relay(struct turn_server *server, struct turn_relay *relay, uint64_t now)
{
	server->ops.close_relay(server->ctx, relay->handle);
	turn_ports_give(relay->pool->ports, ntohs(relay->addr.port), now + PORT_QUARANTINE_NS);
}

static int link_relay(struct turn_server *server, struct turn_relay *relay, unsigned int family,
		      const struct turn_wish *wish, uint64_t now)
{
	uint64_t expiry = now + wish->lifetime * TURN_NS_PER_S;
	int err;

	if (turn_timer_add(&server->timers, &relay->timer, expiry, expire))
		return -ENOMEM;
	err = open_relay(server, family, wish->even_port, now, relay);
	if (err) {
		turn_timer_del(&server->timers, &relay->timer);
		return err;
	}
	set_live(relay, expiry);
	relay->alloc->relays[turn_relay_slot(family)] = relay;
	server->stats.relays++;
	return 0;
}

int turn_relay_new(struct turn_server *server, struct turn_allocation *alloc, unsigned int family,
		   const struct turn_wish *wish, uint64_t now)
{
	struct turn_relay *relay;
	int err;

	if (!turn_shared_claim_relay(server->shared, server->limits.max_relays))
		return -ENOSPC;
	relay = calloc(1, sizeof(*relay));
	err = relay ? 0 : -ENOMEM;
	if (!err) {
		relay->alloc = alloc;
		err = link_relay(server, relay, family, wish, now);
	}
	if (err) {
		turn_shared_return_relay(server->shared);
		free(relay);
	}
	return err;
}

void turn_relay_refresh(struct turn_server *server, struct turn_relay *relay, uint32_t lifetime,
			uint64_t now)
{
	struct turn_permission *permission;
	struct turn_channel *channel;

	turn_timer_move(&server->timers, &relay->timer, now + lifetime * TURN_NS_PER_S);
	set_live(relay, relay->timer.when);
	DL_FOREACH (relay->permissions, permission) {
		DL_FOREACH (permission->channels, channel)
			turn_flow_install(server, channel, now);
	}
}

void turn_relay_end(struct turn_server *server, struct turn_relay *relay, uint64_t now)
{
	struct turn_permission *permission, *next;

	DL_FOREACH_SAFE(relay->permissions, permission, next)
	turn_permission_end(server, permission);
	turn_timer_del(&server->timers, &relay->timer);
	set_live(relay, 0);
	close_relay(server, relay, now);
	turn_shared_return_relay(server->shared);
	relay->alloc->relays[turn_relay_slot(relay->addr.family)] = NULL;
	server->stats.relays--;
	free(relay);
}
