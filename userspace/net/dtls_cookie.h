/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file dtls_cookie.h
 * Cookies of DTLS (RFC 6347 section 4.2.1): who returns one receives what is sent to his address.
 * Nothing is remembered for that. Pure functions, any thread.
 */
#ifndef TURNPIKE_NET_DTLS_COOKIE_H
#define TURNPIKE_NET_DTLS_COOKIE_H

#include "base/siphash.h"
#include "turn/turn.h"

#define DTLS_COOKIE_LEN 12

/** dtls_cookie_make() - the cookie of a client */
void dtls_cookie_make(const uint8_t key[static SIPHASH_KEY_LEN], const struct turn_tuple *tuple,
		      uint64_t now, uint8_t cookie[static DTLS_COOKIE_LEN]);

/** dtls_cookie_is_valid() - whether @len bytes are a cookie of a client, and not older than a
 * minute
 */
bool dtls_cookie_is_valid(const uint8_t key[static SIPHASH_KEY_LEN], const struct turn_tuple *tuple,
			  uint64_t now, const uint8_t *cookie, size_t len);

#endif /* TURNPIKE_NET_DTLS_COOKIE_H */
