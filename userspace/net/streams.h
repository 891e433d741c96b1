/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file streams.h
 * Clients on TCP and TLS: connections whose messages follow each other without bounds of their own.
 */
#ifndef TURNPIKE_NET_STREAMS_H
#define TURNPIKE_NET_STREAMS_H

#include "net/connections.h"
#include "net/tls.h"

struct streams;

/**
 * streams_open() - listen at an address
 * @shares: others of this process listen there, too
 * @tls:    NULL: TCP
 *
 * Return: 0 or a negative errno.
 */
int streams_open(struct connections *connections, const struct turnpike_addr *addr, bool shares,
		 struct tls *tls, struct streams **ret);

/** streams_close() - listen no more; connections stay. NULL is fine */
void streams_close(struct streams *streams);

#endif /* TURNPIKE_NET_STREAMS_H */
