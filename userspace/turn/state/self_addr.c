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

struct turnpike_addr turn_self_to_external(const struct turn_server *server,
					   const struct turnpike_addr *addr)
{
	for (size_t i = 0; i < server->pools->n; i++) {
		const struct turn_relay_address *relay = &server->pools->list[i]->address;

		if (relay->external.family != 0 && addr_same_ip(&relay->addr, addr))
			return with_port_of(relay->external, addr);
	}
	return *addr;
}

bool turn_self_is_relay_ip(const struct turn_server *server, const struct turnpike_addr *addr)
{
	struct turnpike_addr external = turn_self_to_external(server, addr);
	bool is_relay = false;

	for (size_t i = 0; i < server->pools->n; i++)
		is_relay |= addr_same_ip(&server->pools->list[i]->address.addr, addr);
	return is_relay && !turn_policy_exempts(server->policy, addr) &&
	       !turn_policy_exempts(server->policy, &external);
}

bool turn_self_is_live_relay(const struct turn_server *server, const struct turnpike_addr *addr,
			     uint64_t now)
{
	for (size_t i = 0; i < server->pools->n; i++) {
		const struct turn_pool *pool = server->pools->list[i];

		if (addr_same_ip(&pool->address.addr, addr))
			return turn_ports_is_live(pool->ports, ntohs(addr->port), now);
	}
	return false;
}
