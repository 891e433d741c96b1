/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file udp_ring.h
 * Sends messages of several sockets with one system call (io_uring). sendmmsg() takes messages of
 * one socket only, and each allocation has a socket of its own.
 */
#ifndef TURNPIKE_NET_UDP_RING_H
#define TURNPIKE_NET_UDP_RING_H

#include <sys/socket.h>

struct udp_ring;

/**
 * udp_ring_new() - create a ring that can do nothing else than sendmsg()
 * @messages: the largest number of messages for a call of udp_ring_send(), a power of two
 *
 * It needs system calls that the filter of the process forbids later.
 *
 * Return: NULL if the kernel does not have io_uring, forbids it, or is out of memory.
 */
struct udp_ring *udp_ring_new(unsigned int messages);

/** udp_ring_free() - accepts NULL */
void udp_ring_free(struct udp_ring *ring);

/** udp_ring_add() - queue a message, which must remain unchanged until udp_ring_send() returns */
void udp_ring_add(struct udp_ring *ring, int fd, const struct msghdr *message);

/**
 * udp_ring_send() - send the queued messages, in order, without waiting for room in a socket
 * @results: for each message its length, or a negative errno
 */
void udp_ring_send(struct udp_ring *ring, int results[]);

#endif /* TURNPIKE_NET_UDP_RING_H */
