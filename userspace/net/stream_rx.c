/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/stream_rx.h"

static uint8_t *data_of(const struct stream_partial *partial)
{
	return partial->memory + TURN_HEADROOM;
}

int stream_rx_room(struct stream_rx *rx, const struct stream_partial *partial, struct iovec room[2])
{
	int n = 0;

	if (partial->memory)
		room[n++] = (struct iovec){ data_of(partial) + partial->len,
					    partial->size - partial->len };
	room[n++] = (struct iovec){ rx->chunk, sizeof(rx->chunk) };
	return n;
}

void stream_rx_received(struct stream_rx *rx, struct stream_partial *partial, size_t len)
{
	const size_t wanted = partial->size - partial->len, kept = len < wanted ? len : wanted;

	partial->len += kept;
	rx->next = rx->chunk;
	rx->left = len - kept;
	memcpy(rx->saved, rx->next, sizeof(rx->saved));
}

static struct turn_packet whole(uint8_t *data, size_t len)
{
	return (struct turn_packet){ .data = data, .len = len };
}

static int next_of_chunk(struct stream_rx *rx, struct turn_packet *message, size_t *len)
{
	int err;

	memcpy(rx->next, rx->saved, sizeof(rx->saved));
	if (rx->left == 0)
		return -ENODATA;
	err = turn_frame(rx->next, rx->left, len);
	if (err)
		return err;
	*message = whole(rx->next, *len);
	rx->next += *len;
	rx->left -= *len;
	memcpy(rx->saved, rx->next, sizeof(rx->saved));
	return 0;
}

/* A message that has been handled is forgotten at the next call. */
int stream_rx_next(struct stream_rx *rx, struct stream_partial *partial,
		   struct turn_packet *message, size_t *len)
{
	int err;

	if (partial->memory && partial->len == 0)
		stream_partial_free(partial);
	if (!partial->memory)
		return next_of_chunk(rx, message, len);
	err = turn_frame(data_of(partial), partial->len, len);
	if (err)
		return err;
	*message = whole(data_of(partial), *len);
	partial->len = 0;
	return 0;
}

static int grow(struct stream_partial *partial, size_t size)
{
	uint8_t *grown = realloc(partial->memory, TURN_HEADROOM + size + TURN_TAILROOM);

	if (!grown)
		return -ENOMEM;
	partial->memory = grown;
	partial->size = size;
	return 0;
}

int stream_rx_keep(struct stream_rx *rx, struct stream_partial *partial, size_t len)
{
	size_t more;

	if (partial->size < len && grow(partial, len))
		return -ENOMEM;
	more = partial->size - partial->len < rx->left ? partial->size - partial->len : rx->left;
	memcpy(data_of(partial) + partial->len, rx->next, more);
	partial->len += more;
	rx->next += more;
	rx->left -= more;
	memcpy(rx->saved, rx->next, sizeof(rx->saved));
	return partial->len == partial->size ? 0 : -ENODATA;
}

void stream_partial_free(struct stream_partial *partial)
{
	free(partial->memory);
	*partial = (struct stream_partial){ 0 };
}
