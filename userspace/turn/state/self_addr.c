/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <arpa/inet.h>

#include "turn/state/self_addr.h"

static struct turnpike_addr with_port_of(struct turnpike_addr addr,
					 const struct turnpike_addr *other)
{
	addr.port = other->port;
	return addr;
}

struct turnpike_addr turn_self_to_bound(const struct turn_server *server,
					const struct turnpike_addr *addr)
{
	for (size_t i = 0; i < server->pools->n; i++) {
		const struct turn_relay_address *relay = &server->pools->list[i]->address;

		if (addr_same_ip(&relay->external, addr))
			return with_port_of(relay->addr, addr);
	}
	return *addr;
}

/**
 * The pool of a bound address. Of an address whose external one has changed, several are in use:
 * then it is the one that has the port.
 */
static const struct turn_pool *find_pool(const struct turn_server *server,
					 const struct turnpike_addr *addr)
{
	const struct turn_pool *first = NULL;

	for (size_t i = 0; i < server->pools->n; i++) {
		const struct turn_pool *pool = server->pools->list[i];

		if (!addr_same_ip(&pool->address.addr, addr))
			continue;
		if (turn_ports_is_live(pool->ports, ntohs(addr->port), 0))
			return pool;
		if (!first)
			first = pool;
	}
	return first;
}

struct turnpike_addr turn_self_to_external(const struct turn_server *server,
					   const struct turnpike_addr *addr)
{
	const struct turn_pool *pool = find_pool(server, addr);

	if (!pool || pool->address.external.family == 0)
		return *addr;
	return with_port_of(pool->address.external, addr);
}

bool turn_self_is_relay_ip(const struct turn_server *server, const struct turnpike_addr *addr)
{
	struct turnpike_addr external = turn_self_to_external(server, addr);

	return find_pool(server, addr) && !turn_policy_exempts(server->policy, addr) &&
	       !turn_policy_exempts(server->policy, &external);
}

bool turn_self_is_live_relay(const struct turn_server *server, const struct turnpike_addr *addr,
			     uint64_t now)
{
	const struct turn_pool *pool = find_pool(server, addr);

	return pool && turn_ports_is_live(pool->ports, ntohs(addr->port), now);
}
