/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>
#include <utlist.h>

#include "io/clock.h"
#include "io/events.h"
#include "io/inbox.h"
#include "io/outbox.h"
#include "io/socket.h"
#include "io/socket_error.h"
#include "io/turn_io.h"
#include "say.h"

/** All clients share a listener, and a relay has few peers. */
#define LISTENER_RECEIVE_BYTES (4 << 20)
#define RELAY_RECEIVE_BYTES    (1 << 20)
/** So many ICMP errors are taken in before datagrams get their turn. */
#define ERRORS_AT_ONCE 32
/** So often a socket is read before it gets no more merged datagrams; more come than are relayed.
 */
#define LAST_READS 256

/** A socket that is read: of a listener, or of a relayed transport address. */
struct port {
	struct turn_io *io;
	int fd;
	struct event *event;
	struct turnpike_addr addr;
	struct turn_relay *relay; /* NULL: a listener */
	struct port **list;       /* of struct turn_io */
	struct port *prev;
	struct port *next;
};

struct turn_io {
	struct event_base *base;
	struct kernel *kernel;
	struct turn_server *server;
	struct inbox *inbox;
	struct outbox *outbox;
	bool in_kernel;       /* of socket_adapt(), which was called for... */
	struct port *adapted; /* ...these ports, */
	struct port *stale;   /* and not yet for these */
	struct port *reading; /* NULL once it was closed under its reader */
	struct event *flush;
	struct event *timer;
	uint64_t armed; /* when @timer fires */
	size_t n_listeners;
	struct port *listeners[];
};

static void arm_timer(struct turn_io *io, uint64_t now)
{
	uint64_t next = turn_server_next_expiry(io->server);
	/* Rounded up: never a wake-up that has nothing to do. */
	uint64_t us = next > now ? (next - now - 1) / 1000 + 1 : 0;
	struct timeval delay = {
		.tv_sec = (time_t)(us / 1000000),
		.tv_usec = (suseconds_t)(us % 1000000),
	};

	if (next == io->armed)
		return;
	io->armed = next;
	if (next == TURN_NEVER)
		event_del(io->timer);
	else
		event_add(io->timer, &delay);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct turn_io *io = arg;
	uint64_t now = clock_now();

	(void)fd;
	(void)what;
	turn_server_expire(io->server, now);
	io->armed = TURN_NEVER;
	arm_timer(io, now);
}

static void take_in(struct port *port, const struct turnpike_addr *from,
		    const struct turn_packet *packet, uint64_t now)
{
	struct turn_tuple tuple = { .client = *from, .server = port->addr };

	if (port->relay)
		turn_server_peer_input(port->io->server, port->relay, from, packet, now);
	else
		turn_server_client_input(port->io->server, &tuple, packet, now);
}

/*
 * Called whenever a readable socket turns out to have no datagrams. With many of them all the time,
 * errors have to wait, but not long: an error also makes a call of receiving fail, with the rest
 * still to be received.
 */
static void take_in_errors(struct port *port, uint64_t now)
{
	struct turn_io *io = port->io;
	struct socket_error error;

	for (int i = 0; i < ERRORS_AT_ONCE && socket_error_next(port->fd, &error); i++) {
		if (error.is_too_big)
			kernel_path_changed(io->kernel, &port->addr, &error.to);
		if (port->relay)
			turn_server_icmp_input(io->server, port->relay, &error.to, &error.icmp,
					       now);
	}
}

/* Whether there was anything. Then the port may be gone, too. */
static bool serve(struct port *port)
{
	struct turn_io *io = port->io;
	bool received = inbox_receive(io->inbox, port->fd);
	uint64_t now = clock_now();
	struct turnpike_addr from;
	struct turn_packet packet;

	if (!received)
		take_in_errors(port, now);
	io->reading = port;
	while (io->reading && inbox_next(io->inbox, &packet, &from))
		take_in(port, &from, &packet, now);
	io->reading = NULL;
	arm_timer(io, now);
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
	struct turn_io *io = arg;

	(void)fd;
	(void)what;
	outbox_flush(io->outbox);
}

