/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file serve_listen.h
 * What all listeners of `turnpike serve` share: certificate and connection limits.
 */
#ifndef TURNPIKE_SERVE_SERVE_LISTEN_H
#define TURNPIKE_SERVE_SERVE_LISTEN_H

#include "config/serve_config.h"
#include "net/listeners.h"

/**
 * struct serve_listen - zero before serve_listen_open()
 * @certificate: NULL without --listen-tls; SIGHUP calls certificate_reload()
 * @listen:      argument of workers_open()
 */
struct serve_listen {
	struct certificate *certificate;
	struct listen_config listen;
};

/**
 * serve_listen_open() - load the certificate, and watch its files from the loop of @base
 * @max_connections: simultaneous TCP, TLS and DTLS connections
 *
 * Errors are logged. Return: 0 or a negative errno; call serve_listen_close() in either case.
 */
int serve_listen_open(struct serve_listen *listen, const struct serve_config *config,
		      uint32_t max_connections, struct event_base *base);

/** serve_listen_at() - listen at @endpoints, whose memory is borrowed */
void serve_listen_at(struct serve_listen *listen, const struct endpoints *endpoints);

/** serve_listen_check() - load the certificate and discard it; returns as serve_listen_open() */
int serve_listen_check(const struct serve_config *config);

/** serve_listen_close() - call it after workers_close() and before freeing the loop */
void serve_listen_close(struct serve_listen *listen);

#endif /* TURNPIKE_SERVE_SERVE_LISTEN_H */
