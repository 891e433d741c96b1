/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file integrity.h
 * MESSAGE-INTEGRITY and FINGERPRINT (RFC 8489 sections 14.5 and 14.7) and the keys they need.
 */
#ifndef TURNPIKE_STUN_INTEGRITY_H
#define TURNPIKE_STUN_INTEGRITY_H

#include <stddef.h>
#include <stdint.h>

#include "stun/message.h"
#include "stun/protocol.h"

/** struct stun_hmac - HMAC-SHA1 with one key, ready to be used again and again */
struct stun_hmac;

/**
 * stun_long_term_key() - the key of the long-term credential mechanism (RFC 8489 section 9.2.2)
 * @username: UTF-8, as are @realm and @password, to which OpaqueString has been applied
 * @key:      the result
 *
 * Return: 0, -ENOMEM, or -EIO if the library has no MD5.
 */
int stun_long_term_key(const char *username, const char *realm, const char *password,
		       uint8_t key[static STUN_LONG_TERM_KEY_LEN]);

/**
 * stun_hmac_new() - prepare a key
 * @key: key of stun_long_term_key(), or a short-term password as it stands
 * @len: its length in bytes
 *
 * Return: the object, to be freed with stun_hmac_free(), or NULL if there is no memory.
 */
struct stun_hmac *stun_hmac_new(const void *key, size_t len);

/** stun_hmac_free() - free @hmac and forget its key; @hmac may be NULL */
void stun_hmac_free(struct stun_hmac *hmac);

/**
 * stun_hmac_message() - the value of the MESSAGE-INTEGRITY of a message
 * @message:   the message, at least a header; its length field does not matter
 * @integrity: offset of the MESSAGE-INTEGRITY attribute: the bytes before it are covered
 * @value:     the result
 *
 * Return: 0, or -EIO if the library fails.
 */
int stun_hmac_message(struct stun_hmac *hmac, const uint8_t *message, size_t integrity,
		      uint8_t value[static STUN_INTEGRITY_LEN]);

/**
 * stun_check_integrity() - compare the MESSAGE-INTEGRITY of a message in constant time
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