static void send_from(struct turn_io *io, int fd, const struct turnpike_addr *to,
		      const uint8_t *data, size_t len)
{
	if (outbox_is_empty(io->outbox))
		event_active(io->flush, 0, 0);
	outbox_add(io->outbox, fd, to, inbox_class(io->inbox, data), data, len);
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
static void adapt_first(struct turn_io *io)
{
	struct port *port = io->stale;
	int last = io->in_kernel ? LAST_READS : 0;

	for (int i = 0; i < last && io->stale == port && serve(port); i++)
		;
	if (io->stale != port)
		return; /* closed by what it has received */
	delist(port);
	enlist(&io->adapted, port);
	socket_adapt(port->fd, port->addr.family, io->in_kernel);
	for (int i = 0; i < last && inbox_receive(io->inbox, port->fd); i++)
		;
}

void turn_io_adapt(struct turn_io *io, bool in_kernel)
{
	struct port *port;

	if (in_kernel == io->in_kernel)
		return;
	io->in_kernel = in_kernel;
	outbox_adapt(io->outbox, in_kernel);
	while ((port = io->adapted)) {
		delist(port);
		enlist(&io->stale, port);
	}
	while (io->stale)
		adapt_first(io);
}

static void port_close(struct port *port)
{
	if (port->io->reading == port)
		port->io->reading = NULL;
	delist(port);
	event_free(port->event);
	close(port->fd);
	free(port);
}

static int port_open(struct turn_io *io, const struct turnpike_addr *addr, bool shares,
		     int receive_bytes, struct turn_relay *relay, struct port **ret)
{
	struct port *port = calloc(1, sizeof(*port));
	int err;

	if (!port)
		return -ENOMEM;
	*port = (struct port){ .io = io, .addr = *addr, .relay = relay };
	err = socket_open(addr, shares, receive_bytes, io->in_kernel, &port->fd);
	if (err)
		goto free_port;
	err = -ENOMEM;
	port->event = event_new(io->base, port->fd, EV_READ | EV_PERSIST, on_readable, port);
	if (!port->event)
		goto close_fd;
	if (event_add(port->event, NULL))
		goto free_event;
	enlist(&io->adapted, port);
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

static void send_client(void *ctx, const struct turn_tuple *tuple, const uint8_t *data, size_t len)
{
	struct turn_io *io = ctx;

	for (size_t i = 0; i < io->n_listeners; i++) {
		const struct port *port = io->listeners[i];

		if (addr_equal(&port->addr, &tuple->server)) {
			send_from(io, port->fd, &tuple->client, data, len);
			return;
		}
	}
}

static void send_peer(void *ctx, void *handle, const struct turnpike_addr *peer,
		      const uint8_t *data, size_t len, bool dont_fragment)
{
	struct turn_io *io = ctx;
	const struct port *port = handle;

	(void)dont_fragment;
	send_from(io, port->fd, peer, data, len);
}

static int open_relay(void *ctx, const struct turnpike_addr *addr, struct turn_relay *relay,
		      void **handle)
{
	struct port *port;
	int err = port_open(ctx, addr, false, RELAY_RECEIVE_BYTES, relay, &port);

	if (!err)
		*handle = port;
	return err;
}

static void close_relay(void *ctx, void *handle)
{
	struct turn_io *io = ctx;

	/* The queue names sockets by number, and the next one may get the same. */
	outbox_flush(io->outbox);
	port_close(handle);
}

static int install_flow(void *ctx, const struct turn_flow *flow)
{
	struct turn_io *io = ctx;

	return kernel_bind(io->kernel, flow);
}

static void remove_flow(void *ctx, const struct turn_flow *flow)
{
	struct turn_io *io = ctx;

	kernel_unbind(io->kernel, flow);
}

static int limit(void *ctx, const char *account, void **limits)
{
	struct turn_io *io = ctx;

	return kernel_limit(io->kernel, account, limits);
}

static void unlimit(void *ctx, void *limits)
{
	struct turn_io *io = ctx;

	kernel_unlimit(io->kernel, limits);
}

static bool police(void *ctx, void *limits, enum turn_direction direction, size_t len)
{
	(void)ctx;
	return kernel_police(limits, direction, len);
}

static void note_event(void *ctx, const struct turn_event *event)
{
	(void)ctx;
	events_note(event);
}

static void fill_random(void *ctx, void *buf, size_t len)
{
	uint8_t *pos = buf;

	(void)ctx;
	while (len > 0) {
		ssize_t got = getrandom(pos, len, 0);

		if (got > 0) {
			pos += got;
			len -= (size_t)got;
		} else if (errno != EINTR) {
			/* Nonces and transactions that can be guessed are worse than no server. */
			abort();
		}
	}
}

static const struct turn_ops ops = {
	.send_client = send_client,
	.send_peer = send_peer,
	.open_relay = open_relay,
	.close_relay = close_relay,
	.install_flow = install_flow,
	.remove_flow = remove_flow,
	.limit = limit,
	.unlimit = unlimit,
	.police = police,
	.event = note_event,
	.random = fill_random,
};

static void say_why_not_bound(const struct turnpike_addr *addr, int err)
{
	char text[ADDR_TEXT_MAX];

	addr_format(addr, text);
	if (err == -EADDRNOTAVAIL)
		say("%s is not an address of this machine: choose one that 'ip address' lists",
		    text);
	else if (err == -EADDRINUSE)
		say("%s is taken by another program: stop it ('ss -lunp' names it), or choose "
		    "another port",
		    text);
	else if (err == -EACCES)
		say("%s needs a privilege: run as root, give CAP_NET_BIND_SERVICE, or choose a "
		    "port above 1023",
		    text);
	else
		say("%s cannot be bound: %s", text, strerror(-err));
}

/* So that a wrong address is not first noticed by a client. */
static int try_address(const struct turnpike_addr *addr)
{
	int fd, err = socket_open(addr, false, RELAY_RECEIVE_BYTES, false, &fd);

	if (err)
		say_why_not_bound(addr, err);
	else
		close(fd);
	return err;
}

int turn_io_try_addresses(const struct turnpike_addr *listen, size_t n_listen,
			  const struct turn_config *config)
{
	int err = 0;

	for (size_t i = 0; i < n_listen && !err; i++)
		err = try_address(&listen[i]);
	for (size_t i = 0; i < config->n_relays && !err; i++) {
		struct turnpike_addr addr = addr_without_port(&config->relays[i].addr);

		err = try_address(&addr);
	}
	return err;
}

static int open_listeners(struct turn_io *io, const struct turnpike_addr *listen, size_t n,
			  bool shares)
{
	for (size_t i = 0; i < n; i++) {
		int err = port_open(io, &listen[i], shares, LISTENER_RECEIVE_BYTES, NULL,
				    &io->listeners[i]);

		if (err) {
			say_why_not_bound(&listen[i], err);
			return err;
		}
		io->n_listeners++;
	}
	return 0;
}

static int set_up(struct turn_io *io, const struct turnpike_addr *listen, size_t n_listen,
		  const struct turn_config *config, bool shares)
{
	struct turn_config with_own = *config;
	int err;

	io->inbox = inbox_new();
	io->outbox = outbox_new();
	io->flush = event_new(io->base, -1, 0, on_flush, io);
	io->timer = evtimer_new(io->base, on_timer, io);
	err = io->inbox && io->outbox && io->flush && io->timer ? 0 : -ENOMEM;
	with_own.own = listen;
	with_own.n_own = n_listen;
	if (!err)
		err = turn_server_new(&with_own, &ops, io, &io->server);
	if (err) {
		say("the TURN server cannot be made: %s", strerror(-err));
		return err;
	}
	return open_listeners(io, listen, n_listen, shares);
}

int turn_io_open(struct event_base *base, struct kernel *kernel, const struct turnpike_addr *listen,
		 size_t n_listen, const struct turn_config *config, bool shares,
		 struct turn_io **ret)
{
	struct turn_io *io = calloc(1, sizeof(*io) + n_listen * sizeof(io->listeners[0]));
	int err;

	if (!io) {
		say("out of memory");
		return -ENOMEM;
	}
	io->base = base;
	io->kernel = kernel;
	io->armed = TURN_NEVER;
	err = set_up(io, listen, n_listen, config, shares);
	if (err) {
		turn_io_close(io);
		return err;
	}
	*ret = io;
	return 0;
}

void turn_io_close(struct turn_io *io)
{
	if (!io)
		return;
	turn_server_free(io->server);
	for (size_t i = 0; i < io->n_listeners; i++)
		port_close(io->listeners[i]);
	if (io->timer)
		event_free(io->timer);
	if (io->flush)
		event_free(io->flush);
	outbox_free(io->outbox);
	inbox_free(io->inbox);
	free(io);
}

struct turn_server *turn_io_server(const struct turn_io *io)
{
	return io->server;
}

uint64_t turn_io_unsent(const struct turn_io *io)
{
	return outbox_unsent(io->outbox);
}
