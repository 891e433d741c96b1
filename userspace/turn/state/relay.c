/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "turn/state/event.h"
#include "turn/state/home.h"
#include "turn/state/state.h"

/** Attempts to bind a port, in case other programs have bound some. */
#define PORT_ATTEMPTS 16

/**
 * How many allocations an account may have for each free port. One account alone gets three
 * quarters of the ports, two get three sevenths each: however many share them, some are left for
 * others. A fixed share would be too small for a server's only account, or too large for the last
 * of several.
 */
#define PER_FREE_PORT 3

static struct turnpike_addr with_port(struct turnpike_addr addr, uint16_t port)
{
	addr.port = htons(port);
	return addr;
}

static int open_at(struct turn_server *server, struct turn_pool *pool, uint16_t port,
		   struct turn_relay *relay)
{
	bool mapped = pool->address.external.family != 0;

	relay->pool = pool;
	relay->addr = with_port(pool->address.addr, port);
	relay->external = mapped ? with_port(pool->address.external, port) : relay->addr;
	return server->ops.open_relay(server->ctx, &relay->addr, relay, &relay->handle);
}

/** Returns ports that no client has had: @port, and the next one if they are a TURN_PORT_PAIR. */
static void give_ports(const struct turn_pool *pool, uint16_t port, enum turn_port_kind kind)
{
	turn_ports_give(pool->ports, port);
	if (kind == TURN_PORT_PAIR)
		turn_ports_give(pool->ports, (uint16_t)(port + 1));
}

/** Leaves out a port that another program has, for a while. It counts in nobody's quota. */
static int avoid_port(struct turn_server *server, struct turn_pool *pool, uint16_t port,
		      uint64_t now)
{
	struct turn_rest *rest = calloc(1, sizeof(*rest));

	if (!rest)
		return -ENOMEM;
	rest->pool = turn_pool_get(pool);
	rest->port = port;
	turn_rest_begin(&server->shared->rests, rest, now);
	return 0;
}

/** Takes a port of @pool and opens it. Returns -EADDRINUSE if another program has it. */
static int try_port(struct turn_server *server, struct turn_pool *pool, enum turn_port_kind kind,
		    uint64_t now, struct turn_relay *relay)
{
	uint32_t start;
	uint16_t port;
	int err;

	server->ops.random(server->ctx, &start, sizeof(start));
	err = turn_ports_take(pool->ports, start, kind, &port);
	if (err)
		return err;
	err = open_at(server, pool, port, relay);
	if (!err)
		return 0;
	if (err != -EADDRINUSE || avoid_port(server, pool, port, now))
		turn_ports_give(pool->ports, port);
	if (kind == TURN_PORT_PAIR)
		turn_ports_give(pool->ports, (uint16_t)(port + 1));
	return err;
}

static int open_in_pool(struct turn_server *server, struct turn_pool *pool,
			enum turn_port_kind kind, uint64_t now, struct turn_relay *relay)
{
	int err = -EADDRINUSE;

	for (int i = 0; i < PORT_ATTEMPTS && err == -EADDRINUSE; i++)
		err = try_port(server, pool, kind, now, relay);
	return err;
}

static bool is_usable(const struct turn_server *server, const struct turn_pool *pool,
		      unsigned int family, const struct turn_relay *relay)
{
	return pool->address.addr.family == family &&
	       turn_home_has(server, &relay->alloc->tuple.server, &pool->address.addr);
}

/** Returns an error if no port is free, or the account has its share of them already. */
static int check_share(const struct turn_server *server, unsigned int family,
		       const struct turn_relay *relay)
{
	const struct turn_pools *pools = server->pools;
	uint64_t n_free = 0;

	for (size_t i = 0; i < pools->n_offered; i++) {
		if (is_usable(server, pools->list[i], family, relay))
			n_free += turn_ports_n_free(pools->list[i]->ports);
	}
	if (n_free == 0)
		return -ENOSPC;
	if (turn_account_used(relay->alloc->user->account) > PER_FREE_PORT * n_free)
		return -EDQUOT;
	return 0;
}

static int open_anywhere(struct turn_server *server, const struct turn_relay_params *params,
			 uint64_t now, struct turn_relay *relay)
{
	const struct turn_pools *pools = server->pools;
	int err = check_share(server, params->family, relay);

	if (err)
		return err;
	err = -ENOSPC;
	for (size_t i = 0; i < pools->n_offered && err; i++) {
		struct turn_pool *pool = pools->list[server->next_pool % pools->n_offered];

		server->next_pool = (server->next_pool + 1) % pools->n_offered;
		if (is_usable(server, pool, params->family, relay))
			err = open_in_pool(server, pool, params->ports, now, relay);
	}
	return err;
}

/** Publishes the address to all servers of the relay. */
static void set_live(const struct turn_relay *relay, uint64_t until)
{
	turn_ports_set_live(relay->pool->ports, ntohs(relay->addr.port), until);
}

