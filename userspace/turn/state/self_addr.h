/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file self_addr.h
 * Peers that are clients of this very relay: the addresses that relays are bound to here, and the
 * ones by which the world, and so every client, knows them.
 *
 * Within the server all addresses are those bound; they are translated where messages are read and
 * written. Without a NAT both are the same.
 */
#ifndef TURNPIKE_TURN_STATE_SELF_ADDR_H
#define TURNPIKE_TURN_STATE_SELF_ADDR_H

#include "turn/state/server.h"

/** turn_self_to_bound() - the address here that the world knows as @addr; of others, @addr itself
 */
struct turnpike_addr turn_self_to_bound(const struct turn_server *server,
					const struct turnpike_addr *addr);

/** turn_self_to_external() - the address by which the world knows @addr; of others, @addr itself */
struct turnpike_addr turn_self_to_external(const struct turn_server *server,
					   const struct turnpike_addr *addr);

/**
 * turn_self_is_relay_ip() - is the IP address of @addr, as bound, that of a relay of ours?
 *
 * Then only the ports of live relays are peers, unless the configuration allows them all.
 */
bool turn_self_is_relay_ip(const struct turn_server *server, const struct turnpike_addr *addr);

/** turn_self_is_live_relay() - is @addr, as bound, a relayed transport address that is live at
 * @now? */
bool turn_self_is_live_relay(const struct turn_server *server, const struct turnpike_addr *addr,
			     uint64_t now);

#endif /* TURNPIKE_TURN_STATE_SELF_ADDR_H */
