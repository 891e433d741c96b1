/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "turn/state/home.h"

/* A listener without a home has lost its address a moment ago. */
static const struct turn_home *find(const struct turn_server *server,
				    const struct turnpike_addr *listener)
{
	for (size_t i = 0; i < server->n_homes; i++) {
		if (addr_same_ip(&server->homes[i].listener, listener))
			return &server->homes[i];
	}
	return NULL;
}

bool turn_home_has(const struct turn_server *server, const struct turnpike_addr *listener,
		   const struct turnpike_addr *relay)
{
	const struct turn_home *home = find(server, listener);

	if (!home)
		return true;
	for (size_t i = 0; i < TURN_RELAYS_MAX; i++) {
		if (addr_same_ip(&home->relays[i], relay))
			return true;
	}
	return false;
}

bool turn_home_has_family(const struct turn_server *server, const struct turnpike_addr *listener,
			  unsigned int family)
{
	for (size_t i = 0; i < server->pools->n_offered; i++) {
		const struct turnpike_addr *relay = &server->pools->list[i]->address.addr;

		if (relay->family == family && turn_home_has(server, listener, relay))
			return true;
	}
	return false;
}
