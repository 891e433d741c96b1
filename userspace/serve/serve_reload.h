/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file serve_reload.h
 * SIGHUP: applies a changed configuration without a restart.
 */
#ifndef TURNPIKE_SERVE_SERVE_RELOAD_H
#define TURNPIKE_SERVE_SERVE_RELOAD_H

#include "config/serve_config.h"
#include "net/certificate.h"
#include "process/workers.h"
#include "serve/serve_addresses.h"

/**
 * struct serve_reload - what a reload changes
 * @config:      as last read
 * @addresses:   of this host
 * @listen:      the listeners of @addresses, and the clients that they deny
 * @max_relays:  limit that serve_turn_relays() must not exceed
 * @certificate: NULL if there is none
 */
struct serve_reload {
	struct serve_config *config;
	const struct serve_addresses *addresses;
	struct listen_config *listen;
	uint32_t max_relays;
	struct datapath *datapath;
	struct workers *workers;
	struct certificate *certificate;
};

/**
 * serve_reload() - read configuration and certificate again, and apply the changes
 *
 * Permissions for peers that are now denied end. So do allocations whose user or secret has gone,
 * unless removed users are kept, and those of clients that are now denied. Logs the changes, and
 * the options that require a restart. On any error, logs it and changes nothing.
 */
void serve_reload(const struct serve_reload *reload);

/**
 * serve_reload_addresses() - apply changed addresses of this host
 *
 * Listeners and relay addresses appear and disappear; no allocation ends. Its own addresses are
 * not valid peers. Errors are logged.
 */
void serve_reload_addresses(const struct serve_reload *reload);

/** serve_set_log() - configure the log */
void serve_set_log(const struct serve_config *config);

#endif /* TURNPIKE_SERVE_SERVE_RELOAD_H */
