/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file streams.h
 * Connections of TCP and TLS clients.
 */
#ifndef TURNPIKE_NET_STREAMS_H
#define TURNPIKE_NET_STREAMS_H

#include "net/connections.h"
#include "net/tls.h"

struct streams;

/**
 * streams_open() - listen on an address
 * @reuseport: other workers of this process listen on the same address
 * @tls:       NULL for TCP
 *
 * Return: 0 or a negative errno.
 */
int streams_open(struct connections *connections, const struct turnpike_addr *addr, bool reuseport,
		 struct tls *tls, struct streams **ret);

/** streams_close() - stop listening; connections stay open; accepts NULL */
void streams_close(struct streams *streams);

#endif /* TURNPIKE_NET_STREAMS_H */
