/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <openssl/crypto.h>
#include <string.h>

#include "base/clock.h"
#include "net/dtls_cookie.h"

/** A cookie is valid in the period in which it was made, and in the next one. */
#define PERIOD_NS (30 * NS_PER_S)

/** struct sealed - input of the hash in a cookie; without padding, like struct turn_tuple */
struct sealed {
	uint32_t period;
	struct turn_tuple tuple;
	uint16_t zero;
};

_Static_assert(sizeof(struct sealed) == 4 + sizeof(struct turn_tuple) + 2, "no padding");

static void make(const uint8_t *key, const struct turn_tuple *tuple, uint32_t period,
		 uint8_t *cookie)
{
	const struct sealed sealed = { .period = period, .tuple = *tuple };
	const uint64_t hash = siphash(key, &sealed, sizeof(sealed));

	memcpy(cookie, &period, sizeof(period));
	memcpy(cookie + sizeof(period), &hash, sizeof(hash));
}

void dtls_cookie_make(const uint8_t key[static SIPHASH_KEY_LEN], const struct turn_tuple *tuple,
		      uint64_t now, uint8_t cookie[static DTLS_COOKIE_LEN])
{
	make(key, tuple, (uint32_t)(now / PERIOD_NS), cookie);
}

bool dtls_cookie_is_valid(const uint8_t key[static SIPHASH_KEY_LEN], const struct turn_tuple *tuple,
			  uint64_t now, const uint8_t *cookie, size_t len)
{
	const uint32_t period = (uint32_t)(now / PERIOD_NS);
	uint8_t wanted[DTLS_COOKIE_LEN];
	uint32_t made;

	if (len != DTLS_COOKIE_LEN)
		return false;
	memcpy(&made, cookie, sizeof(made));
	if (made != period && made + 1 != period)
		return false;
	make(key, tuple, made, wanted);
	return CRYPTO_memcmp(wanted, cookie, DTLS_COOKIE_LEN) == 0;
}
