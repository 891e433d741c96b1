/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file udp_sockets.h
 * The UDP sockets of one event loop: those of listeners and of relayed transport addresses.
 * Received datagrams are handled one by one, sent ones are collected and sent in batches. All
 * functions must be called in the thread of the loop.
 */
#ifndef TURNPIKE_NET_UDP_SOCKETS_H
#define TURNPIKE_NET_UDP_SOCKETS_H

#include <event2/event.h>

#include "net/socket_error.h"
#include "net/udp_tx.h"
#include "turn/types.h"

struct udp_sockets;
struct udp_socket;

/**
 * struct udp_socket_kind - what sockets with the same purpose have in common
 * @receive_bytes: size of the receive buffer
 * @input:         handle a datagram; @packet is valid during the call
 * @error:         handle an ICMP error
 *
 * @owner is that of udp_socket_open(). Both functions may close any socket, including @sock.
 */
struct udp_socket_kind {
	int receive_bytes;
	void (*input)(void *owner, struct udp_socket *sock, const struct turnpike_addr *from,
		      const struct turn_packet *packet, uint64_t now);
	void (*error)(void *owner, struct udp_socket *sock, const struct socket_error *error,
		      uint64_t now);
};

/**
 * udp_sockets_new() - create an empty set
 * @done: called each time after the received datagrams and errors of a socket have been handled
 *
 * Return: the set, for udp_sockets_free(), or NULL if out of memory.
 */
struct udp_sockets *udp_sockets_new(struct event_base *base, void (*done)(void *arg, uint64_t now),
				    void *arg);

/** udp_sockets_free() - free a set whose sockets have been closed; accepts NULL */
void udp_sockets_free(struct udp_sockets *sockets);

/** udp_sockets_adapt() - call socket_adapt() for all sockets; the initial @in_kernel is false */
void udp_sockets_adapt(struct udp_sockets *sockets, bool in_kernel);

/** udp_sockets_unsent() - number of datagrams that could not be sent */
uint64_t udp_sockets_unsent(const struct udp_sockets *sockets);

/**
 * udp_sockets_unsplit() - number of messages that udp_sockets_adapt() has discarded
 *
 * The kernel may have merged several datagrams into each of them.
 */
uint64_t udp_sockets_unsplit(const struct udp_sockets *sockets);

/**
 * udp_socket_open() - open a socket, see socket_open()
 * @kind: not copied
 *
 * Return: 0 or a negative errno.
 */
int udp_socket_open(struct udp_sockets *sockets, const struct turnpike_addr *addr, bool reuseport,
		    const struct udp_socket_kind *kind, void *owner, struct udp_socket **ret);

/** udp_socket_close() - send queued datagrams, and close the socket */
void udp_socket_close(struct udp_socket *sock);

/** udp_socket_addr() - the address that the socket is bound to */
const struct turnpike_addr *udp_socket_addr(const struct udp_socket *sock);

/** udp_socket_fields() - udp_rx_fields() of the datagram that is being handled */
struct udp_tx_fields udp_socket_fields(const struct udp_socket *sock, const uint8_t *data);

/** udp_socket_send() - queue a copy of @data for sending, see udp_tx_add() */
void udp_socket_send(struct udp_socket *sock, const struct turnpike_addr *to,
		     struct udp_tx_fields fields, const uint8_t *data, size_t len);

#endif /* TURNPIKE_NET_UDP_SOCKETS_H */
