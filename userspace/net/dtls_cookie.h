/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file dtls_cookie.h
 * DTLS cookies (RFC 6347 section 4.2.1). A client that returns its cookie receives packets at its
 * address. The server stores nothing. Pure functions, any thread.
 */
#ifndef TURNPIKE_NET_DTLS_COOKIE_H
#define TURNPIKE_NET_DTLS_COOKIE_H

#include "base/siphash.h"
#include "turn/types.h"

#define DTLS_COOKIE_LEN 12

/** dtls_cookie_make() - make the cookie of a client; @now is in ns */
void dtls_cookie_make(const uint8_t key[static SIPHASH_KEY_LEN], const struct turn_tuple *tuple,
		      uint64_t now, uint8_t cookie[static DTLS_COOKIE_LEN]);

/**
 * dtls_cookie_is_valid() - check the cookie that a client has returned
 *
 * A cookie is valid for at least 30 seconds and for less than 60.
 */
bool dtls_cookie_is_valid(const uint8_t key[static SIPHASH_KEY_LEN], const struct turn_tuple *tuple,
			  uint64_t now, const uint8_t *cookie, size_t len);

#endif /* TURNPIKE_NET_DTLS_COOKIE_H */
