/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file udp.h
 * A UDP socket that sends from any local address of its namespace, many datagrams per call.
 */
#ifndef TURNPIKE_BENCH_UDP_H
#define TURNPIKE_BENCH_UDP_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

/** Size of a buffer; longer datagrams are truncated. */
#define UDP_ROOM 2048

struct udp;

/** struct udp_datagram - a received datagram; @data is valid until the next udp_receive() */
struct udp_datagram {
	struct sockaddr_in from;
	const uint8_t *data;
	size_t len;
};

/**
 * udp_open() - open a socket bound to a port of all addresses
 * @namespace: path of its network namespace; NULL: the caller's
 * @port:      in host order; 0: any
 *
 * Return: 0, or a negative errno.
 */
int udp_open(const char *namespace, uint16_t port, struct udp **ret);

/** udp_close() - close the socket; @udp may be NULL */
void udp_close(struct udp *udp);

/** udp_next() - the buffer (UDP_ROOM bytes) of the datagram that udp_send() sends next */
uint8_t *udp_next(struct udp *udp);

/**
 * udp_send() - queue the datagram in udp_next(); udp_flush() sends it, or an earlier call
 * @local: source address
 */
void udp_send(struct udp *udp, struct in_addr local, const struct sockaddr_in *to, size_t len);

/**
 * udp_send_run() - the same with several datagrams of @size bytes each, of @len bytes in all
 *
 * They leave as one packet (UDP_SEGMENT), as a NIC with GRO would hand them to the server.
 */
void udp_send_run(struct udp *udp, struct in_addr local, const struct sockaddr_in *to, size_t len,
		  uint16_t size);

/** udp_flush() - send all queued datagrams; return: 0, or the negative errno of a failure */
int udp_flush(struct udp *udp);

/** udp_receive() - receive datagrams without waiting; return: their number */
unsigned int udp_receive(struct udp *udp);

/** udp_wait() - wait until one of two sockets has a datagram, for 10 ms at most */
void udp_wait(const struct udp *a, const struct udp *b);

/** udp_received() - datagram @index of the last udp_receive() */
struct udp_datagram udp_received(const struct udp *udp, unsigned int index);

#endif /* TURNPIKE_BENCH_UDP_H */
