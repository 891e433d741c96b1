/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file socket_error.h
 * Reads the ICMP errors of sockets from socket_open(). They concern datagrams of the socket itself,
 * and packets that the kernel relayed with its address. A datagram that this host cannot send with
 * DF because it is too big is reported as an ICMP error, too.
 */
#ifndef TURNPIKE_NET_SOCKET_ERROR_H
#define TURNPIKE_NET_SOCKET_ERROR_H

#include <stdbool.h>

#include "turn/types.h"

/**
 * struct socket_error - an ICMP error
 * @to:         destination of the datagram
 * @icmp:       the error
 * @is_too_big: the kernel has updated the path MTU
 */
struct socket_error {
	struct turnpike_addr to;
	struct turn_icmp icmp;
	bool is_too_big;
};

/**
 * socket_error_next() - remove the next error from the queue of a socket, without blocking
 *
 * Return: false if the queue is empty.
 */
bool socket_error_next(int fd, struct socket_error *ret);

#endif /* TURNPIKE_NET_SOCKET_ERROR_H */
