/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file nonce.h
 * Nonces that the server need not remember: the nonce cookie of RFC 8489 section 9.2, what was
 * offered with it, a time, and a MAC over all that and the client's address.
 */
#ifndef TURNPIKE_TURN_AUTH_NONCE_H
#define TURNPIKE_TURN_AUTH_NONCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <turnpike/addr.h>

#include "base/siphash.h"

/** Bytes of a nonce as text, without a terminating NUL. */
#define TURN_NONCE_LEN 38

/**
 * struct turn_offer - what clients may use that came with RFC 8489
 * @sha256:   keys made with SHA-256, besides those made with MD5
 * @userhash: USERHASH in place of USERNAME
 */
struct turn_offer {
	bool sha256;
	bool userhash;
};

/**
 * struct turn_nonces - what nonces are made and judged with
 * @secret:   random, unknown to everybody else
 * @lifetime: seconds after which a nonce is stale
 */
struct turn_nonces {
	uint8_t secret[SIPHASH_KEY_LEN];
	uint32_t lifetime;
};

/** turn_nonce_make() - the nonce for @client at @now (ns); @text is not terminated */
void turn_nonce_make(const struct turn_nonces *nonces, const struct turnpike_addr *client,
		     struct turn_offer offer, uint64_t now, char text[static TURN_NONCE_LEN]);

/** turn_nonce_is_valid() - was the text made for @client, and is it not stale at @now (ns)? */
bool turn_nonce_is_valid(const struct turn_nonces *nonces, const struct turnpike_addr *client,
			 uint64_t now, const uint8_t *text, size_t len);

/**
 * turn_nonce_has_algorithms() - whether a nonce says that a choice of password algorithms came with
 * it
 * @sha256: as in struct turn_offer; no more than the text's word unless that is valid
 */
bool turn_nonce_has_algorithms(const uint8_t *text, size_t len, bool *sha256);

#endif /* TURNPIKE_TURN_AUTH_NONCE_H */
