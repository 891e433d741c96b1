/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file udp_ports.h
 * The UDP sockets of one event loop, of listeners and of relayed transport addresses: what they
 * receive is handed on one by one, and what they send is collected.
 */
#ifndef TURNPIKE_NET_UDP_PORTS_H
#define TURNPIKE_NET_UDP_PORTS_H

#include <event2/event.h>

#include "net/socket_error.h"
#include "turn/turn.h"

struct ports;
struct port;

/**
 * struct port_ops - what becomes of what comes in; @owner is that of port_open()
 * @input: a datagram has come; @packet is valid for the time of the call
 * @error: an ICMP error has come
 *
 * Either may close any port, also this one.
 */
struct port_ops {
	void (*input)(void *owner, struct port *port, const struct turnpike_addr *from,
		      const struct turn_packet *packet, uint64_t now);
	void (*error)(void *owner, struct port *port, const struct socket_error *error,
		      uint64_t now);
};

/**
 * ports_new() - make none yet
 * @done: called after what had come for a port has been handed on
 *
 * Return: what ports_free() takes, or NULL without memory.
 */
struct ports *ports_new(struct event_base *base, void (*done)(void *arg, uint64_t now), void *arg);

/** ports_free() - all of them are closed; NULL is fine */
void ports_free(struct ports *ports);

/** ports_adapt() - adapt all of them, see socket_adapt(); until then @in_kernel is false */
void ports_adapt(struct ports *ports, bool in_kernel);

/** ports_unsent() - how many datagrams could not be sent */
uint64_t ports_unsent(const struct ports *ports);

/**
 * port_open() - open a socket; the arguments are those of socket_open()
 * @ops: not copied
 *
 * Return: 0 or a negative errno.
 */
int port_open(struct ports *ports, const struct turnpike_addr *addr, bool shares, int receive_bytes,
	      const struct port_ops *ops, void *owner, struct port **ret);

/** port_close() - close it; what it was to send is sent first */
void port_close(struct port *port);

/** port_addr() - what it is bound to */
const struct turnpike_addr *port_addr(const struct port *port);

/**
 * port_class() - the traffic class that @data is to leave with
 *
 * What lies around the datagram that is being handed on is relayed and keeps its class; all else
 * has none.
 */
int port_class(const struct port *port, const uint8_t *data);

/**
 * port_send() - send a datagram; @data is copied
 * @class:         its traffic class
 * @dont_fragment: with the DF bit in IPv4
 */
void port_send(struct port *port, const struct turnpike_addr *to, int class, const uint8_t *data,
	       size_t len, bool dont_fragment);

#endif /* TURNPIKE_NET_UDP_PORTS_H */
