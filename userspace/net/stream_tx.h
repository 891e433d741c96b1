/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file stream_tx.h
 * What is to be sent in a stream. One call of the kernel sends all that a round of the event loop
 * has added; memory is held from then on only for a client that does not read.
 */
#ifndef TURNPIKE_NET_STREAM_TX_H
#define TURNPIKE_NET_STREAM_TX_H

#include <stddef.h>
#include <stdint.h>

/** struct stream_tx - @data: @size bytes, of which those from @start to @end have not been sent */
struct stream_tx {
	uint8_t *data;
	size_t start;
	size_t end;
	size_t size;
};

/** stream_tx_len() - number of bytes to send */
static inline size_t stream_tx_len(const struct stream_tx *tx)
{
	return tx->end - tx->start;
}

/** stream_tx_add() - add a copy of @data; Return: 0 or -ENOMEM */
int stream_tx_add(struct stream_tx *tx, const uint8_t *data, size_t len);

/** stream_tx_send() - Return: 0 if everything has been sent, -EAGAIN, or another negative errno */
int stream_tx_send(struct stream_tx *tx, int fd);

/** stream_tx_free() - drop what has not been sent */
void stream_tx_free(struct stream_tx *tx);

#endif /* TURNPIKE_NET_STREAM_TX_H */
