/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "io/clock.h"
#include "io/events.h"
#include "io/ports.h"
#include "io/socket.h"
#include "io/turn_io.h"
#include "say.h"

/** All clients share a listener, and a relay has few peers. */
#define LISTENER_RECEIVE_BYTES (4 << 20)
#define RELAY_RECEIVE_BYTES    (1 << 20)

/** The socket of a relayed transport address. */
struct relay_port {
	struct turn_io *io;
	struct turn_relay *relay;
	struct port *port;
};

struct turn_io {
	struct event_base *base;
	struct kernel *kernel;
	struct turn_server *server;
	struct ports *ports;
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

static void on_done(void *arg, uint64_t now)
{
	arm_timer(arg, now);
}

static void client_input(void *owner, struct port *port, const struct turnpike_addr *from,
			 const struct turn_packet *packet, uint64_t now)
{
	struct turn_tuple tuple = { .client = *from, .server = *port_addr(port) };
	struct turn_io *io = owner;

	turn_server_client_input(io->server, &tuple, packet, now);
}

static void learn_path(struct turn_io *io, const struct port *port,
		       const struct socket_error *error)
{
	if (error->is_too_big)
		kernel_path_changed(io->kernel, port_addr(port), &error->to);
}

static void client_error(void *owner, struct port *port, const struct socket_error *error,
			 uint64_t now)
{
	(void)now;
	learn_path(owner, port, error);
}

static void peer_input(void *owner, struct port *port, const struct turnpike_addr *from,
		       const struct turn_packet *packet, uint64_t now)
{
	struct relay_port *relay = owner;

	(void)port;
	turn_server_peer_input(relay->io->server, relay->relay, from, packet, now);
}

static void peer_error(void *owner, struct port *port, const struct socket_error *error,
		       uint64_t now)
{
	struct relay_port *relay = owner;

	learn_path(relay->io, port, error);
	turn_server_icmp_input(relay->io->server, relay->relay, &error->to, &error->icmp, now);
}

static const struct port_ops listener_ops = { .input = client_input, .error = client_error };
static const struct port_ops relay_ops = { .input = peer_input, .error = peer_error };

void turn_io_adapt(struct turn_io *io, bool in_kernel)
{
	ports_adapt(io->ports, in_kernel);
}

static void send_client(void *ctx, const struct turn_tuple *tuple, const uint8_t *data, size_t len)
{
	struct turn_io *io = ctx;

	for (size_t i = 0; i < io->n_listeners; i++) {
		struct port *port = io->listeners[i];

		if (addr_equal(port_addr(port), &tuple->server)) {
			port_send(port, &tuple->client, port_class(port, data), data, len, false);
			return;
		}
	}
}

static void send_peer(void *ctx, void *handle, const struct turnpike_addr *peer,
		      const uint8_t *data, size_t len, bool dont_fragment)
{
	struct relay_port *relay = handle;

	(void)ctx;
	port_send(relay->port, peer, port_class(relay->port, data), data, len, dont_fragment);
}

static int open_relay(void *ctx, const struct turnpike_addr *addr, struct turn_relay *relay,
		      void **handle)
{
	struct relay_port *result = malloc(sizeof(*result));
	struct turn_io *io = ctx;
	int err;

	if (!result)
		return -ENOMEM;
	*result = (struct relay_port){ .io = io, .relay = relay };
	err = port_open(io->ports, addr, false, RELAY_RECEIVE_BYTES, &relay_ops, result,
			&result->port);
	if (err)
		free(result);
	else
		*handle = result;
	return err;
}

static void close_relay(void *ctx, void *handle)
{
	struct relay_port *relay = handle;

	(void)ctx;
	port_close(relay->port);
	free(relay);
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

static uint64_t unix_time(void *ctx)
{
	(void)ctx;
	return (uint64_t)time(NULL);
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
	.unix_time = unix_time,
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
		int err = port_open(io->ports, &listen[i], shares, LISTENER_RECEIVE_BYTES,
				    &listener_ops, io, &io->listeners[i]);

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

	io->ports = ports_new(io->base, on_done, io);
	io->timer = evtimer_new(io->base, on_timer, io);
	err = io->ports && io->timer ? 0 : -ENOMEM;
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
	ports_free(io->ports);
	free(io);
}

struct turn_server *turn_io_server(const struct turn_io *io)
{
	return io->server;
}

uint64_t turn_io_unsent(const struct turn_io *io)
{
	return ports_unsent(io->ports);
}
