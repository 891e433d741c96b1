/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file stream.h
 * The connection of a TCP or TLS client.
 */
#ifndef TURNPIKE_NET_STREAM_H
#define TURNPIKE_NET_STREAM_H

#include "net/connections.h"
#include "net/tls.h"

/**
 * stream_open() - serve a client that has connected
 * @tls: NULL for TCP
 * @fd:  its socket, non-blocking; the connection closes it
 *
 * Return: 0, or a negative errno; then the caller keeps @fd.
 */
int stream_open(struct connections *connections, struct tls *tls, int fd,
		const struct turn_tuple *tuple);

/** stream_reset_at_close() - let close(2) end the connection at once, without sending the rest */
void stream_reset_at_close(int fd);

#endif /* TURNPIKE_NET_STREAM_H */
