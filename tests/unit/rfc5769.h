/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file rfc5769.h
 * The test vectors of RFC 5769 and RFC 8489 appendix B, with their keys.
 */
#ifndef TURNPIKE_RFC5769_H
#define TURNPIKE_RFC5769_H

#include <stddef.h>
#include <stdint.h>

#include "stun/integrity.h"

#define RFC5769_VECTORS 5

/* For the vector with long-term credentials: six katakana letters, and ASCII. */
#define RFC5769_USERNAME "\xe3\x83\x9e\xe3\x83\x88\xe3\x83\xaa\xe3\x83\x83\xe3\x82\xaf\xe3\x82\xb9"
#define RFC5769_REALM    "example.org"
#define RFC5769_NONCE    "f//499k954d6OL34oL9FSTvy64sA"
#define RFC8489_NONCE    "obMatJos2AAACf//499k954d6OL34oL9FSTvy64sA"

struct rfc5769_vector {
	const uint8_t *data;
	size_t len;
};

extern const struct rfc5769_vector rfc5769_request;
extern const struct rfc5769_vector rfc5769_response_v4;
extern const struct rfc5769_vector rfc5769_response_v6;
extern const struct rfc5769_vector rfc5769_long_term;
extern const struct rfc5769_vector rfc8489_userhash;
extern const struct rfc5769_vector *const rfc5769_all[RFC5769_VECTORS];

/* The keys of the first three vectors, and of the others; to be freed. */
struct stun_hmac *rfc5769_short_term(void);
struct stun_hmac *rfc5769_long_term_hmac(void);
struct stun_hmac *rfc8489_userhash_hmac(void);

#endif /* TURNPIKE_RFC5769_H */
