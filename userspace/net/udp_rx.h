/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file udp_rx.h
 * Datagrams received many at a time. Those that the kernel has merged (UDP_GRO) come out one by
 * one.
 */
#ifndef TURNPIKE_NET_UDP_RX_H
#define TURNPIKE_NET_UDP_RX_H

#include <stdbool.h>

#include "turn/turn.h"

struct udp_rx;

/** udp_rx_new() - Return: an empty one for udp_rx_free(), or NULL without memory */
struct udp_rx *udp_rx_new(void);
void udp_rx_free(struct udp_rx *rx);

/**
 * udp_rx_receive() - take in what has come for a socket; what was not looked at before is gone
 *
 * Return: whether there is anything. There is not, too, if an ICMP error has come, and then there
 * may be the next time.
 */
bool udp_rx_receive(struct udp_rx *rx, int fd);

/**
 * udp_rx_next() - the next datagram of the last udp_rx_receive()
 * @packet: valid, as is what the core builds around it, until the next call
 * @from:   where it came from
 *
 * Return: false if that was all.
 */
bool udp_rx_next(struct udp_rx *rx, struct turn_packet *packet, struct turnpike_addr *from);

/**
 * udp_rx_class() - the traffic class that @data is to leave with
 *
 * What lies around the datagram of the last udp_rx_next() is relayed and keeps its class, ECN
 * included; all else has none.
 */
int udp_rx_class(const struct udp_rx *rx, const uint8_t *data);

#endif /* TURNPIKE_NET_UDP_RX_H */
