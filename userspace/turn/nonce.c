/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "turn/nonce.h"

#define NS_PER_S 1000000000ull

/** RFC 8489 section 9.2: the nonce cookie, with no security feature bit set. */
#define NONCE_COOKIE     "obMatJos2AAAA"
#define NONCE_COOKIE_LEN 13
#define SECONDS_DIGITS   8

static void make_at(const struct turn_nonces *nonces, const struct turnpike_addr *client,
		    uint32_t seconds, char *text)
{
	struct {
		struct turnpike_addr client;
		uint32_t seconds;
	} covered = { *client, seconds };
	char terminated[TURN_NONCE_LEN + 1];

	_Static_assert(sizeof(covered) == 24, "no padding to be hashed");
	snprintf(terminated, sizeof(terminated), NONCE_COOKIE "%08" PRIx32 "%016" PRIx64, seconds,
		 siphash(nonces->secret, &covered, sizeof(covered)));
	memcpy(text, terminated, TURN_NONCE_LEN);
}

void turn_nonce_make(const struct turn_nonces *nonces, const struct turnpike_addr *client,
		     uint64_t now, char text[static TURN_NONCE_LEN])
{
	make_at(nonces, client, (uint32_t)(now / NS_PER_S), text);
}

/** Reads what it can: a time that is not the nonce's own makes another nonce of it. */
static uint32_t issued_at(const uint8_t *text)
{
	uint32_t seconds = 0;

	for (int i = 0; i < SECONDS_DIGITS; i++) {
		uint8_t c = text[NONCE_COOKIE_LEN + i];

		seconds = seconds << 4 | (c <= '9' ? c & 0xf : (c & 0xf) + 9u);
	}
	return seconds;
}

bool turn_nonce_is_valid(const struct turn_nonces *nonces, const struct turnpike_addr *client,
			 uint64_t now, const uint8_t *text, size_t len)
{
	char expected[TURN_NONCE_LEN];
	uint32_t issued;

	if (len != TURN_NONCE_LEN)
		return false;
	issued = issued_at(text);
	make_at(nonces, client, issued, expected);
	return CRYPTO_memcmp(expected, text, TURN_NONCE_LEN) == 0 &&
	       now / NS_PER_S - issued < nonces->lifetime;
}
