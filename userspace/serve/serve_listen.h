/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file serve_listen.h
 * What the workers of `turnpike serve` listen with: the certificate, and how many may connect.
 */
#ifndef TURNPIKE_SERVE_SERVE_LISTEN_H
#define TURNPIKE_SERVE_SERVE_LISTEN_H

#include "config/serve_config.h"
#include "net/listeners.h"

/**
 * struct serve_listen - all zero to begin with
 * @certificate: NULL without --listen-tls; certificate_reload() is for SIGHUP
 * @listen:      for workers_open()
 */
struct serve_listen {
	struct certificate *certificate;
	struct listen_config listen;
};

/**
 * serve_listen_open() - read the certificate, and watch it from the loop of @base
 * @config:          has to outlive the result
 * @max_connections: of TCP, TLS and DTLS together, at the same time
 *
 * On error a sentence has been said. Return: 0 or a negative errno; close it in either case.
 */
int serve_listen_open(struct serve_listen *listen, const struct serve_config *config,
		      uint32_t max_connections, struct event_base *base);

/** serve_listen_check() - read the certificate and forget it; otherwise as serve_listen_open() */
int serve_listen_check(const struct serve_config *config);

/** serve_listen_close() - after the workers, and before the loop */
void serve_listen_close(struct serve_listen *listen);

#endif /* TURNPIKE_SERVE_SERVE_LISTEN_H */
