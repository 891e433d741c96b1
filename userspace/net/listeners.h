/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file listeners.h
 * The listening sockets of one worker, of all transports.
 */
#ifndef TURNPIKE_NET_LISTENERS_H
#define TURNPIKE_NET_LISTENERS_H

#include "net/connections.h"
#include "net/tls.h"
#include "net/udp_sockets.h"

/**
 * struct listen_config - where to listen; @tls and @admission must outlive the listeners
 * @plain:      addresses for UDP and TCP, with ports and without wildcards
 * @secure:     addresses for TLS and DTLS, likewise
 * @transports: bit 1 << enum turn_transport for each transport to serve
 * @tls:        may be NULL if @n_secure is 0
 * @admission:  shared by all workers
 * @denied:     clients that get no service; NULL: none. See connections_deny()
 */
struct listen_config {
	const struct turnpike_addr *plain;
	size_t n_plain;
	const struct turnpike_addr *secure;
	size_t n_secure;
	unsigned int transports;
	struct tls *tls;
	struct admission *admission;
	struct cidr_set *denied;
};

struct listeners;

/**
 * listeners_try() - check that an address can be bound without SO_REUSEPORT
 * @enabled:   transports as in struct listen_config
 * @is_secure: for TLS and DTLS instead of UDP and TCP
 *
 * Call it before listening there: with SO_REUSEPORT, a second server on the same address would
 * go unnoticed. Return: 0 or a negative errno, see listeners_log_bind_error().
 */
int listeners_try(unsigned int enabled, bool is_secure, const struct turnpike_addr *addr);

/**
 * listeners_open() - listen on all addresses
 * @connections: TCP, TLS and DTLS clients are added to it; its ops also receive UDP datagrams
 * @reuseport:   other workers of this process listen on the same addresses
 *
 * Errors are logged. Return: 0 or a negative errno.
 */
int listeners_open(struct udp_sockets *sockets, struct connections *connections,
		   const struct listen_config *config, bool reuseport, struct listeners **ret);

/**
 * listeners_update() - listen on the addresses of @config only
 * @config: new addresses and transports; the rest is as before
 *
 * Connections stay open. Errors are logged, and other addresses are served all the same.
 *
 * Return: 0 or the first negative errno.
 */
int listeners_update(struct listeners *listeners, const struct listen_config *config);

/** listeners_close() - stop listening; call connections_close() first; accepts NULL */
void listeners_close(struct listeners *listeners);

/** listeners_find_udp() - the UDP socket that is bound to @addr, or NULL */
struct udp_socket *listeners_find_udp(const struct listeners *listeners,
				      const struct turnpike_addr *addr);

/** listeners_log_bind_error() - log why @addr cannot be bound, with a remedy */
void listeners_log_bind_error(const struct turnpike_addr *addr, int err);

#endif /* TURNPIKE_NET_LISTENERS_H */
