/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include "base/addr.h"
#include "stun/fingerprint.h"
#include "stun/mask.h"
#include "stun/writer.h"

static void put_u16(uint8_t *bytes, size_t number)
{
	bytes[0] = (uint8_t)(number >> 8);
	bytes[1] = (uint8_t)number;
}

static void put_u32(uint8_t *bytes, uint32_t number)
{
	put_u16(bytes, number >> 16);
	put_u16(bytes + 2, number);
}

static void fail(struct stun_writer *writer, int error)
{
	if (!writer->error)
		writer->error = error;
}

void stun_writer_begin(struct stun_writer *writer, uint8_t *buf, size_t size, enum stun_class class,
		       enum stun_method method, const uint8_t *transaction)
{
	unsigned int type = (method & 0x000fu) | (method & 0x0070u) << 1 | (method & 0x0f80u) << 2 |
			    (class & 1u) << 4 | (class & 2u) << 7;

	*writer = (struct stun_writer){ .buf = buf, .size = size };
	if (size < STUN_HEADER_LEN) {
		fail(writer, -EMSGSIZE);
		return;
	}
	put_u16(buf, type);
	put_u16(buf + 2, 0);
	put_u32(buf + 4, STUN_MAGIC_COOKIE);
	memcpy(buf + 8, transaction, STUN_TRANSACTION_LEN);
	writer->len = STUN_HEADER_LEN;
}

int stun_writer_end(const struct stun_writer *writer, size_t *len)
{
	if (!writer->error)
		*len = writer->len;
	return writer->error;
}

uint8_t *stun_write_attr(struct stun_writer *writer, enum stun_attr_type type, size_t len)
{
	size_t padding = -len & 3;
	size_t room = writer->size - writer->len;
	uint8_t *attr = writer->buf + writer->len;

	if (writer->error)
		return NULL;
	/* The first comparison keeps the sums in the next two from wrapping. */
	if (len > UINT16_MAX || STUN_ATTR_HEADER_LEN + len + padding > room ||
	    writer->len + STUN_ATTR_HEADER_LEN + len + padding > STUN_HEADER_LEN + UINT16_MAX) {
		fail(writer, -EMSGSIZE);
		return NULL;
	}
	put_u16(attr, type);
	put_u16(attr + 2, len);
	memset(attr + STUN_ATTR_HEADER_LEN + len, 0, padding);
	writer->len += STUN_ATTR_HEADER_LEN + len + padding;
	put_u16(writer->buf + 2, writer->len - STUN_HEADER_LEN);
	return attr + STUN_ATTR_HEADER_LEN;
}

void stun_write_bytes(struct stun_writer *writer, enum stun_attr_type type, const void *value,
		      size_t len)
{
	uint8_t *to = stun_write_attr(writer, type, len);

	if (to && len > 0)
		memcpy(to, value, len);
}

void stun_write_string(struct stun_writer *writer, enum stun_attr_type type, const char *value)
{
	stun_write_bytes(writer, type, value, strlen(value));
}

void stun_write_u32(struct stun_writer *writer, enum stun_attr_type type, uint32_t number)
{
	uint8_t value[4];

	put_u32(value, number);
	stun_write_bytes(writer, type, value, sizeof(value));
}

static uint8_t stun_family(unsigned int family)
{
	return family == TURNPIKE_IPV4 ? STUN_FAMILY_IPV4 : STUN_FAMILY_IPV6;
}

static void write_masked_addr(struct stun_writer *writer, enum stun_attr_type type,
			      const struct stun_mask *mask, struct turnpike_addr addr)
{
	bool v4 = addr.family == TURNPIKE_IPV4;
	size_t ip_len = v4 ? 4 : 16;
	uint8_t value[20] = { 0, stun_family(addr.family) };

	if (!v4 && addr.family != TURNPIKE_IPV6) {
		fail(writer, -EINVAL);
		return;
	}
	addr = addr_without_zone(&addr);
	stun_mask_apply(mask, &addr, ip_len);
	memcpy(value + 2, &addr.port, sizeof(addr.port));
	memcpy(value + 4, addr.ip, ip_len);
	stun_write_bytes(writer, type, value, 4 + ip_len);
}

void stun_write_addr(struct stun_writer *writer, enum stun_attr_type type,
		     const struct turnpike_addr *addr)
{
	static const struct stun_mask plain = { 0 };

	write_masked_addr(writer, type, &plain, *addr);
}

