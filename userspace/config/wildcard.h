/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file wildcard.h
 * Listening at all addresses of this machine.
 *
 * The kernel's flows, and the addresses that clients get answers from, have to be exact, so a
 * wildcard is not bound to: it is replaced by the addresses that it stands for.
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

/** wildcard_is() - whether @addr is 0.0.0.0, ::, or the same without a family, which means both */
bool wildcard_is(const struct turnpike_addr *addr);

/**
 * wildcard_expand() - put all addresses in place of the wildcards
 * @option: that they come from, for messages
 * @addrs:  with ports, which their replacements have, too; none is there twice
 * @local:  of getifaddrs()
 *
 * Taken are those of devices that are up, except loopback and link-local ones. Says one line for
 * each.
 *
 * Return: CLI_OK; or, after a sentence: CLI_USAGE if there are none for a wildcard, CLI_ERROR.
 */
enum cli_status wildcard_expand(const char *option, struct wildcard_addrs *addrs,
				const struct ifaddrs *local);

#endif /* TURNPIKE_CONFIG_WILDCARD_H */
