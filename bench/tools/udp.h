/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file udp.h
 * A UDP socket that is many hosts: it sends from any address that is local to its namespace, and
 * many datagrams a call.
 */
#ifndef TURNPIKE_BENCH_UDP_H
#define TURNPIKE_BENCH_UDP_H

#include <netinet/in.h>
#include <stddef.h>
#include <stdint.h>

/** Room for a datagram; a longer one that comes is cut short. */
#define UDP_ROOM 768

struct udp;

/** struct udp_datagram - one that came; @data is lent until more are received */
struct udp_datagram {
	struct sockaddr_in from;
	const uint8_t *data;
	size_t len;
};

/**
 * udp_open() - open a socket that is bound to a port of every address
 * @namespace: path of the network namespace that it shall be in; NULL: this one
 * @port:      in host order; 0: any
 *
 * Return: 0, or a negative errno.
 */
int udp_open(const char *namespace, uint16_t port, struct udp **ret);

/** udp_close() - close it; @udp may be NULL */
void udp_close(struct udp *udp);

/** udp_next() - UDP_ROOM bytes for the datagram that udp_send() sends next */
uint8_t *udp_next(struct udp *udp);

/**
 * udp_send() - send what was written where udp_next() said, at the latest with udp_flush()
 * @local: the address that it comes from
 */
void udp_send(struct udp *udp, struct in_addr local, const struct sockaddr_in *to, size_t len);

/** udp_flush() - send what waits; return: 0, or the negative errno of what could not be sent */
int udp_flush(struct udp *udp);

/** udp_receive() - take in what is there, without waiting; return: how many datagrams */
unsigned int udp_receive(struct udp *udp);

/** udp_received() - datagram @index of those that the last udp_receive() took in */
struct udp_datagram udp_received(const struct udp *udp, unsigned int index);

#endif /* TURNPIKE_BENCH_UDP_H */
