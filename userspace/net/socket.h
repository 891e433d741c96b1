/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file socket.h
 * UDP sockets as a relay needs them, and TCP sockets for those who cannot use UDP.
 */
#ifndef TURNPIKE_NET_SOCKET_H
#define TURNPIKE_NET_SOCKET_H

#include <stdbool.h>

#include <turnpike/addr.h>

/**
 * socket_open() - open a non-blocking UDP socket that is bound to @addr
 * @shares:        sockets of this user that do so, too, can be bound to @addr as well, and each
 *                 gets some of the senders (SO_REUSEPORT)
 * @receive_bytes: size of its receive buffer
 * @in_kernel:     as of socket_adapt()
 *
 * The socket tells the traffic class of what it receives, and queues ICMP errors (socket_error.h).
 *
 * Return: 0 or a negative errno of socket(2), setsockopt(2) and bind(2).
 */
int socket_open(const struct turnpike_addr *addr, bool shares, int receive_bytes, bool in_kernel,
		int *fd);

/**
 * socket_listen() - open a non-blocking TCP socket that listens at @addr
 * @shares: as of socket_open()
 *
 * What it accepts sends without delay, and holds no more than is of use to anybody.
 *
 * Return: 0 or a negative errno.
 */
int socket_listen(const struct turnpike_addr *addr, bool shares, int *fd);

/**
 * socket_adapt() - make the best of whether programs in the kernel relay packets, too
 * @family:    enum turnpike_family of the socket
 * @in_kernel: they may; otherwise all goes through sockets
 *
 * With them it learns the MTUs of their paths: call socket_before_sending() and
 * socket_after_sending() around all sending. Without them datagrams are merged on their way to the
 * socket (UDP_GRO), and what it then receives has to be split. TC comes after that, and cannot
 * relay what is merged.
 */
void socket_adapt(int fd, int family, bool in_kernel);

/**
 * socket_before_sending() - let what is sent be fragmented on its way (RFC 8656 section 14), or not
 * @family:        enum turnpike_family of the socket
 * @dont_fragment: in IPv4, whatever path MTU is known (RFC 8656 section 18.9)
 */
void socket_before_sending(int fd, int family, bool dont_fragment);

/** socket_after_sending() - be told of path MTUs again */
void socket_after_sending(int fd, int family);

#endif /* TURNPIKE_NET_SOCKET_H */
