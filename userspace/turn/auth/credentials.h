/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file credentials.h
 * Who may relay, by long-term credentials (RFC 8489 section 9.2).
 *
 * Filled by one thread, then given to any number of servers in any threads, and not changed any
 * more. To change who may relay, make new ones and give those to the servers.
 */
#ifndef TURNPIKE_TURN_AUTH_CREDENTIALS_H
#define TURNPIKE_TURN_AUTH_CREDENTIALS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "stun/integrity.h"

struct turn_credentials;

/**
 * turn_credentials_new() - make an empty set
 * @realm: 1 to 127 bytes of UTF-8
 * @ret:   the result, for turn_credentials_put()
 *
 * Return: 0, -EINVAL if @realm is no text that OpaqueString (RFC 8265) allows, -ENOMEM.
 */
int turn_credentials_new(const char *realm, struct turn_credentials **ret);

/** turn_credentials_get() - take another reference; any thread */
struct turn_credentials *turn_credentials_get(struct turn_credentials *credentials);

/**
 * turn_credentials_put() - give a reference back; with the last one all keys are wiped; any thread
 * @credentials: may be NULL
 */
void turn_credentials_put(struct turn_credentials *credentials);

/**
 * turn_credentials_add_password() - let a user in
 * @username: 1 to 508 bytes of UTF-8
 * @password: any UTF-8 that OpaqueString allows; only the keys made of it are kept
 *
 * Return: 0, -EINVAL, -EEXIST if there is a user of that name, -ENOMEM, -EIO if the library has no
 * MD5.
 */
int turn_credentials_add_password(struct turn_credentials *credentials, const char *username,
				  const char *password);

/**
 * turn_credentials_add_key() - let a user in whose key was worked out before
 * @key: of username, realm and password: MD5 (16 bytes) or SHA-256 (32 bytes; RFC 8489 section
 *       9.2.2); given both, in two calls, a client can use either
 * @len: 16 or 32
 *
 * Return: 0, -EINVAL, -EEXIST if the user has a password or such a key, -ENOMEM.
 */
int turn_credentials_add_key(struct turn_credentials *credentials, const char *username,
			     const uint8_t *key, size_t len);

/**
 * turn_credentials_add_secret() - let everybody in who has a time-limited name from this secret
 * @secret: of "REST API for access to TURN services" (draft-uberti-behave-turn-rest): the username
 * is a UNIX time, or one with a colon and a name behind it, and the password the base64 of
 *          HMAC-SHA1(@secret, username); several secrets hold at the same time
 *
 * Return: 0, -EINVAL if it is empty, -ENOMEM.
 */
int turn_credentials_add_secret(struct turn_credentials *credentials, const char *secret);

/** turn_credentials_is_empty() - whether nobody may relay */
int turn_credentials_is_empty(const struct turn_credentials *credentials);

/* What servers ask, in any thread. Usernames are terminated, as a client has sent them. */

/** turn_credentials_has_user() - whether there is a user of that name, secrets aside */
bool turn_credentials_has_user(const struct turn_credentials *credentials, const char *username);

/** turn_credentials_find_hash() - the name of the user whom USERHASH means, lent, or NULL */
const char *turn_credentials_find_hash(const struct turn_credentials *credentials,
				       const uint8_t userhash[static STUN_USERHASH_LEN]);

/**
 * turn_credentials_key() - a key that a request of @username may have been made with
 * @nth: 0, 1, 2...: there is one a secret; whether the name has expired is not asked
 * @key: the result, which the caller wipes
 *
 * Return: 0, -ENOENT after the last, -ENOMEM, -EIO if the library fails.
 */
int turn_credentials_key(const struct turn_credentials *credentials, const char *username,
			 enum stun_password_algorithm algorithm, size_t nth, struct stun_key *key);

/** turn_credentials_has_key() - whether @key is one of those */
bool turn_credentials_has_key(const struct turn_credentials *credentials, const char *username,
			      enum stun_password_algorithm algorithm, const struct stun_key *key);

/**
 * turn_credentials_prefer_sha256() - whether clients may be offered SHA-256
 *
 * They have to take it then (RFC 8489 section 9.2.5), so not if users would be shut out of whom
 * only the MD5 key is known; unless of others only the SHA-256 key is known, since then somebody
 * is.
 */
bool turn_credentials_prefer_sha256(const struct turn_credentials *credentials);

/**
 * turn_credentials_prefer_userhash() - whether clients may be told to use USERHASH
 *
 * They have to (section 9.2.5), so not if there are secrets: nobody knows the names that these
 * allow, and a hash cannot be turned back.
 */
bool turn_credentials_prefer_userhash(const struct turn_credentials *credentials);

#endif /* TURNPIKE_TURN_AUTH_CREDENTIALS_H */
