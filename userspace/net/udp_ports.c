/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include <utlist.h>

#include "base/clock.h"
#include "net/udp_rx.h"
#include "net/udp_tx.h"
#include "net/udp_ports.h"
#include "net/socket.h"

/** So many ICMP errors are taken in before datagrams get their turn. */
#define ERRORS_AT_ONCE 32
/** So often a socket is read before it gets no more merged datagrams; more come than are relayed.
 */
#define LAST_READS 256

struct port {
	struct ports *ports;
	int fd;
	struct event *event;
	struct turnpike_addr addr;
	const struct port_ops *ops;
	void *owner;
	struct port **list; /* of struct ports */
	struct port *prev;
	struct port *next;
};

struct ports {
	struct event_base *base;
	struct udp_rx *rx;
	struct udp_tx *tx;
	void (*done)(void *arg, uint64_t now);
	void *arg;
	bool in_kernel;       /* of socket_adapt(), which was called for... */
	struct port *adapted; /* ...these ports, */
	struct port *stale;   /* and not yet for these */
	struct port *reading; /* NULL once it was closed under its reader */
	struct event *flush;
};

/*
 * Called whenever a readable socket turns out to have no datagrams. With many of them all the time,
 * errors have to wait, but not long: an error also makes a call of receiving fail, with the rest
 * still to be received.
 */
static void take_in_errors(struct port *port, uint64_t now)
{
	struct ports *ports = port->ports;
	struct socket_error error;

	ports->reading = port;
	for (int i = 0; i < ERRORS_AT_ONCE && ports->reading; i++) {
		if (!socket_error_next(port->fd, &error))
			break;
		port->ops->error(port->owner, port, &error, now);
	}
	ports->reading = NULL;
}

/* Whether there was anything. Then the port may be gone, too. */
static bool serve(struct port *port)
{
	struct ports *ports = port->ports;
	bool received = udp_rx_receive(ports->rx, port->fd);
	uint64_t now = clock_now();
	struct turnpike_addr from;
	struct turn_packet packet;

	if (!received)
		take_in_errors(port, now);
	ports->reading = received ? port : NULL;
	while (ports->reading && udp_rx_next(ports->rx, &packet, &from))
		port->ops->input(port->owner, port, &from, &packet, now);
	ports->reading = NULL;
	ports->done(ports->arg, now);
	return received;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	serve(arg);
}

/* After all sockets that can be read now: what they were to send often goes to the same places. */
static void on_flush(evutil_socket_t fd, short what, void *arg)
{
	struct ports *ports = arg;

	(void)fd;
	(void)what;
	udp_tx_flush(ports->tx);
}

struct ports *ports_new(struct event_base *base, void (*done)(void *arg, uint64_t now), void *arg)
{
	struct ports *ports = calloc(1, sizeof(*ports));

	if (!ports)
		return NULL;
	*ports = (struct ports){
		.base = base,
		.rx = udp_rx_new(),
		.tx = udp_tx_new(),
		.done = done,
		.arg = arg,
	};
	ports->flush = event_new(base, -1, 0, on_flush, ports);
	if (ports->rx && ports->tx && ports->flush)
		return ports;
	ports_free(ports);
	return NULL;
}

void ports_free(struct ports *ports)
{
	if (!ports)
		return;
	if (ports->flush)
		event_free(ports->flush);
	udp_tx_free(ports->tx);
	udp_rx_free(ports->rx);
	free(ports);
}

uint64_t ports_unsent(const struct ports *ports)
{
	return udp_tx_unsent(ports->tx);
}

static void enlist(struct port **list, struct port *port)
{
	DL_APPEND(*list, port);
	port->list = list;
}

static void delist(struct port *port)
{
	DL_DELETE(*port->list, port);
}

/*
 * Once a socket is to get no more merged datagrams, those that it has cannot be split any more. So
 * it is read first, and what comes until it gets none is lost. That is of a microsecond; there is
 * no call that would do both.
 */
static void adapt_first(struct ports *ports)
{
	struct port *port = ports->stale;
	int last = ports->in_kernel ? LAST_READS : 0;

	for (int i = 0; i < last && ports->stale == port && serve(port); i++)
		;
	if (ports->stale != port)
		return; /* closed by what it has received */
	delist(port);
	enlist(&ports->adapted, port);
	socket_adapt(port->fd, port->addr.family, ports->in_kernel);
	for (int i = 0; i < last && udp_rx_receive(ports->rx, port->fd); i++)
		;
}

void ports_adapt(struct ports *ports, bool in_kernel)
{
	struct port *port;

	if (in_kernel == ports->in_kernel)
		return;
	ports->in_kernel = in_kernel;
	udp_tx_adapt(ports->tx, in_kernel);
	while ((port = ports->adapted)) {
		delist(port);
		enlist(&ports->stale, port);
	}
	while (ports->stale)
		adapt_first(ports);
}

int port_open(struct ports *ports, const struct turnpike_addr *addr, bool shares, int receive_bytes,
	      const struct port_ops *ops, void *owner, struct port **ret)
{
	struct port *port = calloc(1, sizeof(*port));
	int err;

	if (!port)
		return -ENOMEM;
	*port = (struct port){ .ports = ports, .addr = *addr, .ops = ops, .owner = owner };
	err = socket_open(addr, shares, receive_bytes, ports->in_kernel, &port->fd);
	if (err)
		goto free_port;
	err = -ENOMEM;
	port->event = event_new(ports->base, port->fd, EV_READ | EV_PERSIST, on_readable, port);
	if (!port->event)
		goto close_fd;
	if (event_add(port->event, NULL))
		goto free_event;
	enlist(&ports->adapted, port);
	*ret = port;
	return 0;
free_event:
	event_free(port->event);
close_fd:
	close(port->fd);
free_port:
	free(port);
	return err;
}

void port_close(struct port *port)
{
	struct ports *ports = port->ports;

	/* The queue names sockets by number, and the next one may get the same. */
	udp_tx_flush(ports->tx);
	if (ports->reading == port)
		ports->reading = NULL;
	delist(port);
	event_free(port->event);
	close(port->fd);
	free(port);
}

const struct turnpike_addr *port_addr(const struct port *port)
{
	return &port->addr;
}

int port_class(const struct port *port, const uint8_t *data)
{
	return udp_rx_class(port->ports->rx, data);
}

void port_send(struct port *port, const struct turnpike_addr *to, int class, const uint8_t *data,
	       size_t len, bool dont_fragment)
{
	const struct udp_tx_fields fields = { .class = class, .dont_fragment = dont_fragment };
	struct ports *ports = port->ports;

	if (udp_tx_is_empty(ports->tx))
		event_active(ports->flush, 0, 0);
	udp_tx_add(ports->tx, port->fd, to, fields, data, len);
}
