/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>

#include "private/array_len.h"
#include "turn/methods/attrs.h"

static const uint16_t known_attrs[] = {
	STUN_ATTR_MAPPED_ADDRESS,
	STUN_ATTR_USERNAME,
	STUN_ATTR_MESSAGE_INTEGRITY,
	STUN_ATTR_ERROR_CODE,
	STUN_ATTR_UNKNOWN_ATTRIBUTES,
	STUN_ATTR_CHANNEL_NUMBER,
	STUN_ATTR_LIFETIME,
	STUN_ATTR_XOR_PEER_ADDRESS,
	STUN_ATTR_DATA,
	STUN_ATTR_EVEN_PORT,
	STUN_ATTR_REALM,
	STUN_ATTR_NONCE,
	STUN_ATTR_XOR_RELAYED_ADDRESS,
	STUN_ATTR_REQUESTED_ADDRESS_FAMILY,
	STUN_ATTR_REQUESTED_TRANSPORT,
	STUN_ATTR_DONT_FRAGMENT,
	STUN_ATTR_XOR_MAPPED_ADDRESS,
	STUN_ATTR_RESERVATION_TOKEN,
	STUN_ATTR_MESSAGE_INTEGRITY_SHA256,
	STUN_ATTR_PASSWORD_ALGORITHM,
	STUN_ATTR_USERHASH,
};

size_t turn_unknown_attrs(const struct stun_message *msg, uint16_t *unknown, size_t max)
{
	return stun_unknown_attrs(msg, known_attrs, ARRAY_LEN(known_attrs), unknown, max);
}

int turn_find_family(const struct stun_message *msg, enum stun_attr_type type, uint32_t *family)
{
	struct stun_attr attr;
	uint32_t value;

	if (stun_find_attr(msg, type, &attr))
		return -ENOENT;
	if (stun_attr_u32(&attr, &value))
		return -EINVAL;
	/* RFC 8656 section 18.6: the other 24 bits are ignored. */
	*family = value >> 24;
	return 0;
}

unsigned int turn_family_of(uint32_t family)
{
	switch (family) {
	case STUN_FAMILY_IPV4:
		return TURNPIKE_IPV4;
	case STUN_FAMILY_IPV6:
		return TURNPIKE_IPV6;
	}
	return 0;
}

enum turn_reason turn_find_lifetime(const struct stun_message *msg,
				    const struct turn_limits *limits, uint32_t *lifetime,
				    bool *is_zero)
{
	struct stun_attr attr;
	uint32_t value = limits->default_lifetime;

	if (stun_find_attr(msg, STUN_ATTR_LIFETIME, &attr) == 0 && stun_attr_u32(&attr, &value))
		return TURN_REASON_BAD_REQUEST;
	*is_zero = value == 0;
	if (value > limits->max_lifetime)
		value = limits->max_lifetime;
	*lifetime = value > limits->default_lifetime ? value : limits->default_lifetime;
	return TURN_REASON_NONE;
}
