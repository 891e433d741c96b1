/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file wildcard.h
 * Listening on all local addresses.
 *
 * Flows in the kernel and the source of responses need exact addresses. Therefore a wildcard is
 * expanded to the local addresses that it covers, and never bound.
 */
#ifndef TURNPIKE_CONFIG_WILDCARD_H
#define TURNPIKE_CONFIG_WILDCARD_H

#include <ifaddrs.h>

#include "config/serve_config.h"

/** struct wildcard_addrs - an array of struct serve_config: @list[@n], from malloc() */
struct wildcard_addrs {
	struct turnpike_addr *list;
	size_t n;
};

/** wildcard_is() - whether @addr is 0.0.0.0, ::, or zero without a family, which covers both */
bool wildcard_is(const struct turnpike_addr *addr);

/**
 * wildcard_expand() - replace each wildcard by the local addresses that it covers
 * @option: name of the option, for messages
 * @addrs:  with ports, which the replacements keep; the result has no duplicates
 * @local:  from getifaddrs()
 *
 * Considers interfaces that are up, and skips loopback and link-local addresses. Logs each
 * replacement.
 *
 * Return: CLI_OK; after logging an error, CLI_USAGE if a wildcard covers nothing, else CLI_ERROR.
 */
enum cli_status wildcard_expand(const char *option, struct wildcard_addrs *addrs,
				const struct ifaddrs *local);

#endif /* TURNPIKE_CONFIG_WILDCARD_H */
