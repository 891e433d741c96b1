/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/log.h"
#include "net/dtls.h"
#include "net/listeners.h"
#include "net/socket.h"
#include "net/streams.h"

/** Receive buffer of a UDP or DTLS socket, which all clients of a worker share. */
#define RECEIVE_BYTES (4 << 20)

/** struct listener - one transport at one address; UDP and DTLS have @sock, the others @streams */
struct listener {
	unsigned int transport;
	struct turnpike_addr addr;
	struct udp_socket *sock;
	struct streams *streams;
};

struct listeners {
	struct udp_sockets *sockets;
	struct connections *connections;
	struct tls *tls;
	struct dtls *dtls;
	bool reuseport;
	struct listener *list;
	size_t n;
};

static void udp_input(void *owner, struct udp_socket *sock, const struct turnpike_addr *from,
		      const struct turn_packet *packet, uint64_t now)
{
	const struct turn_tuple tuple = { .client = *from, .server = *udp_socket_addr(sock) };
	struct connections *connections = owner;

	if (!connections_denies(connections, from))
		connections->ops->input(connections->ctx, &tuple, packet, now);
}

static void udp_error(void *owner, struct udp_socket *sock, const struct socket_error *error,
		      uint64_t now)
{
	struct connections *connections = owner;

	(void)now;
	if (error->is_too_big)
		connections->ops->path_changed(connections->ctx, udp_socket_addr(sock), &error->to);
}

static void dtls_socket_input(void *owner, struct udp_socket *sock,
			      const struct turnpike_addr *from, const struct turn_packet *packet,
			      uint64_t now)
{
	const struct listeners *listeners = owner;

	if (!connections_denies(listeners->connections, from))
		dtls_input(listeners->dtls, sock, from, packet, now);
}

/* The kernel has updated the path MTU itself, and the datapath does not relay DTLS. */
static void dtls_socket_error(void *owner, struct udp_socket *sock,
			      const struct socket_error *error, uint64_t now)
{
	(void)owner;
	(void)sock;
	(void)error;
	(void)now;
}

static const struct udp_socket_kind udp_kind = {
	.receive_bytes = RECEIVE_BYTES,
	.input = udp_input,
	.error = udp_error,
};

static const struct udp_socket_kind dtls_kind = {
	.receive_bytes = RECEIVE_BYTES,
	.input = dtls_socket_input,
	.error = dtls_socket_error,
};

static int open_udp(struct listeners *listeners, const struct turnpike_addr *addr,
		    struct listener *listener)
{
	return udp_socket_open(listeners->sockets, addr, listeners->reuseport, &udp_kind,
			       listeners->connections, &listener->sock);
}

static int open_tcp(struct listeners *listeners, const struct turnpike_addr *addr,
		    struct listener *listener)
{
	return streams_open(listeners->connections, addr, listeners->reuseport, NULL,
			    &listener->streams);
}

static int open_tls(struct listeners *listeners, const struct turnpike_addr *addr,
		    struct listener *listener)
{
	return streams_open(listeners->connections, addr, listeners->reuseport, listeners->tls,
			    &listener->streams);
}

