/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file inbox.h
 * Datagrams received many at a time. Those that the kernel has merged (UDP_GRO) come out one by
 * one.
 */
#ifndef TURNPIKE_NET_UDP_RX_H
#define TURNPIKE_NET_UDP_RX_H

#include <stdbool.h>

#include "turn/turn.h"

struct inbox;

/** inbox_new() - Return: an empty one for inbox_free(), or NULL without memory */
struct inbox *inbox_new(void);
void inbox_free(struct inbox *inbox);

/**
 * inbox_receive() - take in what has come for a socket; what was not looked at before is gone
 *
 * Return: whether there is anything. There is not, too, if an ICMP error has come, and then there
 * may be the next time.
 */
bool inbox_receive(struct inbox *inbox, int fd);

/**
 * inbox_next() - the next datagram of the last inbox_receive()
 * @packet: valid, as is what the core builds around it, until the next call
 * @from:   where it came from
 *
 * Return: false if that was all.
 */
bool inbox_next(struct inbox *inbox, struct turn_packet *packet, struct turnpike_addr *from);

/**
 * inbox_class() - the traffic class that @data is to leave with
 *
 * What lies around the datagram of the last inbox_next() is relayed and keeps its class, ECN
 * included; all else has none.
 */
int inbox_class(const struct inbox *inbox, const uint8_t *data);

#endif /* TURNPIKE_NET_UDP_RX_H */
