/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "turn/auth/nonce.h"

/** The time unit in nonces: with seconds, a lifetime of 1 s could end as soon as it begins. */
#define TENTH_NS     100000000ull
#define TENTHS_PER_S 10

/**
 * RFC 8489 section 9.2: the nonce cookie is this text and 24 bits of security features in base64.
 * The two assigned bits (section 18.1) are the first bits of the first letter.
 */
#define COOKIE     "obMatJos2"
#define COOKIE_LEN 9

#define FEATURE_ALGORITHMS 0x20

/** The cookie's four letters of features, followed by a letter of ours for the algorithms. */
#define OFFER_LEN     5
#define OFFER_SHA256  'S'
#define OFFER_MD5     'M'
#define TENTHS_AT     (COOKIE_LEN + OFFER_LEN)
#define TENTHS_DIGITS 8

static void make_at(const struct turn_nonces *nonces, const struct turnpike_addr *client,
		    const char *offer, uint32_t tenths, char *text)
{
	struct {
		struct turnpike_addr client;
		uint32_t tenths;
		char offer[8];
	} covered = { .client = *client, .tenths = tenths };
	char terminated[TURN_NONCE_LEN + 1];

	_Static_assert(sizeof(covered) == 32, "hashed without padding");
	memcpy(covered.offer, offer, OFFER_LEN);
	snprintf(terminated, sizeof(terminated), COOKIE "%.*s%08" PRIx32 "%016" PRIx64, OFFER_LEN,
		 covered.offer, tenths, siphash(nonces->secret, &covered, sizeof(covered)));
	memcpy(text, terminated, TURN_NONCE_LEN);
}

void turn_nonce_make(const struct turn_nonces *nonces, const struct turnpike_addr *client,
		     struct turn_offer offer, uint64_t now, char text[static TURN_NONCE_LEN])
{
	const char letters[OFFER_LEN] = {
		/* Base64 of 0x20 (algorithms), or of 0x30 (username anonymity, too). */
		offer.userhash ? 'w' : 'g', 'A', 'A', 'A', offer.sha256 ? OFFER_SHA256 : OFFER_MD5,
	};

	make_at(nonces, client, letters, (uint32_t)(now / TENTH_NS), text);
}

/** Decodes any bytes: a wrong timestamp fails the comparison in turn_nonce_check(). */
static uint32_t issued_at(const uint8_t *text)
{
	uint32_t tenths = 0;

	for (size_t i = TENTHS_AT; i < TENTHS_AT + TENTHS_DIGITS; i++) {
		uint8_t c = text[i];

		tenths = tenths << 4 | (c <= '9' ? c & 0xf : (c & 0xf) + 9u);
	}
	return tenths;
}

enum turn_nonce_state turn_nonce_check(const struct turn_nonces *nonces,
				       const struct turnpike_addr *client, uint64_t now,
				       const uint8_t *text, size_t len)
{
	char expected[TURN_NONCE_LEN];
	uint32_t issued;

	/* A NUL would truncate the offer in make_at(). */
	if (len != TURN_NONCE_LEN || memchr(text, '\0', len))
		return TURN_NONCE_FOREIGN;
	issued = issued_at(text);
	make_at(nonces, client, (const char *)text + COOKIE_LEN, issued, expected);
	if (CRYPTO_memcmp(expected, text, TURN_NONCE_LEN) != 0)
		return TURN_NONCE_FOREIGN;
	return now / TENTH_NS - issued < nonces->lifetime * (uint64_t)TENTHS_PER_S
		       ? TURN_NONCE_VALID
		       : TURN_NONCE_STALE;
}

/** Returns the value of a base64 letter, or 0 (no features) for any other byte. */
static unsigned int base64_value(uint8_t letter)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *found = letter ? strchr(letters, letter) : NULL;

	return found ? (unsigned int)(found - letters) : 0;
}

bool turn_nonce_has_algorithms(const uint8_t *text, size_t len, bool *sha256)
{
	if (len < COOKIE_LEN + OFFER_LEN - 1 || memcmp(text, COOKIE, COOKIE_LEN) != 0 ||
	    !(base64_value(text[COOKIE_LEN]) & FEATURE_ALGORITHMS))
		return false;
	*sha256 = len < TENTHS_AT || text[TENTHS_AT - 1] != OFFER_MD5;
	return true;
}
