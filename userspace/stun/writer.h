/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file writer.h
 * Bounds-checked writing of STUN messages into a caller's buffer.
 *
 * Errors are sticky: write everything, then check stun_writer_end() once. After each call the
 * length field of the header is that of the message so far.
 */
#ifndef TURNPIKE_STUN_WRITER_H
#define TURNPIKE_STUN_WRITER_H

#include <stddef.h>
#include <stdint.h>

#include <turnpike/addr.h>

#include "stun/integrity.h"
#include "stun/protocol.h"

/**
 * struct stun_writer - a message under construction
 * @buf:   the caller's buffer
 * @size:  its size in bytes
 * @len:   bytes of the message so far
 * @error: 0, or the first error, a negative errno
 */
struct stun_writer {
	uint8_t *buf;
	size_t size;
	size_t len;
	int error;
};

/**
 * stun_writer_begin() - write a header
 * @writer:      initialized by this call
 * @buf:         room for the message, lent until stun_writer_end()
 * @size:        its size in bytes
 * @transaction: STUN_TRANSACTION_LEN bytes
 */
void stun_writer_begin(struct stun_writer *writer, uint8_t *buf, size_t size, enum stun_class class,
		       enum stun_method method, const uint8_t *transaction);

/**
 * stun_writer_end() - get the result
 * @len: the length of the message in bytes
 *
 * Return: 0, -EMSGSIZE if the message did not fit the buffer or a length field, -EINVAL if an
 * address had no family, -EIO if the HMAC failed.
 */
int stun_writer_end(const struct stun_writer *writer, size_t *len);

/**
 * stun_write_attr() - write an attribute's header and padding, but not its value
 * @len: bytes of the value, without padding
 *
 * The bytes of the value are left as they are; the value may be in place already.
 *
 * Return: where the value goes, or NULL after an error.
 */
uint8_t *stun_write_attr(struct stun_writer *writer, enum stun_attr_type type, size_t len);

/** stun_write_bytes() - write an attribute with a value of @len bytes */
void stun_write_bytes(struct stun_writer *writer, enum stun_attr_type type, const void *value,
		      size_t len);

/** stun_write_string() - write an attribute with the string @value, without its NUL */
void stun_write_string(struct stun_writer *writer, enum stun_attr_type type, const char *value);

/** stun_write_u32() - write an attribute with @number, given in host byte order */
void stun_write_u32(struct stun_writer *writer, enum stun_attr_type type, uint32_t number);

/** stun_write_addr() - write an attribute in the format of MAPPED-ADDRESS */
void stun_write_addr(struct stun_writer *writer, enum stun_attr_type type,
		     const struct turnpike_addr *addr);

/** stun_write_xor_addr() - write an attribute in the format of XOR-MAPPED-ADDRESS */
void stun_write_xor_addr(struct stun_writer *writer, enum stun_attr_type type,
			 const struct turnpike_addr *addr);

/** stun_write_error() - write ERROR-CODE with the reason phrase of the RFCs */
void stun_write_error(struct stun_writer *writer, enum stun_error_code code);

/**
 * stun_write_address_error() - write ADDRESS-ERROR-CODE (RFC 8656 section 18.12)
 * @family: enum turnpike_family
 */
void stun_write_address_error(struct stun_writer *writer, unsigned int family,
			      enum stun_error_code code);

/** stun_write_icmp() - write ICMP (RFC 8656 section 18.13); @error_data: host byte order */
void stun_write_icmp(struct stun_writer *writer, uint8_t type, uint8_t code, uint32_t error_data);

/** stun_write_unknown() - write UNKNOWN-ATTRIBUTES with @n types, given in host byte order */
void stun_write_unknown(struct stun_writer *writer, const uint16_t *types, size_t n);

/** stun_write_integrity() - write the attribute of @hmac over the message so far */
void stun_write_integrity(struct stun_writer *writer, struct stun_hmac *hmac);

/** stun_write_fingerprint() - write FINGERPRINT over the message so far; nothing may follow */
void stun_write_fingerprint(struct stun_writer *writer);

#endif /* TURNPIKE_STUN_WRITER_H */
