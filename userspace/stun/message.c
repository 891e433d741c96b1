/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <arpa/inet.h>
#include <string.h>

#include "base/addr.h"
#include "stun/cursor.h"
#include "stun/fingerprint.h"
#include "stun/mask.h"
#include "stun/message.h"

/** Instead of a place in the index. */
#define UNINDEXED (2 * STUN_INDEXED)

/** The two class bits are interleaved with the method bits (RFC 8489 section 5, figure 3). */
static void split_type(uint16_t type, struct stun_message *msg)
{
	msg->class = (enum stun_class)((type >> 4 & 1) | (type >> 7 & 2));
	msg->method = (uint16_t)((type & 0x000f) | (type >> 1 & 0x0070) | (type >> 2 & 0x0f80));
}

static int parse_header(struct stun_cursor *cursor, struct stun_message *msg)
{
	uint16_t type, length;
	uint32_t cookie;

	if (stun_take_u16(cursor, &type) || stun_take_u16(cursor, &length) ||
	    stun_take_u32(cursor, &cookie) ||
	    stun_take(cursor, STUN_TRANSACTION_LEN, &msg->transaction))
		return -EBADMSG;
	if (type & 0xc000 || cookie != STUN_MAGIC_COOKIE)
		return -EBADMSG;
	if (length % 4 != 0 || length != cursor->left)
		return -EBADMSG;
	split_type(type, msg);
	if (msg->class == STUN_REQUEST && length > STUN_REQUEST_MAX - STUN_HEADER_LEN)
		return -EBADMSG;
	return 0;
}

static int take_attr(struct stun_cursor *cursor, struct stun_attr *attr)
{
	const uint8_t *padding;

	if (stun_take_u16(cursor, &attr->type) || stun_take_u16(cursor, &attr->len) ||
	    stun_take(cursor, attr->len, &attr->value))
		return -EBADMSG;
	return stun_take(cursor, -attr->len & 3, &padding);
}

/** Returns the place of a type in the index; UNINDEXED if it has none. */
static size_t slot_of(uint16_t type)
{
	const size_t slot = type & (STUN_ATTR_OPTIONAL - 1);

	if (slot >= STUN_INDEXED)
		return UNINDEXED;
	return type < STUN_ATTR_OPTIONAL ? slot : STUN_INDEXED + slot;
}

static uint16_t position(const struct stun_message *msg, const struct stun_attr *attr)
{
	return (uint16_t)((size_t)(attr->value - msg->data - STUN_ATTR_HEADER_LEN) / 4);
}

static void add_to_index(struct stun_message *msg, const struct stun_attr *attr)
{
	const size_t slot = slot_of(attr->type);

	if (slot != UNINDEXED && !msg->index[slot])
		msg->index[slot] = position(msg, attr);
}

/**
 * Whether FINGERPRINT is of use. It tells STUN from other protocols, but a Send indication is told
 * by its 5-tuple and its peer. The kernel relays it by these, without a CRC over all of its data.
 */
static bool has_use(const struct stun_message *msg)
{
	return msg->class != STUN_INDICATION || msg->method != TURN_SEND;
}

static int check_fingerprint(const struct stun_message *msg, const struct stun_attr *attr)
{
	size_t covered = (size_t)(attr->value - msg->data) - STUN_ATTR_HEADER_LEN;
	uint32_t fingerprint;

	if (stun_attr_u32(attr, &fingerprint))
		return -EBADMSG;
	if (!has_use(msg))
		return 0;
	return fingerprint == stun_fingerprint(msg->data, covered) ? 0 : -EBADMSG;
}

static bool is_integrity_len(const struct stun_attr *attr)
{
	if (attr->type == STUN_ATTR_MESSAGE_INTEGRITY)
		return attr->len == STUN_INTEGRITY_LEN;
	/* RFC 8489 section 14.6: it may be truncated. */
	return attr->len >= STUN_INTEGRITY_SHA256_LEN_MIN &&
	       attr->len <= STUN_INTEGRITY_SHA256_LEN && attr->len % 4 == 0;
}

/** Returns the member of @msg for the offset of an integrity attribute; NULL for any other. */
static size_t *integrity_offset(struct stun_message *msg, const struct stun_attr *attr)
{
	if (attr->type == STUN_ATTR_MESSAGE_INTEGRITY)
		return &msg->integrity;
	if (attr->type == STUN_ATTR_MESSAGE_INTEGRITY_SHA256)
		return &msg->integrity_sha256;
	return NULL;
}

/**
 * RFC 8489 section 9: attributes after the first integrity attribute are ignored, except the other
 * integrity attribute and FINGERPRINT. Here that holds for either order of the two: only one of
 * them is verified, and it may be the first.
 */
static int note_integrity(struct stun_message *msg, const struct stun_attr *attr, size_t *offset,
			  size_t attrs_len)
{
	if (*offset)
		return 0;
	if (!is_integrity_len(attr))
		return -EBADMSG;
	if (!msg->integrity && !msg->integrity_sha256)
		msg->attrs_len = attrs_len;
	*offset = (size_t)(attr->value - msg->data) - STUN_ATTR_HEADER_LEN;
	return 0;
}

static int parse_attrs(struct stun_cursor cursor, struct stun_message *msg)
{
	const uint8_t *begin = cursor.pos;
	unsigned int left = STUN_ATTRS_MAX;
	struct stun_attr attr;
	size_t *offset;

	msg->attrs_len = cursor.left;
	while (cursor.left > 0) {
		if (msg->fingerprint || left-- == 0 || take_attr(&cursor, &attr))
			return -EBADMSG;
		if (!msg->integrity && !msg->integrity_sha256)
			add_to_index(msg, &attr);
		offset = integrity_offset(msg, &attr);
		if (offset && note_integrity(msg, &attr, offset, (size_t)(cursor.pos - begin)))
			return -EBADMSG;
		if (attr.type != STUN_ATTR_FINGERPRINT)
			continue;
		if (check_fingerprint(msg, &attr))
			return -EBADMSG;
		msg->fingerprint = true;
	}
	return 0;
}

