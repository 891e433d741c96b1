/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file self_addr.h
 * Addresses of this relay as peers: the address that a relay socket is bound to, and the external
 * one that clients and peers know if a 1:1 NAT sits in between.
 *
 * The server works with bound addresses. It translates them when it reads and writes messages.
 * Without a NAT both addresses are the same.
 */
#ifndef TURNPIKE_TURN_STATE_SELF_ADDR_H
#define TURNPIKE_TURN_STATE_SELF_ADDR_H

#include "turn/state/server.h"

/** turn_self_to_bound() - translate an external address; any other address is returned as it is */
struct turnpike_addr turn_self_to_bound(const struct turn_server *server,
					const struct turnpike_addr *addr);

/** turn_self_to_external() - translate a bound address; any other is returned as it is */
struct turnpike_addr turn_self_to_external(const struct turn_server *server,
					   const struct turnpike_addr *addr);

/**
 * turn_self_is_relay_ip() - whether @addr, as bound, has the IP address of a relay
 *
 * Then only ports of live relays are peers. Returns false if the configuration allows all ports.
 */
bool turn_self_is_relay_ip(const struct turn_server *server, const struct turnpike_addr *addr);

/** turn_self_is_live_relay() - whether @addr, as bound, is a live relayed transport address */
bool turn_self_is_live_relay(const struct turn_server *server, const struct turnpike_addr *addr,
			     uint64_t now);

#endif /* TURNPIKE_TURN_STATE_SELF_ADDR_H */
