/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file framing.h
 * Where messages end in a stream of a client (RFC 8656 section 12.5). Pure functions, any thread.
 */
#ifndef TURNPIKE_TURN_FRAMING_H
#define TURNPIKE_TURN_FRAMING_H

#include <stddef.h>
#include <stdint.h>

/** No message takes more bytes of a stream: a header of STUN, and the most that it can speak of. */
#define TURN_FRAME_MAX (20 + 65532)

/**
 * turn_frame() - find the end of the first message of a stream
 * @data:  what has come and is not taken yet
 * @len:   its length in bytes, any
 * @frame: the result: bytes that the message takes, its padding included, 4 to TURN_FRAME_MAX;
 *         after -EAGAIN, how many have to be there before another call can tell more
 *
 * Says nothing of what is in a message: hand its bytes to turn_server_client_input(), also if that
 * is going to discard them. Asks for no more bytes than belong to a message, so who waits for them
 * waits for the client alone.
 *
 * Return: 0, -EAGAIN if the message is not whole yet, -EBADMSG if these are no messages: what comes
 * later is none either, so that the connection is of no use any more.
 */
int turn_frame(const uint8_t *data, size_t len, size_t *frame);

#endif /* TURNPIKE_TURN_FRAMING_H */