int stun_parse(const uint8_t *data, size_t len, struct stun_message *msg)
{
	struct stun_cursor cursor = { .pos = data, .left = len };
	struct stun_message result = { .data = data };

	if (parse_header(&cursor, &result) || parse_attrs(cursor, &result))
		return -EBADMSG;
	*msg = result;
	return 0;
}

bool stun_is_message(const uint8_t *data, size_t len)
{
	struct stun_cursor cursor = { .pos = data, .left = len };
	uint16_t type, length;
	uint32_t cookie;

	return !stun_take_u16(&cursor, &type) && !stun_take_u16(&cursor, &length) &&
	       !stun_take_u32(&cursor, &cookie) && type >> 8 <= 3 && cookie == STUN_MAGIC_COOKIE;
}

bool stun_next_attr(const struct stun_message *msg, struct stun_attr *attr)
{
	const uint8_t *begin = msg->data + STUN_HEADER_LEN;
	struct stun_cursor cursor = { .pos = begin, .left = msg->attrs_len };
	struct stun_attr next;
	const uint8_t *skipped;
	size_t done;

	if (attr->value) {
		done = (size_t)(attr->value - begin) + attr->len;
		if (stun_take(&cursor, done + (-done & 3), &skipped))
			return false;
	}
	if (cursor.left == 0 || take_attr(&cursor, &next))
		return false;
	*attr = next;
	return true;
}

static int take_indexed(const struct stun_message *msg, uint16_t first, struct stun_attr *attr)
{
	const size_t offset = 4 * (size_t)first;
	struct stun_cursor cursor = {
		.pos = msg->data + offset,
		.left = STUN_HEADER_LEN + msg->attrs_len - offset,
	};

	return first ? take_attr(&cursor, attr) : -ENOENT;
}

int stun_find_attr(const struct stun_message *msg, enum stun_attr_type type, struct stun_attr *attr)
{
	const size_t slot = slot_of((uint16_t)type);
	struct stun_attr candidate = { 0 };

	if (slot != UNINDEXED)
		return take_indexed(msg, msg->index[slot], attr);
	while (stun_next_attr(msg, &candidate)) {
		if (candidate.type == type) {
			*attr = candidate;
			return 0;
		}
	}
	return -ENOENT;
}

int stun_attr_u32(const struct stun_attr *attr, uint32_t *number)
{
	struct stun_cursor cursor = { .pos = attr->value, .left = attr->len };

	return attr->len == 4 ? stun_take_u32(&cursor, number) : -EBADMSG;
}

static int parse_addr(const struct stun_attr *attr, const struct stun_mask *mask,
		      struct turnpike_addr *addr)
{
	struct stun_cursor cursor = { .pos = attr->value, .left = attr->len };
	struct turnpike_addr result = { 0 };
	uint16_t family, port;
	const uint8_t *ip;
	size_t ip_len;

	if (stun_take_u16(&cursor, &family) || stun_take_u16(&cursor, &port))
		return -EBADMSG;
	/* RFC 8489 section 14.1: the byte before the family is ignored. */
	family &= 0xff;
	if (family != STUN_FAMILY_IPV4 && family != STUN_FAMILY_IPV6)
		return -EBADMSG;
	result.family = family == STUN_FAMILY_IPV4 ? TURNPIKE_IPV4 : TURNPIKE_IPV6;
	ip_len = family == STUN_FAMILY_IPV4 ? 4 : 16;
	if (cursor.left != ip_len || stun_take(&cursor, ip_len, &ip))
		return -EBADMSG;
	result.port = htons(port);
	memcpy(result.ip, ip, ip_len);
	stun_mask_apply(mask, &result, ip_len);
	/* A sender must not name a device of this host. */
	*addr = addr_without_zone(&result);
	return 0;
}

int stun_attr_addr(const struct stun_attr *attr, struct turnpike_addr *addr)
{
	static const struct stun_mask plain = { 0 };

	return parse_addr(attr, &plain, addr);
}

int stun_attr_xor_addr(const struct stun_message *msg, const struct stun_attr *attr,
		       struct turnpike_addr *addr)
{
	struct stun_mask mask = stun_mask_of(msg->data);

	return parse_addr(attr, &mask, addr);
}

static bool contains(const uint16_t *types, size_t n, uint16_t type)
{
	for (size_t i = 0; i < n; i++) {
		if (types[i] == type)
			return true;
	}
	return false;
}

/** Returns whether the index shows another attribute of the type before @attr. */
static bool is_repeated(const struct stun_message *msg, const struct stun_attr *attr)
{
	const size_t slot = slot_of(attr->type);

	return slot != UNINDEXED && msg->index[slot] != position(msg, attr);
}

size_t stun_unknown_attrs(const struct stun_message *msg, const uint16_t *known, size_t n_known,
			  uint16_t *unknown, size_t max)
{
	struct stun_cursor cursor = {
		.pos = msg->data + STUN_HEADER_LEN,
		.left = msg->attrs_len,
	};
	struct stun_attr attr;
	size_t n = 0;

	while (n < max && cursor.left > 0 && !take_attr(&cursor, &attr)) {
		if (attr.type < STUN_ATTR_OPTIONAL && !is_repeated(msg, &attr) &&
		    !contains(known, n_known, attr.type) && !contains(unknown, n, attr.type))
			unknown[n++] = attr.type;
	}
	return n;
}
