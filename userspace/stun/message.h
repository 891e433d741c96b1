/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file message.h
 * Reading STUN messages (RFC 8489). Nothing is copied: results point into the datagram.
 */
#ifndef TURNPIKE_STUN_MESSAGE_H
#define TURNPIKE_STUN_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <turnpike/addr.h>

#include "stun/protocol.h"

/**
 * struct stun_message - a message whose structure has been checked
 * @data:        the whole message, lent
 * @attrs_len:   bytes of attributes that count: those after the first that protects integrity do
 * not
 * @integrity:   offset of the MESSAGE-INTEGRITY attribute in @data; 0 if there is none
 * @integrity_sha256: the same of MESSAGE-INTEGRITY-SHA256
 * @class:       request, indication, success or error
 * @method:      of enum stun_method, or any other
 * @transaction: STUN_TRANSACTION_LEN bytes in @data
 * @fingerprint: there is a FINGERPRINT, and it is right
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
};

/**
 * struct stun_attr - an attribute
 * @type:  of enum stun_attr_type, or any other
 * @len:   bytes of the value, without padding
 * @value: in the message, lent
 */
struct stun_attr {
	uint16_t type;
	uint16_t len;
	const uint8_t *value;
};

/**
 * stun_parse() - check a datagram and read the header
 * @data: the datagram
 * @len:  its length in bytes
 * @msg:  the result, as long as @data is
 *
 * Checks all that RFC 8489 section 6.3 asks for before authentication, except which methods there
 * are: magic cookie, length, attributes within bounds, FINGERPRINT last and right if present.
 *
 * Return: 0, or -EBADMSG: discard the datagram silently.
 */
int stun_parse(const uint8_t *data, size_t len, struct stun_message *msg);

/**
 * stun_next_attr() - walk over the attributes that count
 * @attr: the attribute that the walk is at, {} to begin with; then the one after it
 *
 * Return: false (and @attr untouched) at the end.
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
 * stun_attr_u32() - read a value of exactly 4 bytes into host order
 *
 * Return: 0, or -EBADMSG if @attr has another length.
 */
int stun_attr_u32(const struct stun_attr *attr, uint32_t *number);

/**
 * stun_attr_addr() - read a value in the format of MAPPED-ADDRESS (RFC 8489 section 14.1)
 *
 * Return: 0, or -EBADMSG if @attr has no valid one.
 */
int stun_attr_addr(const struct stun_attr *attr, struct turnpike_addr *addr);

/**
 * stun_attr_xor_addr() - read a value in the format of XOR-MAPPED-ADDRESS (section 14.2)
 * @msg: the message that @attr belongs to
 *
 * Return: 0, or -EBADMSG if @attr has no valid one.
 */
int stun_attr_xor_addr(const struct stun_message *msg, const struct stun_attr *attr,
		       struct turnpike_addr *addr);

/**
 * stun_unknown_attrs() - collect the comprehension-required attributes that are not understood
 * @known:   the types that are
 * @n_known: number of @known
 * @unknown: the result: types in host order, each once, in the order of the message
 * @max:     room in @unknown; further ones are left out
 *
 * Return: the number stored in @unknown.
 */
size_t stun_unknown_attrs(const struct stun_message *msg, const uint16_t *known, size_t n_known,
			  uint16_t *unknown, size_t max);

#endif /* TURNPIKE_STUN_MESSAGE_H */
