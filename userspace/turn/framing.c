/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>

#include "stun/cursor.h"
#include "stun/protocol.h"
#include "turn/framing.h"

/** Bytes of type, length and magic cookie, which identify a STUN message. */
#define STUN_PREFIX_LEN 8

/** Finds the end of a STUN message; @rest is after its @length field. */
static int stun_frame(struct stun_cursor *rest, uint16_t length, size_t *frame)
{
	uint32_t cookie;

	/* RFC 8489 section 5: attributes are padded. */
	if (length % 4 != 0)
		return -EBADMSG;
	if (stun_take_u32(rest, &cookie)) {
		*frame = STUN_PREFIX_LEN;
		return -EAGAIN;
	}
	if (cookie != STUN_MAGIC_COOKIE)
		return -EBADMSG;
	*frame = STUN_HEADER_LEN + length;
	return 0;
}

/** RFC 8656 section 12.5: in a stream ChannelData is padded; its length field excludes that. */
static size_t channel_frame(uint16_t length)
{
	return TURN_CHANNEL_HEADER_LEN + (length + 3u) / 4 * 4;
}

int turn_frame(const uint8_t *data, size_t len, size_t *frame)
{
	struct stun_cursor rest = { .pos = data, .left = len };
	uint16_t type, length;
	int err = 0;

	/* RFC 8656 section 12, table 3: the first byte identifies the protocol. */
	if (len > 0 && data[0] > 3 &&
	    (data[0] < TURN_CHANNEL_MIN >> 8 || data[0] > TURN_CHANNEL_MAX >> 8))
		return -EBADMSG;
	if (stun_take_u16(&rest, &type) || stun_take_u16(&rest, &length)) {
		*frame = TURN_CHANNEL_HEADER_LEN;
		return -EAGAIN;
	}
	if (type < TURN_CHANNEL_MIN)
		err = stun_frame(&rest, length, frame);
	else
		*frame = channel_frame(length);
	if (!err && *frame > len)
		err = -EAGAIN;
	return err;
}
