/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file dtls.h
 * Connections of DTLS clients over a shared UDP socket.
 *
 * The server keeps no state for a client that has not returned a cookie, and its answers to such a
 * client are shorter than the requests.
 */
#ifndef TURNPIKE_NET_DTLS_H
#define TURNPIKE_NET_DTLS_H

#include "net/connections.h"
#include "net/tls.h"
#include "net/udp_sockets.h"

struct dtls;

/**
 * dtls_new() - create a server that adds its clients to @connections
 * @tls: must outlive the result
 *
 * Return: the server, for dtls_free(), or NULL if out of memory.
 */
struct dtls *dtls_new(struct connections *connections, struct tls *tls);

/** dtls_free() - free a server without connections; accepts NULL */
void dtls_free(struct dtls *dtls);

/** dtls_forget() - @sock is about to be closed; its connections go on when another one is opened */
void dtls_forget(struct dtls *dtls, const struct udp_socket *sock);

/** dtls_input() - handle a datagram; @sock is used until dtls_forget() */
void dtls_input(struct dtls *dtls, struct udp_socket *sock, const struct turnpike_addr *from,
		const struct turn_packet *packet, uint64_t now);

#endif /* TURNPIKE_NET_DTLS_H */
