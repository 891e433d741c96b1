/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file socket.h
 * UDP sockets as a relay needs them.
 */
#ifndef TURNPIKE_IO_SOCKET_H
#define TURNPIKE_IO_SOCKET_H

#include <stdbool.h>

#include <turnpike/addr.h>

/**
 * socket_open() - open a non-blocking UDP socket that is bound to @addr
 * @receive_bytes: size of its receive buffer
 * @learns:        the kernel relays packets of others from @addr: learn the MTU of their paths
 *
 * The socket tells the traffic class of what it receives, and queues ICMP errors (socket_error.h).
 * If it @learns, call socket_before_sending() and socket_after_sending() around all sending.
 *
 * Return: 0 or a negative errno of socket(2), setsockopt(2) and bind(2).
 */
int socket_open(const struct turnpike_addr *addr, int receive_bytes, bool learns, int *fd);

/**
 * socket_before_sending() - let what is sent be fragmented on its way (RFC 8656 section 14)
 * @family: AF_INET or AF_INET6, of the socket
 */
void socket_before_sending(int fd, int family);

/** socket_after_sending() - be told of path MTUs again */
void socket_after_sending(int fd, int family);

#endif /* TURNPIKE_IO_SOCKET_H */