void stun_write_xor_addr(struct stun_writer *writer, enum stun_attr_type type,
			 const struct turnpike_addr *addr)
{
	struct stun_mask mask;

	if (writer->error)
		return;
	mask = stun_mask_of(writer->buf);
	write_masked_addr(writer, type, &mask, *addr);
}

/** The reason phrases of RFC 8489 section 14.8 and RFC 8656 section 19. */
static const char *reason_phrase(enum stun_error_code code)
{
	switch (code) {
	case STUN_TRY_ALTERNATE:
		return "Try Alternate";
	case STUN_BAD_REQUEST:
		return "Bad Request";
	case STUN_UNAUTHENTICATED:
		return "Unauthenticated";
	case TURN_FORBIDDEN:
		return "Forbidden";
	case STUN_UNKNOWN_ATTRIBUTE:
		return "Unknown Attribute";
	case TURN_ALLOCATION_MISMATCH:
		return "Allocation Mismatch";
	case STUN_STALE_NONCE:
		return "Stale Nonce";
	case TURN_ADDRESS_FAMILY_NOT_SUPPORTED:
		return "Address Family not Supported";
	case TURN_WRONG_CREDENTIALS:
		return "Wrong Credentials";
	case TURN_UNSUPPORTED_TRANSPORT_PROTOCOL:
		return "Unsupported Transport Protocol";
	case TURN_PEER_ADDRESS_FAMILY_MISMATCH:
		return "Peer Address Family Mismatch";
	case TURN_ALLOCATION_QUOTA_REACHED:
		return "Allocation Quota Reached";
	case STUN_SERVER_ERROR:
		return "Server Error";
	case TURN_INSUFFICIENT_CAPACITY:
		return "Insufficient Capacity";
	}
	return "";
}

/** Writes ERROR-CODE, or ADDRESS-ERROR-CODE, which has a family where the other has zero. */
static void write_error(struct stun_writer *writer, enum stun_attr_type type, uint8_t family,
			enum stun_error_code code)
{
	const char *reason = reason_phrase(code);
	size_t len = strlen(reason);
	uint8_t *value = stun_write_attr(writer, type, 4 + len);

	if (!value)
		return;
	value[0] = family;
	value[1] = 0;
	value[2] = (uint8_t)(code / 100);
	value[3] = (uint8_t)(code % 100);
	memcpy(value + 4, reason, len);
}

void stun_write_error(struct stun_writer *writer, enum stun_error_code code)
{
	write_error(writer, STUN_ATTR_ERROR_CODE, 0, code);
}

void stun_write_address_error(struct stun_writer *writer, unsigned int family,
			      enum stun_error_code code)
{
	write_error(writer, STUN_ATTR_ADDRESS_ERROR_CODE, stun_family(family), code);
}

void stun_write_icmp(struct stun_writer *writer, uint8_t type, uint8_t code, uint32_t error_data)
{
	uint8_t value[8] = { 0, 0, type, code };

	put_u32(value + 4, error_data);
	stun_write_bytes(writer, STUN_ATTR_ICMP, value, sizeof(value));
}

void stun_write_unknown(struct stun_writer *writer, const uint16_t *types, size_t n)
{
	uint8_t *value = stun_write_attr(writer, STUN_ATTR_UNKNOWN_ATTRIBUTES, 2 * n);

	for (size_t i = 0; value && i < n; i++)
		put_u16(value + 2 * i, types[i]);
}

void stun_write_integrity(struct stun_writer *writer, struct stun_hmac *hmac)
{
	size_t offset = writer->len, len = stun_hmac_len(hmac);
	uint8_t *value = stun_write_attr(writer, stun_hmac_attr(hmac), len);
	uint8_t result[STUN_INTEGRITY_LEN_MAX];

	if (!value)
		return;
	if (stun_hmac_message(hmac, writer->buf, offset, result))
		fail(writer, -EIO);
	else
		memcpy(value, result, len);
}

void stun_write_fingerprint(struct stun_writer *writer)
{
	size_t offset = writer->len;
	uint8_t *value = stun_write_attr(writer, STUN_ATTR_FINGERPRINT, STUN_FINGERPRINT_LEN);

	if (value)
		put_u32(value, stun_fingerprint(writer->buf, offset));
}
