/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file socket.h
 * Opens UDP and TCP sockets with the options that a TURN server needs.
 */
#ifndef TURNPIKE_NET_SOCKET_H
#define TURNPIKE_NET_SOCKET_H

#include <stdbool.h>

#include <turnpike/addr.h>

/**
 * socket_open() - open a non-blocking UDP socket that is bound to @addr
 * @reuseport:     set SO_REUSEPORT, so that several sockets can be bound to @addr; each client
 *                 reaches one of them
 * @receive_bytes: size of the receive buffer
 * @in_kernel:     see socket_adapt()
 *
 * The socket reports the traffic class of received datagrams, and queues ICMP errors
 * (socket_error.h).
 *
 * Return: 0 or a negative errno of socket(2), setsockopt(2) and bind(2).
 */
int socket_open(const struct turnpike_addr *addr, bool reuseport, int receive_bytes, bool in_kernel,
		int *fd);

/**
 * socket_listen() - open a non-blocking TCP socket that listens at @addr
 * @reuseport: see socket_open()
 *
 * Accepted sockets have TCP_NODELAY, and a low TCP_NOTSENT_LOWAT.
 *
 * Return: 0 or a negative errno.
 */
int socket_listen(const struct turnpike_addr *addr, bool reuseport, int *fd);

/**
 * socket_adapt() - set the options that depend on whether the kernel relays packets
 * @family:    enum turnpike_family of the socket
 * @in_kernel: programs may relay packets; otherwise all packets pass through sockets
 *
 * If the kernel relays, the socket learns path MTUs from the ICMP errors for those packets: call
 * socket_before_sending() and socket_after_sending() around all sending.
 *
 * Otherwise the socket receives merged datagrams (UDP_GRO), which the caller must split. The kernel
 * merges before TC runs, and TC cannot relay merged datagrams.
 */
void socket_adapt(int fd, int family, bool in_kernel);

/**
 * socket_before_sending() - set or clear the DF bit of what is sent (RFC 8656 section 14)
 * @family:        enum turnpike_family of the socket
 * @dont_fragment: set DF in IPv4, regardless of the known path MTU (RFC 8656 section 18.9)
 */
void socket_before_sending(int fd, int family, bool dont_fragment);

/** socket_after_sending() - receive ICMP errors about the path MTU again */
void socket_after_sending(int fd, int family);

#endif /* TURNPIKE_NET_SOCKET_H */
