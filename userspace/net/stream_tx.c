/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "net/stream_tx.h"

#define SIZE_MIN 2048

/* Makes room for @len bytes at the end. */
static int reserve(struct stream_tx *tx, size_t len)
{
	size_t size = tx->size ? tx->size : SIZE_MIN;
	uint8_t *grown;

	if (tx->start > 0) {
		memmove(tx->data, tx->data + tx->start, stream_tx_len(tx));
		tx->end -= tx->start;
		tx->start = 0;
	}
	while (size < tx->end + len)
		size *= 2;
	if (size == tx->size)
		return 0;
	grown = realloc(tx->data, size);
	if (!grown)
		return -ENOMEM;
	tx->data = grown;
	tx->size = size;
	return 0;
}

int stream_tx_add(struct stream_tx *tx, const uint8_t *data, size_t len)
{
	if (tx->size - tx->end < len && reserve(tx, len))
		return -ENOMEM;
	memcpy(tx->data + tx->end, data, len);
	tx->end += len;
	return 0;
}

int stream_tx_send(struct stream_tx *tx, int fd)
{
	while (stream_tx_len(tx) > 0) {
		const ssize_t sent =
			send(fd, tx->data + tx->start, stream_tx_len(tx), MSG_NOSIGNAL);

		if (sent < 0)
			return -errno;
		tx->start += (size_t)sent;
	}
	stream_tx_free(tx);
	return 0;
}

void stream_tx_free(struct stream_tx *tx)
{
	free(tx->data);
	*tx = (struct stream_tx){ 0 };
}
