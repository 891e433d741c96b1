/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file dtls.h
 * Clients on DTLS: connections over one UDP socket.
 *
 * Before a client has returned a cookie nothing is kept of it, and what it is sent is shorter than
 * what it has sent.
 */
#ifndef TURNPIKE_NET_DTLS_H
#define TURNPIKE_NET_DTLS_H

#include "net/connections.h"
#include "net/udp_ports.h"
#include "net/tls.h"

struct dtls;

/**
 * dtls_new() - serve what dtls_input() is told of
 *
 * Return: what dtls_free() takes, or NULL without memory.
 */
struct dtls *dtls_new(struct connections *connections, struct tls *tls);

/** dtls_free() - its connections are gone; NULL is fine */
void dtls_free(struct dtls *dtls);

/** dtls_input() - a datagram has come for @port, which stays as long as its connections */
void dtls_input(struct dtls *dtls, struct port *port, const struct turnpike_addr *from,
		const struct turn_packet *packet, uint64_t now);

#endif /* TURNPIKE_NET_DTLS_H */
