/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file outbox.h
 * Datagrams sent many at a time. Those that follow each other to one place cross the network stack
 * as one (UDP_SEGMENT), and are cut apart where they leave.
 */
#ifndef TURNPIKE_NET_UDP_TX_H
#define TURNPIKE_NET_UDP_TX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <turnpike/addr.h>

struct outbox;

/** outbox_new() - Return: an empty one for outbox_free(), or NULL without memory */
struct outbox *outbox_new(void);
void outbox_free(struct outbox *outbox);

/** outbox_adapt() - as socket_adapt() for all sockets that are used from now on */
void outbox_adapt(struct outbox *outbox, bool in_kernel);

/**
 * struct outbox_fields - of a datagram's IP header
 * @class:         its traffic class
 * @dont_fragment: the DF bit of IPv4; without effect in IPv6
 */
struct outbox_fields {
	int class;
	bool dont_fragment;
};

/**
 * outbox_add() - send a datagram, at the latest with outbox_flush()
 *
 * Datagrams of one socket leave in the order in which they came here. @data is copied.
 */
void outbox_add(struct outbox *outbox, int fd, const struct turnpike_addr *to,
		struct outbox_fields fields, const uint8_t *data, size_t len);

/** outbox_is_empty() - whether all that was added has been sent */
bool outbox_is_empty(const struct outbox *outbox);

/** outbox_flush() - send what is there; to be called before one of its sockets is closed */
void outbox_flush(struct outbox *outbox);

/** outbox_unsent() - how many datagrams the kernel did not take, since outbox_new() */
uint64_t outbox_unsent(const struct outbox *outbox);

#endif /* TURNPIKE_NET_UDP_TX_H */
