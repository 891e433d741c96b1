/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file udp_tx.h
 * Datagrams sent many at a time. Those that follow each other to one place cross the network stack
 * as one (UDP_SEGMENT), and are cut apart where they leave.
 */
#ifndef TURNPIKE_NET_UDP_TX_H
#define TURNPIKE_NET_UDP_TX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <turnpike/addr.h>

struct udp_tx;

/** udp_tx_new() - Return: an empty one for udp_tx_free(), or NULL without memory */
struct udp_tx *udp_tx_new(void);
void udp_tx_free(struct udp_tx *tx);

/** udp_tx_adapt() - as socket_adapt() for all sockets that are used from now on */
void udp_tx_adapt(struct udp_tx *tx, bool in_kernel);

/**
 * struct udp_tx_fields - of a datagram's IP header
 * @class:         its traffic class
 * @dont_fragment: the DF bit of IPv4; without effect in IPv6
 */
struct udp_tx_fields {
	int class;
	bool dont_fragment;
};

/**
 * udp_tx_add() - send a datagram, at the latest with udp_tx_flush()
 *
 * Datagrams of one socket leave in the order in which they came here. @data is copied.
 */
void udp_tx_add(struct udp_tx *tx, int fd, const struct turnpike_addr *to,
		struct udp_tx_fields fields, const uint8_t *data, size_t len);

/** udp_tx_is_empty() - whether all that was added has been sent */
bool udp_tx_is_empty(const struct udp_tx *tx);

/** udp_tx_flush() - send what is there; to be called before one of its sockets is closed */
void udp_tx_flush(struct udp_tx *tx);

/** udp_tx_unsent() - how many datagrams the kernel did not take, since udp_tx_new() */
uint64_t udp_tx_unsent(const struct udp_tx *tx);

#endif /* TURNPIKE_NET_UDP_TX_H */
