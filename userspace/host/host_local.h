/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file host_local.h
 * The kernel's table of local routes: what it delivers to this host instead of sending it.
 */
#ifndef TURNPIKE_HOST_HOST_LOCAL_H
#define TURNPIKE_HOST_HOST_LOCAL_H

#include <netlink/netlink.h>

#include "host/host_addresses.h"

/**
 * host_local_read() - append the prefixes of all local routes to @ret
 *
 * Return: 0 or a negative errno; -EINTR if the table has changed meanwhile.
 */
int host_local_read(struct nl_sock *sock, struct host_addresses *ret);

#endif /* TURNPIKE_HOST_HOST_LOCAL_H */
