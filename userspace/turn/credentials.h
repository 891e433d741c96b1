/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file credentials.h
 * Who may relay, by long-term credentials (RFC 8489 section 9.2).
 *
 * Filled by one thread, then given to any number of servers in any threads, and not changed any
 * more. To change who may relay, make new ones and give those to the servers.
 */
#ifndef TURNPIKE_TURN_CREDENTIALS_H
#define TURNPIKE_TURN_CREDENTIALS_H

#include <stddef.h>
#include <stdint.h>

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

/** turn_credentials_put() - give a reference back; with the last one all keys are wiped; any thread */
void turn_credentials_put(struct turn_credentials *credentials);

/**
 * turn_credentials_add_password() - let a user in
 * @username: 1 to 508 bytes of UTF-8
 * @password: any UTF-8 that OpaqueString allows; only the keys made of it are kept
 *
 * Return: 0, -EINVAL, -EEXIST if there is a user of that name, -ENOMEM.
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
 * @secret: of "REST API for access to TURN services" (draft-uberti-behave-turn-rest): the username is
 *          a UNIX time, or one with a colon and a name behind it, and the password the base64 of
 *          HMAC-SHA1(@secret, username); several secrets hold at the same time
 *
 * Return: 0, -EINVAL if it is empty, -ENOMEM.
 */
int turn_credentials_add_secret(struct turn_credentials *credentials, const char *secret);

/** turn_credentials_is_empty() - whether nobody may relay */
int turn_credentials_is_empty(const struct turn_credentials *credentials);

#endif /* TURNPIKE_TURN_CREDENTIALS_H */
