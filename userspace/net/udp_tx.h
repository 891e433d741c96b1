/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file udp_tx.h
 * Sends datagrams in batches. Those of one socket to one destination cross the network stack as one
 * message (UDP_SEGMENT), which is segmented at the device.
 */
#ifndef TURNPIKE_NET_UDP_TX_H
#define TURNPIKE_NET_UDP_TX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <turnpike/addr.h>

struct udp_tx;

/** udp_tx_new() - create an empty queue; Return: NULL if out of memory */
struct udp_tx *udp_tx_new(void);

/** udp_tx_free() - drop queued datagrams and free the queue; accepts NULL */
void udp_tx_free(struct udp_tx *tx);

/**
 * udp_tx_adapt() - flush, because socket_adapt() is called for all sockets
 * @in_kernel: argument of socket_adapt(); initially false
 */
void udp_tx_adapt(struct udp_tx *tx, bool in_kernel);

/**
 * struct udp_tx_fields - fields of a datagram's IP header
 * @class:         traffic class, including ECN
 * @ttl:           TTL or hop limit; 0: the default of the host
 * @dont_fragment: DF bit of IPv4; no effect in IPv6
 */
struct udp_tx_fields {
	int class;
	int ttl;
	bool dont_fragment;
};

/**
 * udp_tx_add() - queue a copy of a datagram, which udp_tx_flush() sends at the latest
 *
 * Those of one socket to one destination are sent in order.
 */
void udp_tx_add(struct udp_tx *tx, int fd, const struct turnpike_addr *to,
		struct udp_tx_fields fields, const uint8_t *data, size_t len);

/** udp_tx_is_empty() - whether nothing is queued */
bool udp_tx_is_empty(const struct udp_tx *tx);

/** udp_tx_flush() - send everything queued; must be called before one of the sockets is closed */
void udp_tx_flush(struct udp_tx *tx);

/** udp_tx_unsent() - number of datagrams that the kernel rejected since udp_tx_new() */
uint64_t udp_tx_unsent(const struct udp_tx *tx);

#endif /* TURNPIKE_NET_UDP_TX_H */
