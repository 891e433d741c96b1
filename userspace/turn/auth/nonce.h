/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file nonce.h
 * Stateless nonces: the nonce cookie of RFC 8489 section 9.2, the security features offered with
 * it, a timestamp, and a MAC over these and the client's address.
 */
#ifndef TURNPIKE_TURN_AUTH_NONCE_H
#define TURNPIKE_TURN_AUTH_NONCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <turnpike/addr.h>

#include "base/siphash.h"

/** Bytes of a nonce, without a terminating NUL. */
#define TURN_NONCE_LEN 38

/**
 * struct turn_offer - the features of RFC 8489 that a challenge offers
 * @sha256:   keys made with SHA-256, besides those made with MD5
 * @userhash: USERHASH instead of USERNAME
 */
struct turn_offer {
	bool sha256;
	bool userhash;
};

/**
 * struct turn_nonces - what nonces are made and checked with
 * @secret:   random bytes that nobody else knows
 * @lifetime: seconds after which a nonce is stale
 */
struct turn_nonces {
	uint8_t secret[SIPHASH_KEY_LEN];
	uint32_t lifetime;
};

/** turn_nonce_make() - make the nonce for @client at @now (ns); @text is not NUL-terminated */
void turn_nonce_make(const struct turn_nonces *nonces, const struct turnpike_addr *client,
		     struct turn_offer offer, uint64_t now, char text[static TURN_NONCE_LEN]);

/** enum turn_nonce_state - @TURN_NONCE_FOREIGN: it was not made for this client */
enum turn_nonce_state {
	TURN_NONCE_FOREIGN,
	TURN_NONCE_STALE,
	TURN_NONCE_VALID,
};

/** turn_nonce_check() - was @text made for @client, and is it stale at @now (ns)? */
enum turn_nonce_state turn_nonce_check(const struct turn_nonces *nonces,
				       const struct turnpike_addr *client, uint64_t now,
				       const uint8_t *text, size_t len);

/**
 * turn_nonce_has_algorithms() - whether a nonce claims that password algorithms were offered with
 * it
 * @sha256: the result, as in struct turn_offer
 *
 * The claim is unverified until turn_nonce_check().
 */
bool turn_nonce_has_algorithms(const uint8_t *text, size_t len, bool *sha256);

#endif /* TURNPIKE_TURN_AUTH_NONCE_H */
