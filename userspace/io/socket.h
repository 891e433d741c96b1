/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file socket.h
 * UDP sockets as a relay needs them.
 */
#ifndef TURNPIKE_IO_SOCKET_H
#define TURNPIKE_IO_SOCKET_H

#include <turnpike/addr.h>

/**
 * socket_open() - open a non-blocking UDP socket that is bound to @addr
 * @receive_bytes: size of its receive buffer
 *
 * The socket tells the traffic class of what it receives and lets what it sends be fragmented.
 *
 * Return: 0 or a negative errno of socket(2), setsockopt(2) and bind(2).
 */
int socket_open(const struct turnpike_addr *addr, int receive_bytes, int *fd);

#endif /* TURNPIKE_IO_SOCKET_H */
