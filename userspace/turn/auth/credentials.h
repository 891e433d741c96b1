/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file credentials.h
 * The users of a realm, for long-term credentials (RFC 8489 section 9.2).
 *
 * One thread fills a set. Then any number of servers in any threads may use it, and nobody may
 * change it. To change the users, build a new set and pass it to the servers.
 */
#ifndef TURNPIKE_TURN_AUTH_CREDENTIALS_H
#define TURNPIKE_TURN_AUTH_CREDENTIALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/siphash.h"
#include "stun/integrity.h"

struct turn_credentials;

/**
 * turn_credentials_new() - create an empty set
 * @realm: 1 to 127 bytes of UTF-8
 * @ret:   the result, to be released with turn_credentials_put()
 *
 * Return: 0, -EINVAL if OpaqueString (RFC 8265) does not allow @realm, -ENOMEM.
 */
int turn_credentials_new(const char *realm, struct turn_credentials **ret);

/** turn_credentials_get() - take a reference; any thread */
struct turn_credentials *turn_credentials_get(struct turn_credentials *credentials);

/**
 * turn_credentials_put() - drop a reference; the last one wipes all keys; any thread
 * @credentials: may be NULL
 */
void turn_credentials_put(struct turn_credentials *credentials);

/**
 * turn_credentials_add_password() - add a user by password
 * @username: 1 to 508 bytes of UTF-8
 * @password: any UTF-8 that OpaqueString allows; only keys derived from it are kept
 *
 * Return: 0, -EINVAL, -EEXIST if there is a user @username, -ENOMEM, -EIO if OpenSSL has no MD5.
 */
int turn_credentials_add_password(struct turn_credentials *credentials, const char *username,
				  const char *password);

/** Bytes of both keys of a user: MD5, and SHA-256 behind it. */
#define TURN_KEYS_LEN 48

/**
 * turn_credentials_make_keys() - make the keys that turn_credentials_add_password() would add
 * @ret: for turn_credentials_add_key()
 *
 * Return: 0, -EINVAL, -ENOMEM, -EIO if OpenSSL has no MD5.
 */
int turn_credentials_make_keys(const struct turn_credentials *credentials, const char *username,
			       const char *password, uint8_t ret[static TURN_KEYS_LEN]);

/**
 * turn_credentials_add_key() - add a user, or a second key of a user, by key
 * @key: digest of username, realm and password: MD5 (16 bytes) or SHA-256 (32 bytes; RFC 8489
 *       section 9.2.2). Clients can use the algorithms that the user has keys of
 * @len: 16, 32, or TURN_KEYS_LEN for both
 *
 * Return: 0, -EINVAL, -EEXIST if the user has a password or a key of this length, -ENOMEM.
 */
int turn_credentials_add_key(struct turn_credentials *credentials, const char *username,
			     const uint8_t *key, size_t len);

/**
 * turn_credentials_add_secret() - accept time-limited usernames of a shared secret
 * @secret: as in "REST API for access to TURN services" (draft-uberti-behave-turn-rest): a username
 *          is a UNIX time, or a UNIX time, a colon and a name; its password is the base64 of
 *          HMAC-SHA1(@secret, username). Several secrets may be valid at the same time
 *
 * Return: 0, -EINVAL if @secret is empty, -ENOMEM.
 */
int turn_credentials_add_secret(struct turn_credentials *credentials, const char *secret);

/** turn_credentials_is_empty() - whether there are neither users nor secrets */
int turn_credentials_is_empty(const struct turn_credentials *credentials);

/* For servers, in any thread. Usernames are NUL-terminated, otherwise as the client sent them. */

/** turn_credentials_has_user() - whether @username was added, by password or by key */
bool turn_credentials_has_user(const struct turn_credentials *credentials, const char *username);

/** turn_credentials_find_hash() - the username with this USERHASH, lent; NULL: there is none */
const char *turn_credentials_find_hash(const struct turn_credentials *credentials,
				       const uint8_t userhash[static STUN_USERHASH_LEN]);

/**
 * turn_credentials_key() - get a key that may protect the requests of @username
 * @nth: 0 for a user; 0, 1, 2... for a time-limited username, which has one key per secret. Its
 *       expiry is not checked here
 * @key: the result, which the caller wipes
 *
 * Return: 0, -ENOENT after the last key, -ENOMEM, -EIO if OpenSSL fails.
 */
int turn_credentials_key(const struct turn_credentials *credentials, const char *username,
			 enum stun_password_algorithm algorithm, size_t nth, struct stun_key *key);

/** turn_credentials_has_key() - whether turn_credentials_key() returns @key for some nth */
bool turn_credentials_has_key(const struct turn_credentials *credentials, const char *username,
			      enum stun_password_algorithm algorithm, const struct stun_key *key);

/**
 * turn_credentials_secret_id() - a number that stands for a secret, in any set
 * @nth:      as in turn_credentials_key()
 * @hash_key: random bytes that nobody else knows
 *
 * Return: the number, or 0 after the last secret.
 */
uint64_t turn_credentials_secret_id(const struct turn_credentials *credentials, size_t nth,
				    const uint8_t hash_key[static SIPHASH_KEY_LEN]);

/**
 * turn_credentials_prefer_sha256() - whether to offer SHA-256 to clients
 *
 * Clients must use it if it is offered (RFC 8489 section 9.2.5). So it is not offered if that locks
 * out users who only have an MD5 key; unless other users only have a SHA-256 key, since then either
 * choice locks out a user.
 */
bool turn_credentials_prefer_sha256(const struct turn_credentials *credentials);

/**
 * turn_credentials_prefer_userhash() - whether to offer USERHASH to clients
 *
 * Clients must use it if it is offered (section 9.2.5). So it is not offered if there are secrets:
 * their usernames are not known in advance, and a hash cannot be reversed.
 */
bool turn_credentials_prefer_userhash(const struct turn_credentials *credentials);

#endif /* TURNPIKE_TURN_AUTH_CREDENTIALS_H */
