/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file cursor.h
 * Bounds-checked reading. All bytes from the network are read through a cursor.
 */
#ifndef TURNPIKE_STUN_CURSOR_H
#define TURNPIKE_STUN_CURSOR_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct stun_cursor - a position in a buffer
 * @pos:  the next byte
 * @left: number of bytes left
 */
struct stun_cursor {
	const uint8_t *pos;
	size_t left;
};

/**
 * stun_take() - read @len bytes
 * @bytes: the result, which points into the buffer
 *
 * Return: 0, or -EBADMSG if fewer are left; then the cursor does not move.
 */
static inline int stun_take(struct stun_cursor *cursor, size_t len, const uint8_t **bytes)
{
	if (len > cursor->left)
		return -EBADMSG;
	*bytes = cursor->pos;
	cursor->pos += len;
	cursor->left -= len;
	return 0;
}

/** stun_take_u16() - read a big-endian number into host byte order; returns as stun_take() */
static inline int stun_take_u16(struct stun_cursor *cursor, uint16_t *number)
{
	const uint8_t *bytes;

	if (stun_take(cursor, 2, &bytes))
		return -EBADMSG;
	*number = (uint16_t)(bytes[0] << 8 | bytes[1]);
	return 0;
}

/** stun_take_u32() - read a big-endian number into host byte order; returns as stun_take() */
static inline int stun_take_u32(struct stun_cursor *cursor, uint32_t *number)
{
	const uint8_t *bytes;

	if (stun_take(cursor, 4, &bytes))
		return -EBADMSG;
	*number = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
		  bytes[3];
	return 0;
}

#endif /* TURNPIKE_STUN_CURSOR_H */
