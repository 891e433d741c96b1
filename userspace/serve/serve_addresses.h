/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file serve_addresses.h
 * The addresses that `turnpike serve` serves, of those that the host has at the moment.
 */
#ifndef TURNPIKE_SERVE_SERVE_ADDRESSES_H
#define TURNPIKE_SERVE_SERVE_ADDRESSES_H

#include <event2/event.h>

#include "config/serve_config.h"
#include "host/host_addresses.h"

struct serve_addresses;

/**
 * serve_addresses_find() - determine what can be served now
 * @config: from serve_config_parse()
 * @in_use: a server with this configuration runs, so its addresses are in use
 * @ret:    release it with endpoints_free()
 *
 * What is configured and not there is a note, not an error. Errors are those that waiting does not
 * mend: an address that another program uses, or that this process may not bind; a public address
 * that several relay addresses could belong to. They are logged.
 *
 * Return: 0 or a negative errno.
 */
int serve_addresses_find(const struct serve_config *config, const struct host_addresses *host,
			 bool in_use, struct endpoints *ret);

/**
 * serve_addresses_open() - find the addresses, and follow their changes
 * @config:  must outlive the result
 * @changed: called by the loop of @base when the addresses of the host have changed
 *
 * What is not served is logged, and all later changes are. Errors are those of
 * serve_addresses_find(), and logged.
 *
 * Return: 0 or a negative errno.
 */
int serve_addresses_open(struct event_base *base, const struct serve_config *config,
			 void (*changed)(void *arg), void *arg, struct serve_addresses **ret);

/** serve_addresses_endpoints() - what is served; valid until the loop runs again */
const struct endpoints *serve_addresses_endpoints(const struct serve_addresses *addresses);

/** serve_addresses_host() - all addresses of the host; valid until the loop runs again */
const struct host_addresses *serve_addresses_host(const struct serve_addresses *addresses);

/** serve_addresses_close() - accepts NULL */
void serve_addresses_close(struct serve_addresses *addresses);

#endif /* TURNPIKE_SERVE_SERVE_ADDRESSES_H */
