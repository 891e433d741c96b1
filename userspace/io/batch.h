/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file batch.h
 * Datagrams received and sent many at a time. What is relayed never leaves the buffer that it was
 * received into.
 */
#ifndef TURNPIKE_IO_BATCH_H
#define TURNPIKE_IO_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "turn/turn.h"

/** One set of receive buffers, and the queue of datagrams to be sent. */
struct batch;

/**
 * batch_new() - Return: a batch for batch_free(), or NULL without memory.
 * @learns: as of the sockets, see socket_open()
 */
struct batch *batch_new(bool learns);
void batch_free(struct batch *batch);

/**
 * batch_receive() - receive what is there, into buffers that nothing queued lies in any more
 *
 * Return: the number of datagrams, 0 if there are none. That is also so if an ICMP error has come,
 * and then there are datagrams the next time.
 */
unsigned int batch_receive(struct batch *batch, int fd);

/**
 * batch_packet() - datagram @index of the last batch_receive(); batch_send() now acts for it
 * @from: where it came from
 */
struct turn_packet batch_packet(struct batch *batch, unsigned int index,
				struct turnpike_addr *from);

/**
 * batch_send() - send a datagram, at the latest with batch_flush()
 *
 * @data inside the current packet's buffer is relayed: it goes out with the traffic class that the
 * packet came in with. Any other @data is sent before this returns.
 */
void batch_send(struct batch *batch, int fd, const struct turnpike_addr *to, const uint8_t *data,
		size_t len);

/** batch_flush() - send all that is queued; to be called before one of its sockets is closed */
void batch_flush(struct batch *batch);

/** batch_unsent() - how many datagrams the kernel did not take, since batch_new() */
uint64_t batch_unsent(const struct batch *batch);

#endif /* TURNPIKE_IO_BATCH_H */
