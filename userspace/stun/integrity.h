/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file integrity.h
 * MESSAGE-INTEGRITY and MESSAGE-INTEGRITY-SHA256 (RFC 8489 sections 14.5 and 14.6) and their keys.
 */
#ifndef TURNPIKE_STUN_INTEGRITY_H
#define TURNPIKE_STUN_INTEGRITY_H

#include <stddef.h>
#include <stdint.h>

#include "stun/message.h"
#include "stun/protocol.h"

#define STUN_KEY_LEN_MAX 32

/**
 * struct stun_key - a key derived from username, realm and password
 * @bytes: the key, followed by zeros
 * @len:   16 (MD5) or 32 (SHA-256)
 */
struct stun_key {
	uint8_t bytes[STUN_KEY_LEN_MAX];
	size_t len;
};

/**
 * stun_long_term_key() - derive a long-term credential key (RFC 8489 section 9.2.2)
 * @username: UTF-8 after stun_opaque_string(), like @realm and @password
 * @key:      the result, which the caller wipes
 *
 * Return: 0, -ENOMEM, or -EIO if OpenSSL lacks the algorithm.
 */
int stun_long_term_key(enum stun_password_algorithm algorithm, const char *username,
		       const char *realm, const char *password, struct stun_key *key);

/**
 * stun_userhash() - compute USERHASH (section 14.4)
 *
 * Parameters and return value are those of stun_long_term_key().
 */
int stun_userhash(const char *username, const char *realm, uint8_t hash[static STUN_USERHASH_LEN]);

/** enum stun_integrity - MESSAGE-INTEGRITY or MESSAGE-INTEGRITY-SHA256 */
enum stun_integrity {
	STUN_INTEGRITY_SHA1,
	STUN_INTEGRITY_SHA256,
};

/** struct stun_hmac - reusable HMAC state for one attribute and one key; one thread at a time */
struct stun_hmac;

/**
 * stun_hmac_new() - create HMAC state
 * @key: from stun_long_term_key(), or the bytes of a short-term password
 * @len: length of @key in bytes
 *
 * Return: the state, to be freed with stun_hmac_free(), or NULL if out of memory.
 */
struct stun_hmac *stun_hmac_new(enum stun_integrity kind, const void *key, size_t len);

/** stun_hmac_free() - free @hmac and wipe its key; NULL is allowed */
void stun_hmac_free(struct stun_hmac *hmac);

/** stun_hmac_attr() - the attribute type of @hmac */
enum stun_attr_type stun_hmac_attr(const struct stun_hmac *hmac);

/** stun_hmac_len() - the length of that attribute's value, untruncated, in bytes */
size_t stun_hmac_len(const struct stun_hmac *hmac);

/**
 * stun_hmac_message() - compute the attribute's value for a message
 * @message:   at least a STUN header; its length field is ignored
 * @integrity: offset of the attribute; the bytes before it are covered
 * @value:     the result, stun_hmac_len() bytes
 *
 * Return: 0, or -EIO if OpenSSL fails.
 */
int stun_hmac_message(struct stun_hmac *hmac, const uint8_t *message, size_t integrity,
		      uint8_t value[static STUN_INTEGRITY_LEN_MAX]);

/**
 * stun_check_integrity() - verify the attribute of a message, in constant time
 *
 * Truncated values are refused: a usage has to allow them (RFC 8489 section 14.6), and TURN does
 * not.
 *
 * Return: 0, -ENOENT if @msg has no such attribute, -EBADMSG if it is wrong, -EIO if OpenSSL fails.
 */
int stun_check_integrity(const struct stun_message *msg, struct stun_hmac *hmac);

#endif /* TURNPIKE_STUN_INTEGRITY_H */