static int open_dtls(struct listeners *listeners, const struct turnpike_addr *addr,
		     struct listener *listener)
{
	if (!listeners->dtls)
		listeners->dtls = dtls_new(listeners->connections, listeners->tls);
	if (!listeners->dtls)
		return -ENOMEM;
	return udp_socket_open(listeners->sockets, addr, listeners->reuseport, &dtls_kind,
			       listeners, &listener->sock);
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

void listeners_log_bind_error(const struct turnpike_addr *addr, int err)
{
	char text[ADDR_TEXT_MAX];

	addr_format(addr, text);
	if (err == -EADDRNOTAVAIL)
		log_error("%s is not a local address: use one from 'ip address'", text);
	else if (err == -EADDRINUSE)
		log_error("%s is in use: stop the program that 'ss -lntup' shows, or use another "
			  "port",
			  text);
	else if (err == -EACCES)
		log_error("cannot bind to %s: run as root or with CAP_NET_BIND_SERVICE, or use a "
			  "port above 1023",
			  text);
	else
		log_error("cannot bind to %s: %s", text, strerror(-err));
}

/** struct addresses - those of one transport */
struct addresses {
	const struct turnpike_addr *list;
	size_t n;
};

static struct addresses addresses_of(const struct listen_config *config, unsigned int transport)
{
	if (!(config->transports & 1u << transport))
		return (struct addresses){ 0 };
	return transports[transport].is_secure
		       ? (struct addresses){ config->secure, config->n_secure }
		       : (struct addresses){ config->plain, config->n_plain };
}

static int try_one(unsigned int transport, const struct turnpike_addr *addr)
{
	int fd, err;

	if (turn_transport_is_stream(transport))
		err = socket_listen(addr, false, &fd);
	else
		err = socket_open(addr, false, RECEIVE_BYTES, false, &fd);
	if (!err)
		close(fd);
	return err;
}

int listeners_try(unsigned int enabled, bool is_secure, const struct turnpike_addr *addr)
{
	int err = 0;

	for (unsigned int i = 0; i < TURN_TRANSPORTS && !err; i++) {
		if (enabled & 1u << i && transports[i].is_secure == is_secure)
			err = try_one(i, addr);
	}
	return err;
}

static bool is_open(const struct listeners *listeners, unsigned int transport,
		    const struct turnpike_addr *addr)
{
	for (size_t i = 0; i < listeners->n; i++) {
		if (listeners->list[i].transport == transport &&
		    addr_equal(&listeners->list[i].addr, addr))
			return true;
	}
	return false;
}

static int open_one(struct listeners *listeners, unsigned int transport,
		    const struct turnpike_addr *addr)
{
	struct listener listener = { .transport = transport, .addr = *addr };
	struct listener *grown =
		reallocarray(listeners->list, listeners->n + 1, sizeof(*listeners->list));
	int err = -ENOMEM;

	if (grown) {
		listeners->list = grown;
		err = transports[transport].open(listeners, addr, &listener);
	}
	if (err)
		listeners_log_bind_error(addr, err);
	else
		listeners->list[listeners->n++] = listener;
	return err;
}

static void close_one(struct listeners *listeners, const struct listener *listener)
{
	if (listener->transport == TURN_DTLS)
		dtls_forget(listeners->dtls, listener->sock);
	if (listener->sock)
		udp_socket_close(listener->sock);
	streams_close(listener->streams);
}

/* Backwards, since the last listener takes the place of a closed one. */
static void close_others(struct listeners *listeners, const struct listen_config *config)
{
	for (size_t i = listeners->n; i-- > 0;) {
		const struct listener listener = listeners->list[i];
		const struct addresses wanted = addresses_of(config, listener.transport);

		if (addr_list_has(wanted.list, wanted.n, &listener.addr))
			continue;
		listeners->list[i] = listeners->list[--listeners->n];
		close_one(listeners, &listener);
	}
}

int listeners_update(struct listeners *listeners, const struct listen_config *config)
{
	int first = 0, err;

	close_others(listeners, config);
	for (unsigned int i = 0; i < TURN_TRANSPORTS; i++) {
		const struct addresses addresses = addresses_of(config, i);

		for (size_t j = 0; j < addresses.n; j++) {
			if (is_open(listeners, i, &addresses.list[j]))
				continue;
			err = open_one(listeners, i, &addresses.list[j]);
			first = first ? first : err;
		}
	}
	return first;
}

int listeners_open(struct udp_sockets *sockets, struct connections *connections,
		   const struct listen_config *config, bool reuseport, struct listeners **ret)
{
	struct listeners *listeners = calloc(1, sizeof(*listeners));
	int err;

	if (!listeners) {
		log_error("out of memory");
		return -ENOMEM;
	}
	listeners->sockets = sockets;
	listeners->connections = connections;
	listeners->tls = config->tls;
	listeners->reuseport = reuseport;
	err = listeners_update(listeners, config);
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
	for (size_t i = 0; i < listeners->n; i++)
		close_one(listeners, &listeners->list[i]);
	dtls_free(listeners->dtls);
	free(listeners->list);
	free(listeners);
}

struct udp_socket *listeners_find_udp(const struct listeners *listeners,
				      const struct turnpike_addr *addr)
{
	for (size_t i = 0; i < listeners->n; i++) {
		const struct listener *listener = &listeners->list[i];

		if (listener->transport == TURN_UDP &&
		    addr_equal(udp_socket_addr(listener->sock), addr))
			return listener->sock;
	}
	return NULL;
}