/** Reserves the port after that of @relay, which was taken along with it. */
static int reserve_next(struct turn_server *server, const struct turn_relay *relay, uint64_t now)
{
	struct turn_allocation *alloc = relay->alloc;
	struct turn_reservation wanted = {
		.account = alloc->user->account,
		.pool = relay->pool,
		.port = (uint16_t)(ntohs(relay->addr.port) + 1),
	};
	int err;

	if (!turn_quota_claim(&server->shared->relays, 1, server->limits.max_relays))
		return -EUSERS;
	server->ops.random(server->ctx, wanted.token, sizeof(wanted.token));
	err = turn_reservation_add(&server->shared->reservations, &wanted, now);
	if (err) {
		turn_quota_return(&server->shared->relays, 1);
		return err;
	}
	memcpy(alloc->token, wanted.token, sizeof(wanted.token));
	alloc->has_token = true;
	return 0;
}

static int open_relay(struct turn_server *server, const struct turn_relay_params *params,
		      uint64_t now, struct turn_relay *relay)
{
	int err;

	if (params->reservation)
		return open_at(server, params->reservation->pool, params->reservation->port, relay);
	err = open_anywhere(server, params, now, relay);
	if (err || params->ports != TURN_PORT_PAIR)
		return err;
	err = reserve_next(server, relay, now);
	if (err) {
		server->ops.close_relay(server->ctx, relay->handle);
		give_ports(relay->pool, ntohs(relay->addr.port), params->ports);
	}
	return err;
}

static int link_relay(struct turn_server *server, struct turn_relay *relay,
		      const struct turn_relay_params *params, uint64_t now)
{
	int err;

	if (turn_timer_add(&server->timers, &relay->timer, params->expiry_ns, params->on_expiry))
		return -ENOMEM;
	err = open_relay(server, params, now, relay);
	if (err) {
		turn_timer_del(&server->timers, &relay->timer);
		return err;
	}
	turn_pool_get(relay->pool);
	set_live(relay, params->expiry_ns);
	relay->alloc->relays[turn_relay_index(params->family)] = relay;
	DL_APPEND2(server->records, relay, record_prev, record_next);
	server->stats.relays++;
	return 0;
}

/** A reservation was counted as a relay when it was made. */
static bool claim(struct turn_server *server, const struct turn_relay_params *params)
{
	return params->reservation ||
	       turn_quota_claim(&server->shared->relays, 1, server->limits.max_relays);
}

static void free_relay(struct turn_relay *relay)
{
	if (relay)
		free(relay->rest);
	free(relay);
}

static struct turn_relay *alloc_relay(struct turn_allocation *alloc, uint64_t now)
{
	struct turn_relay *relay = calloc(1, sizeof(*relay));

	if (!relay)
		return NULL;
	relay->alloc = alloc;
	relay->begin_ns = relay->recorded_ns = now;
	relay->rest = calloc(1, sizeof(*relay->rest));
	if (relay->rest)
		return relay;
	free_relay(relay);
	return NULL;
}

int turn_relay_new(struct turn_server *server, struct turn_allocation *alloc,
		   const struct turn_relay_params *params, uint64_t now)
{
	struct turn_relay *relay;
	int err;

	if (!claim(server, params))
		return -EUSERS;
	relay = alloc_relay(alloc, now);
	err = relay ? link_relay(server, relay, params, now) : -ENOMEM;
	if (!err)
		return 0;
	if (!params->reservation)
		turn_quota_return(&server->shared->relays, 1);
	free_relay(relay);
	return err;
}

void turn_relay_refresh(struct turn_server *server, struct turn_relay *relay, uint32_t lifetime,
			uint64_t now)
{
	struct turn_permission *permission;
	struct turn_peer *peer;

	turn_timer_move(&server->timers, &relay->timer, now + lifetime * TURN_NS_PER_S);
	set_live(relay, relay->timer.when);
	DL_FOREACH(relay->permissions, permission) {
		DL_FOREACH(permission->peers, peer)
			turn_flow_update(server, peer, now);
	}
}

static bool is_last(const struct turn_relay *relay)
{
	for (size_t i = 0; i < TURN_RELAYS_MAX; i++) {
		if (relay->alloc->relays[i] && relay->alloc->relays[i] != relay)
			return false;
	}
	return true;
}

/** The rest takes over the port and, if @relay is the last one, the claim of the allocation. */
static void rest(struct turn_server *server, struct turn_relay *relay, uint64_t now)
{
	struct turn_rest *rest = relay->rest;

	relay->rest = NULL;
	rest->pool = relay->pool;
	rest->account = turn_account_get(relay->alloc->user->account);
	rest->claims = is_last(relay) ? 1 : 0;
	rest->port = ntohs(relay->addr.port);
	turn_rest_begin(&server->shared->rests, rest, now);
}

void turn_relay_end(struct turn_server *server, struct turn_relay *relay, const char *why,
		    uint64_t now)
{
	struct turn_permission *permission, *next;

	DL_FOREACH_SAFE(relay->permissions, permission, next)
		turn_permission_end(server, permission);
	turn_timer_del(&server->timers, &relay->timer);
	set_live(relay, 0);
	server->ops.close_relay(server->ctx, relay->handle);
	rest(server, relay, now);
	turn_quota_return(&server->shared->relays, 1);
	turn_notify_end(server, relay, why, now);
	DL_DELETE2(server->records, relay, record_prev, record_next);
	relay->alloc->relays[turn_relay_index(relay->addr.family)] = NULL;
	server->stats.relays--;
	free_relay(relay);
}
