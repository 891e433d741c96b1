/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file message.h
 * Parsing of STUN messages (RFC 8489). Nothing is copied: results point into the message.
 */
#ifndef TURNPIKE_STUN_MESSAGE_H
#define TURNPIKE_STUN_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <turnpike/addr.h>

#include "stun/protocol.h"

/**
 * Limits of a message, beyond which it is discarded: it must not cost a multiple of an honest one.
 * No path carries a request of this size in one packet. As many XOR-PEER-ADDRESS attributes do not
 * fit either. Indications may be longer because of the data in them.
 */
#define STUN_REQUEST_MAX 4096
#define STUN_ATTRS_MAX   256

/**
 * Types that are found without a search: this many from 0 and from STUN_ATTR_OPTIONAL on, among
 * them all of enum stun_attr_type.
 */
#define STUN_INDEXED 64

/**
 * struct stun_message - a well-formed message
 * @data:             the whole message, lent
 * @attrs_len:        bytes of attributes up to the first integrity attribute, included; later ones
 *                    are ignored
 * @integrity:        offset of MESSAGE-INTEGRITY in @data; 0: none
 * @integrity_sha256: offset of MESSAGE-INTEGRITY-SHA256 in @data; 0: none
 * @class:            request, indication, success or error
 * @method:           enum stun_method, or any other 12-bit number
 * @transaction:      STUN_TRANSACTION_LEN bytes in @data
 * @fingerprint:      whether there is a FINGERPRINT, which is correct unless in a Send indication
 * @index:            where the first attribute of each indexed type is, in units of 4 bytes from
 *                    @data; 0: none
 */
struct stun_message {
	const uint8_t *data;
	size_t attrs_len;
	size_t integrity;
	size_t integrity_sha256;
	enum stun_class class;
	uint16_t method;
	const uint8_t *transaction;
	bool fingerprint;
	uint16_t index[2 * STUN_INDEXED];
};

/**
 * struct stun_attr - an attribute
 * @type:  enum stun_attr_type, or any other 16-bit number
 * @len:   bytes of the value, without padding
 * @value: points into the message
 */
struct stun_attr {
	uint16_t type;
	uint16_t len;
	const uint8_t *value;
};

/**
 * stun_parse() - parse and check a message
 * @data: the message, untrusted
 * @len:  its length in bytes
 * @msg:  the result, valid as long as @data is
 *
 * Makes the checks of RFC 8489 section 6.3 that precede authentication, except for the method:
 * magic cookie, length, attributes within bounds, and FINGERPRINT correct and last if present. In
 * Send indications its value is ignored.
 * Also discards messages beyond the limits above, which RFC 8489 leaves open: an answer such as 400
 * would cost more than it tells, and strangers could have it sent to others.
 *
 * Return: 0, or -EBADMSG: discard the message silently.
 */
int stun_parse(const uint8_t *data, size_t len, struct stun_message *msg);

/**
 * stun_is_message() - whether a datagram of another protocol than ours is meant as a STUN message
 *
 * By its first byte (RFC 7983 section 7) and the magic cookie.
 */
bool stun_is_message(const uint8_t *data, size_t len);

/**
 * stun_next_attr() - iterate over the attributes in @msg->attrs_len
 * @attr: the current attribute, {} at the beginning; replaced by the next one
 *
 * Return: false at the end; then @attr is unchanged.
 */
bool stun_next_attr(const struct stun_message *msg, struct stun_attr *attr);

/**
 * stun_find_attr() - find the first attribute of a type
 *
 * Return: 0, or -ENOENT.
 */
int stun_find_attr(const struct stun_message *msg, enum stun_attr_type type,
		   struct stun_attr *attr);

/**
 * stun_attr_u32() - read a value of exactly 4 bytes into host byte order
 *
 * Return: 0, or -EBADMSG if @attr has another length.
 */
int stun_attr_u32(const struct stun_attr *attr, uint32_t *number);

/**
 * stun_attr_addr() - read a value in the format of MAPPED-ADDRESS (RFC 8489 section 14.1)
 *
 * Return: 0, or -EBADMSG if the value is malformed.
 */
int stun_attr_addr(const struct stun_attr *attr, struct turnpike_addr *addr);

/**
 * stun_attr_xor_addr() - read a value in the format of XOR-MAPPED-ADDRESS (section 14.2)
 * @msg: the message that @attr belongs to
 *
 * Return: 0, or -EBADMSG if the value is malformed.
 */
int stun_attr_xor_addr(const struct stun_message *msg, const struct stun_attr *attr,
		       struct turnpike_addr *addr);

/**
 * stun_unknown_attrs() - collect the unknown comprehension-required attributes of @msg
 * @known:   the known types
 * @n_known: number of @known
 * @unknown: the result: types in host byte order, each once, in the order of the message
 * @max:     room in @unknown; further types are left out
 *
 * Return: the number of types in @unknown.
 */
size_t stun_unknown_attrs(const struct stun_message *msg, const uint16_t *known, size_t n_known,
			  uint16_t *unknown, size_t max);

#endif /* TURNPIKE_STUN_MESSAGE_H */
