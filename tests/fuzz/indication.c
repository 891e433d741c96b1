/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>

#include "indication.h"
#include "wire.h"

#define ATTR_HEADER 4
#define COOKIE      0x2112a442u
#define AROUND_MAX  128    /* bytes before or behind the data */
#define END_MAX     0x3fff /* in the frame */
#define ATTRS_MAX   4

static const __u16 types[ATTRS] = {
	[ATTR_PEER] = 0x0012,        [ATTR_DATA] = 0x0013,
	[ATTR_FINGERPRINT] = 0x8028, [ATTR_OPTIONAL] = 0x8022, /* SOFTWARE */
	[ATTR_REQUIRED] = 0x001a,                              /* DONT-FRAGMENT */
};

static __u32 padded(__u32 len)
{
	return (len + 3) / 4 * 4;
}

static __u32 ip_len(__u8 family)
{
	return family == TURNPIKE_IPV4 ? 4 : 16;
}

/* Between an address and its form in an attribute of @message. @value: behind the family. */
static void xor_address(const __u8 *message, __u8 *value, __u8 family)
{
	__u32 i;

	for (i = 0; i < 2; i++)
		value[i] ^= message[4 + i];
	for (i = 0; i < ip_len(family); i++)
		value[2 + i] ^= message[4 + i];
}

static bool read_peer(const __u8 *message, const __u8 *attr, struct turnpike_addr *ret)
{
	const __u32 len = wire16(attr + 2);
	__u8 value[18];

	memset(ret, 0, sizeof(*ret));
	if (len == 8 && attr[5] == 1)
		ret->family = TURNPIKE_IPV4;
	else if (len == 20 && attr[5] == 2)
		ret->family = TURNPIKE_IPV6;
	else
		return false;
	memcpy(value, attr + 6, len - 2);
	xor_address(message, value, ret->family);
	memcpy(&ret->port, value, 2);
	memcpy(ret->ip, value + 2, ip_len(ret->family));
	return true;
}

/* Offsets of attributes; 0: there is none. */
struct found {
	__u32 peer;
	__u32 data;
};

/* Return: false if the server has to look at the attribute at @at, which is not the last of all. */
static bool note(const __u8 *message, __u32 at, __u32 next, __u32 len, struct found *found)
{
	const __u16 type = wire16(message + at);
	__u32 *place = NULL;

	if (type == types[ATTR_FINGERPRINT])
		return next == len && wire16(message + at + 2) == 4;
	if (type == types[ATTR_PEER])
		place = &found->peer;
	if (type == types[ATTR_DATA])
		place = &found->data;
	if (!place)
		return type >= 0x8000;
	if (*place)
		return false;
	*place = at;
	return true;
}

/* @there: bytes of the message that are in the frame */
static bool find_attrs(const __u8 *message, __u32 len, __u32 there, struct found *found)
{
	__u32 at = STUN_HEADER, next;
	int i;

	for (i = 0; i < ATTRS_MAX && at < len; i++, at = next) {
		if (at + ATTR_HEADER > there)
			return false;
		next = at + ATTR_HEADER + padded(wire16(message + at + 2));
		if (next > len || !note(message, at, next, len, found))
			return false;
	}
	return at == len && found->peer && found->data;
}

bool indication_read(const __u8 *frame, __u32 frame_len, __u32 at, __u32 len,
		     struct indication *ret)
{
	const __u8 *message = frame + at;
	const __u32 there = at < frame_len ? frame_len - at : 0;
	struct found found = { 0 };

	if (len < STUN_HEADER || there < STUN_HEADER || at + len > END_MAX)
		return false;
	if (wire16(message + 2) != len - STUN_HEADER || wire16(message + 4) != COOKIE >> 16 ||
	    wire16(message + 6) != (COOKIE & 0xffff))
		return false;
	if (!find_attrs(message, len, there, &found))
		return false;
	if (found.peer + ATTR_HEADER + wire16(message + found.peer + 2) > there ||
	    !read_peer(message, message + found.peer, &ret->peer))
		return false;
	ret->data = found.data + ATTR_HEADER;
	ret->data_len = wire16(message + found.data + 2);
	return ret->data <= AROUND_MAX && len - ret->data - ret->data_len <= AROUND_MAX;
}

static __u32 fixed_len(const struct recipe *recipe, __u8 attr)
{
	switch (attr & 7) {
	case ATTR_PEER:
		return 4 + ip_len(recipe->peer.family);
	case ATTR_FINGERPRINT:
		return 4;
	case ATTR_OPTIONAL:
		return (attr >> 3) * 5u;
	default:
		return 0;
	}
}

static void write_peer(const struct turnpike_addr *peer, __u8 *message, __u8 *value)
{
	value[0] = 0;
	value[1] = peer->family == TURNPIKE_IPV4 ? 1 : 2;
	memcpy(value + 2, &peer->port, 2);
	memcpy(value + 4, peer->ip, ip_len(peer->family));
	xor_address(message, value + 2, peer->family);
}

/* Return: bytes for the data and its padding in a message of @len bytes; negative: too short. */
static int room_for_data(const struct recipe *recipe, __u32 len)
{
	int room = (int)(len / 4 * 4) - STUN_HEADER;
	int i;

	for (i = 0; i < INDICATION_ATTRS && recipe->attrs[i] & 7; i++)
		room -= ATTR_HEADER + (int)padded(fixed_len(recipe, recipe->attrs[i]));
	return room;
}

__u32 indication_make(const struct recipe *recipe, __u8 *message, __u32 len, struct indication *ret)
{
	const int room = room_for_data(recipe, len);
	__u32 at = STUN_HEADER, n, i;

	if (room < 0 || !(recipe->attrs[0] & 7))
		return 0;
	memset(ret, 0, sizeof(*ret));
	put_wire16(message, recipe->type);
	put_wire16(message + 4, COOKIE >> 16);
	put_wire16(message + 6, COOKIE & 0xffff);
	for (i = 0; i < INDICATION_ATTRS && recipe->attrs[i] & 7; i++) {
		const __u8 attr = recipe->attrs[i] & 7;

		n = fixed_len(recipe, recipe->attrs[i]);
		if (attr == ATTR_DATA && !ret->data) {
			n = (__u32)(room ? room - recipe->padding % 4 : 0);
			ret->data = at + ATTR_HEADER;
			ret->data_len = n;
		}
		if (attr == ATTR_PEER)
			write_peer(&recipe->peer, message, message + at + ATTR_HEADER);
		put_wire16(message + at, attr < ATTRS ? types[attr] : 0);
		put_wire16(message + at + 2, n);
		at += ATTR_HEADER + padded(n);
	}
	put_wire16(message + 2, at - STUN_HEADER);
	return at;
}
