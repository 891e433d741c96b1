/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file udp_rx.h
 * Receives datagrams in batches, and splits those that the kernel has merged (UDP_GRO).
 */
#ifndef TURNPIKE_NET_UDP_RX_H
#define TURNPIKE_NET_UDP_RX_H

#include <stdbool.h>

#include "net/udp_tx.h"
#include "turn/types.h"

struct udp_rx;

/** udp_rx_new() - create a receiver; Return: NULL if out of memory */
struct udp_rx *udp_rx_new(void);

/** udp_rx_free() - accepts NULL */
void udp_rx_free(struct udp_rx *rx);

/** Messages per call, at most. More would save little, and evict relayed data from the cache. */
#define UDP_RX_MESSAGES 16
/** Datagrams of a batch, roughly: relaying them takes a fraction of a millisecond. */
#define UDP_RX_DATAGRAMS 256

/**
 * udp_rx_receive() - receive a batch from a socket; discards the rest of the previous batch
 * @messages: 1 to UDP_RX_MESSAGES, each of which may have many datagrams
 *
 * Return: how many messages there are. None may also mean a pending ICMP error; then another call
 * may receive datagrams.
 */
unsigned int udp_rx_receive(struct udp_rx *rx, int fd, unsigned int messages);

/**
 * udp_rx_next() - get the next datagram of the batch
 * @packet: valid until the next call, with TURN_HEADROOM and TURN_TAILROOM around it
 * @from:   its source
 *
 * Return: false after the last one.
 */
bool udp_rx_next(struct udp_rx *rx, struct turn_packet *packet, struct turnpike_addr *from);

/**
 * udp_rx_messages() - how many messages to receive next from the socket of this batch
 *
 * Other sockets wait while a batch is relayed. So it has some UDP_RX_DATAGRAMS, even if somebody
 * floods the server with runs that the kernel merges.
 */
unsigned int udp_rx_messages(const struct udp_rx *rx);

/** udp_rx_datagrams() - how many datagrams of this batch udp_rx_next() has returned */
unsigned int udp_rx_datagrams(const struct udp_rx *rx);

/**
 * udp_rx_fields() - get the IP header fields for sending @data
 *
 * Data inside the buffer of the last udp_rx_next() is relayed. It keeps its traffic class,
 * including ECN, and its TTL minus one, which the caller has found not to be 0. Other data gets
 * defaults.
 */
struct udp_tx_fields udp_rx_fields(const struct udp_rx *rx, const uint8_t *data);

#endif /* TURNPIKE_NET_UDP_RX_H */
