/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file stream_rx.h
 * Finds the messages in what streams receive. All streams of a worker are read into one buffer, and
 * their messages are handled where they lie. A stream has memory of its own only for the beginning
 * of a message whose end has not arrived.
 */
#ifndef TURNPIKE_NET_STREAM_RX_H
#define TURNPIKE_NET_STREAM_RX_H

#include <sys/uio.h>

#include "turn/framing.h"
#include "turn/types.h"

/**
 * Bytes read from a stream at once: as many as a TLS record can have. A client that sends all the
 * time lets others wait until so much has been handled.
 */
#define STREAM_CHUNK (16 << 10)

/**
 * struct stream_partial - beginning of a message
 * @memory: TURN_HEADROOM, @size bytes for the message, of which @len are known, and TURN_TAILROOM;
 *          NULL: none
 */
struct stream_partial {
	uint8_t *memory;
	size_t len;
	size_t size;
};

/**
 * struct stream_rx - the buffer of a worker
 * @next:  first byte that has not been handled
 * @left:  number of bytes from there on
 * @saved: copy of the first of these bytes: the core may overwrite them, as they are the tailroom
 *         of the previous message
 * @records: what has been received of TLS, before its decryption
 */
struct stream_rx {
	uint8_t *next;
	size_t left;
	uint8_t saved[TURN_TAILROOM];
	uint8_t headroom[TURN_HEADROOM];
	uint8_t chunk[STREAM_CHUNK];
	uint8_t tailroom[TURN_TAILROOM];
	uint8_t records[STREAM_CHUNK];
};

/** stream_rx_room() - where to read the next bytes of a stream to; Return: how many of @room */
int stream_rx_room(struct stream_rx *rx, const struct stream_partial *partial,
		   struct iovec room[2]);

/** stream_rx_received() - begin with @len bytes that have been read to stream_rx_room() */
void stream_rx_received(struct stream_rx *rx, struct stream_partial *partial, size_t len);

/**
 * stream_rx_next() - get the next message
 * @message: valid until the next call, with TURN_HEADROOM and TURN_TAILROOM around it
 * @len:     with -EAGAIN, for stream_rx_keep(): how many bytes of the message are needed
 *
 * Return: 0; -ENODATA if everything has been handled; -EAGAIN if a message is incomplete; -EBADMSG
 * if the bytes do not begin a message.
 */
int stream_rx_next(struct stream_rx *rx, struct stream_partial *partial,
		   struct turn_packet *message, size_t *len);

/**
 * stream_rx_keep() - keep the beginning of an incomplete message
 *
 * Return: 0 if there are @len bytes of it now, so that stream_rx_next() knows more; -ENODATA if it
 * waits for them; -ENOMEM.
 */
int stream_rx_keep(struct stream_rx *rx, struct stream_partial *partial, size_t len);

/** stream_partial_free() - forget it */
void stream_partial_free(struct stream_partial *partial);

#endif /* TURNPIKE_NET_STREAM_RX_H */
