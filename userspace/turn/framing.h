/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file framing.h
 * Message boundaries in a client's stream (RFC 8656 section 12.5). Pure functions, any thread.
 */
#ifndef TURNPIKE_TURN_FRAMING_H
#define TURNPIKE_TURN_FRAMING_H

#include <stddef.h>
#include <stdint.h>

/** Largest message in a stream: a STUN header and the largest length that it can contain. */
#define TURN_FRAME_MAX (20 + 65532)

/**
 * turn_frame() - find the end of the first message of a stream
 * @data:  bytes received and not consumed yet, untrusted
 * @len:   number of bytes, any
 * @frame: the result: bytes of the message including its padding, 4 to TURN_FRAME_MAX; with
 *         -EAGAIN, how many bytes the next call needs
 *
 * It does not check the contents: pass all messages to turn_server_client_input(), which drops the
 * malformed ones. It never needs bytes beyond the end of the message, so waiting for them means
 * waiting for this client only.
 *
 * Return: 0; -EAGAIN if the message is incomplete; -EBADMSG if the bytes do not begin a message,
 * and the connection is of no further use since the next boundary is unknown.
 */
int turn_frame(const uint8_t *data, size_t len, size_t *frame);

#endif /* TURNPIKE_TURN_FRAMING_H */
