/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "net/dtls.h"
#include "net/listeners.h"
#include "net/socket.h"
#include "net/streams.h"
#include "base/log.h"

/** All clients share a socket. */
#define RECEIVE_BYTES (4 << 20)

/** struct listener - one address by one transport; @port is of UDP and DTLS, @streams of the others
 */
struct listener {
	unsigned int transport;
	struct port *port;
	struct streams *streams;
};

struct listeners {
	struct ports *ports;
	struct connections *connections;
	struct tls *tls;
	struct dtls *dtls;
	bool shares;
	size_t n;
	struct listener list[];
};

static void udp_input(void *owner, struct port *port, const struct turnpike_addr *from,
		      const struct turn_packet *packet, uint64_t now)
{
	const struct turn_tuple tuple = { .client = *from, .server = *port_addr(port) };
	struct connections *connections = owner;

	connections->ops->input(connections->ctx, &tuple, packet, now);
}

static void udp_error(void *owner, struct port *port, const struct socket_error *error,
		      uint64_t now)
{
	struct connections *connections = owner;

	(void)now;
	if (error->is_too_big)
		connections->ops->path_changed(connections->ctx, port_addr(port), &error->to);
}

static void dtls_port_input(void *owner, struct port *port, const struct turnpike_addr *from,
			    const struct turn_packet *packet, uint64_t now)
{
	dtls_input(owner, port, from, packet, now);
}

/* Nothing of DTLS is relayed by the kernel, which has learned the path MTU by itself. */
static void dtls_port_error(void *owner, struct port *port, const struct socket_error *error,
			    uint64_t now)
{
	(void)owner;
	(void)port;
	(void)error;
	(void)now;
}

static const struct port_ops udp_ops = { .input = udp_input, .error = udp_error };
static const struct port_ops dtls_ops = { .input = dtls_port_input, .error = dtls_port_error };

static int open_udp(struct listeners *listeners, const struct turnpike_addr *addr,
		    struct listener *listener)
{
	return port_open(listeners->ports, addr, listeners->shares, RECEIVE_BYTES, &udp_ops,
			 listeners->connections, &listener->port);
}

static int open_tcp(struct listeners *listeners, const struct turnpike_addr *addr,
		    struct listener *listener)
{
	return streams_open(listeners->connections, addr, listeners->shares, NULL,
			    &listener->streams);
}

static int open_tls(struct listeners *listeners, const struct turnpike_addr *addr,
		    struct listener *listener)
{
	return streams_open(listeners->connections, addr, listeners->shares, listeners->tls,
			    &listener->streams);
}

static int open_dtls(struct listeners *listeners, const struct turnpike_addr *addr,
		     struct listener *listener)
{
	if (!listeners->dtls)
		listeners->dtls = dtls_new(listeners->connections, listeners->tls);
	if (!listeners->dtls)
		return -ENOMEM;
	return port_open(listeners->ports, addr, listeners->shares, RECEIVE_BYTES, &dtls_ops,
			 listeners->dtls, &listener->port);
}

/** By enum turn_transport. */
static const struct {
	bool is_secure;
	int (*open)(struct listeners *listeners, const struct turnpike_addr *addr,
		    struct listener *listener);
} transports[TURN_TRANSPORTS] = {
	[TURN_UDP] = { false, open_udp },
	[TURN_TCP] = { false, open_tcp },
	[TURN_TLS] = { true, open_tls },
	[TURN_DTLS] = { true, open_dtls },
};

void listeners_say_why_not(const struct turnpike_addr *addr, int err)
{
	char text[ADDR_TEXT_MAX];

	addr_format(addr, text);
	if (err == -EADDRNOTAVAIL)
		log_error(
			"%s is not an address of this machine: choose one that 'ip address' lists",
			text);
	else if (err == -EADDRINUSE)
		log_error(
			"%s is taken by another program: stop it ('ss -lntup' names it), or choose "
			"another port",
			text);
	else if (err == -EACCES)
		log_error(
			"%s needs a privilege: run as root, give CAP_NET_BIND_SERVICE, or choose a "
			"port above 1023",
			text);
	else
		log_error("%s cannot be bound: %s", text, strerror(-err));
}

/** Called for each listener that is wanted; not 0 ends it. */
typedef int (*visitor)(void *arg, unsigned int transport, const struct turnpike_addr *addr);

static int for_each(const struct listen_config *config, visitor visit, void *arg)
{
	int err = 0;

	for (unsigned int i = 0; i < TURN_TRANSPORTS && !err; i++) {
		const bool is_secure = transports[i].is_secure;
		const struct turnpike_addr *addrs = is_secure ? config->secure : config->plain;
		const size_t n = is_secure ? config->n_secure : config->n_plain;

		for (size_t j = 0; j < n && !err && config->transports & 1u << i; j++)
			err = visit(arg, i, &addrs[j]);
	}
	return err;
}

static int try_one(void *arg, unsigned int transport, const struct turnpike_addr *addr)
{
	int fd, err;

	(void)arg;
	if (turn_transport_is_stream(transport))
		err = socket_listen(addr, false, &fd);
	else
		err = socket_open(addr, false, RECEIVE_BYTES, false, &fd);
	if (err)
		listeners_say_why_not(addr, err);
	else
		close(fd);
	return err;
}

int listeners_try(const struct listen_config *config)
{
	return for_each(config, try_one, NULL);
}

static int count_one(void *arg, unsigned int transport, const struct turnpike_addr *addr)
{
	(void)transport;
	(void)addr;
	++*(size_t *)arg;
	return 0;
}

size_t listeners_count(const struct listen_config *config)
{
	size_t n = 0;

	for_each(config, count_one, &n);
	return n;
}

static int open_one(void *arg, unsigned int transport, const struct turnpike_addr *addr)
{
	struct listeners *listeners = arg;
	struct listener *listener = &listeners->list[listeners->n];
	int err = transports[transport].open(listeners, addr, listener);

	listener->transport = transport;
	if (err)
		listeners_say_why_not(addr, err);
	else
		listeners->n++;
	return err;
}

int listeners_open(struct ports *ports, struct connections *connections,
		   const struct listen_config *config, bool shares, struct listeners **ret)
{
	struct listeners *listeners = calloc(
		1, sizeof(*listeners) + listeners_count(config) * sizeof(listeners->list[0]));
	int err;

	if (!listeners) {
		log_error("out of memory");
		return -ENOMEM;
	}
	listeners->ports = ports;
	listeners->connections = connections;
	listeners->tls = config->tls;
	listeners->shares = shares;
	err = for_each(config, open_one, listeners);
	if (err)
		listeners_close(listeners);
	else
		*ret = listeners;
	return err;
}

void listeners_close(struct listeners *listeners)
{
	if (!listeners)
		return;
	for (size_t i = 0; i < listeners->n; i++) {
		if (listeners->list[i].port)
			port_close(listeners->list[i].port);
		streams_close(listeners->list[i].streams);
	}
	dtls_free(listeners->dtls);
	free(listeners);
}

struct port *listeners_find_udp(const struct listeners *listeners, const struct turnpike_addr *addr)
{
	for (size_t i = 0; i < listeners->n; i++) {
		const struct listener *listener = &listeners->list[i];

		if (listener->transport == TURN_UDP && addr_equal(port_addr(listener->port), addr))
			return listener->port;
	}
	return NULL;
}
