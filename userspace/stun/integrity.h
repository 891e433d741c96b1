/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file integrity.h
 * MESSAGE-INTEGRITY, MESSAGE-INTEGRITY-SHA256 and FINGERPRINT (RFC 8489 sections 14.5 to 14.7) and
 * the keys they need.
 */
#ifndef TURNPIKE_STUN_INTEGRITY_H
#define TURNPIKE_STUN_INTEGRITY_H

#include <stddef.h>
#include <stdint.h>

#include "stun/message.h"
#include "stun/protocol.h"

#define STUN_KEY_LEN_MAX 32

/**
 * struct stun_key - a key made of username, realm and password
 * @bytes: the key, with zeros behind it
 * @len:   16 of MD5, 32 of SHA-256
 */
struct stun_key {
	uint8_t bytes[STUN_KEY_LEN_MAX];
	size_t len;
};

/**
 * stun_long_term_key() - the key of the long-term credential mechanism (RFC 8489 section 9.2.2)
 * @username: UTF-8, as are @realm and @password, to which OpaqueString has been applied
 * @key:      the result, which the caller wipes
 *
 * Return: 0, -ENOMEM, or -EIO if the library does not have the algorithm.
 */
int stun_long_term_key(enum stun_password_algorithm algorithm, const char *username,
		       const char *realm, const char *password, struct stun_key *key);

/**
 * stun_userhash() - what stands for a username in USERHASH (section 14.4); as stun_long_term_key()
 */
int stun_userhash(const char *username, const char *realm, uint8_t hash[static STUN_USERHASH_LEN]);

/** enum stun_integrity - which of the two attributes that protect integrity */
enum stun_integrity {
	STUN_INTEGRITY_SHA1,
	STUN_INTEGRITY_SHA256,
};

/** struct stun_hmac - HMAC for one of the attributes with one key, to be used again and again */
struct stun_hmac;

/**
 * stun_hmac_new() - prepare a key
 * @key: of stun_long_term_key(), or a short-term password as it stands
 * @len: its length in bytes
 *
 * Return: the object, to be freed with stun_hmac_free(), or NULL if there is no memory.
 */
struct stun_hmac *stun_hmac_new(enum stun_integrity kind, const void *key, size_t len);

/** stun_hmac_free() - free @hmac and forget its key; @hmac may be NULL */
void stun_hmac_free(struct stun_hmac *hmac);

/** stun_hmac_attr() - the attribute that @hmac is for */
enum stun_attr_type stun_hmac_attr(const struct stun_hmac *hmac);

/** stun_hmac_len() - the length of that attribute's value, not truncated */
size_t stun_hmac_len(const struct stun_hmac *hmac);

/**
 * stun_hmac_message() - the value of the attribute in a message
 * @message:   the message, at least a header; its length field does not matter
 * @integrity: offset of the attribute: the bytes before it are covered
 * @value:     the result, stun_hmac_len() bytes
 *
 * Return: 0, or -EIO if the library fails.
 */
int stun_hmac_message(struct stun_hmac *hmac, const uint8_t *message, size_t integrity,
		      uint8_t value[static STUN_INTEGRITY_LEN_MAX]);

/**
 * stun_check_integrity() - compare the attribute of a message in constant time
 *
 * A truncated value is wrong: only usages that say so have those (RFC 8489 section 14.6), and TURN
 * does not.
 *
 * Return: 0, -ENOENT if @msg has none, -EBADMSG if it is wrong, -EIO if the library fails.
 */
int stun_check_integrity(const struct stun_message *msg, struct stun_hmac *hmac);

/**
 * stun_fingerprint() - the value of the FINGERPRINT of a message, in host order
 * @message: the message; its length field already counts the FINGERPRINT
 * @len:     bytes before the FINGERPRINT attribute
 */
uint32_t stun_fingerprint(const uint8_t *message, size_t len);

#endif /* TURNPIKE_STUN_INTEGRITY_H */
