/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file socket_error.h
 * What a socket of socket_open() has been told by ICMP about datagrams that were sent from it: by
 * itself, or by the programs in the kernel, whose packets look the same. What is too big for this
 * host to send with DF is told alike.
 */
#ifndef TURNPIKE_NET_SOCKET_ERROR_H
#define TURNPIKE_NET_SOCKET_ERROR_H

#include <stdbool.h>

#include "turn/turn.h"

/**
 * struct socket_error - an ICMP error
 * @to:         where the datagram had been sent
 * @icmp:       the error
 * @is_too_big: the kernel knows another path MTU now
 */
struct socket_error {
	struct turnpike_addr to;
	struct turn_icmp icmp;
	bool is_too_big;
};

/**
 * socket_error_next() - take the next error out of a socket's queue; does not block
 *
 * Return: false if there is none.
 */
bool socket_error_next(int fd, struct socket_error *ret);

#endif /* TURNPIKE_NET_SOCKET_ERROR_H */
