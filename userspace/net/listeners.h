/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file listeners.h
 * Where clients come in, by every transport.
 */
#ifndef TURNPIKE_NET_LISTENERS_H
#define TURNPIKE_NET_LISTENERS_H

#include "net/connections.h"
#include "net/udp_ports.h"
#include "net/tls.h"

/**
 * struct listen_config - what is served, and where; all of it has to outlive the listeners
 * @plain:      addresses with ports, no wildcards: UDP and TCP
 * @secure:     the same: TLS and DTLS
 * @transports: bit 1 << enum turn_transport for each that is served
 * @tls:        may be NULL if @n_secure is 0
 * @admission:  of all workers
 */
struct listen_config {
	const struct turnpike_addr *plain;
	size_t n_plain;
	const struct turnpike_addr *secure;
	size_t n_secure;
	unsigned int transports;
	struct tls *tls;
	struct admission *admission;
};

struct listeners;

/**
 * listeners_try() - find out whether addresses can be bound, by nobody else's leave
 *
 * No two programs may listen there, so this is asked before listeners_open() shares them. On error
 * a sentence has been said. Return: 0 or a negative errno.
 */
int listeners_try(const struct listen_config *config);

/** listeners_count() - how many descriptors listeners_open() takes */
size_t listeners_count(const struct listen_config *config);

/**
 * listeners_open() - listen
 * @connections: what clients of TCP, TLS and DTLS become; its ops also get what comes by UDP
 * @shares:      others of this process listen there, too
 *
 * On error a sentence has been said. Return: 0 or a negative errno.
 */
int listeners_open(struct ports *ports, struct connections *connections,
		   const struct listen_config *config, bool shares, struct listeners **ret);

/** listeners_close() - connections have been closed before; NULL is fine */
void listeners_close(struct listeners *listeners);

/** listeners_find_udp() - the port at an address, or NULL */
struct port *listeners_find_udp(const struct listeners *listeners,
				const struct turnpike_addr *addr);

/** listeners_say_why_not() - say why an address cannot be bound, and what to do */
void listeners_say_why_not(const struct turnpike_addr *addr, int err);

#endif /* TURNPIKE_NET_LISTENERS_H */
