/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A DTLS cookie is valid for one client and for a limited time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "net/dtls_cookie.h"

static const uint8_t key[SIPHASH_KEY_LEN] = "0123456789abcde";
static const uint8_t other_key[SIPHASH_KEY_LEN] = "0123456789abcdf";
static const uint64_t now = 1000 * NS_PER_S;

static struct turn_tuple tuple(void)
{
	return (struct turn_tuple){
		.client = { .ip = { 192, 0, 2, 1 }, .port = 7, .family = TURNPIKE_IPV4 },
		.server = { .ip = { 192, 0, 2, 2 }, .port = 9, .family = TURNPIKE_IPV4 },
		.transport = TURN_DTLS,
	};
}

static void is_valid_for_one_client(void **state)
{
	const struct turn_tuple client = tuple();
	struct turn_tuple other = client;
	uint8_t cookie[DTLS_COOKIE_LEN];

	(void)state;
	dtls_cookie_make(key, &client, now, cookie);
	assert_true(dtls_cookie_is_valid(key, &client, now, cookie, sizeof(cookie)));
	assert_false(dtls_cookie_is_valid(other_key, &client, now, cookie, sizeof(cookie)));
	/* One bit of difference is enough. */
	for (size_t i = 0; i < sizeof(other); i++) {
		((uint8_t *)&other)[i] ^= 1;
		assert_false(dtls_cookie_is_valid(key, &other, now, cookie, sizeof(cookie)));
		((uint8_t *)&other)[i] ^= 1;
	}
}

static void rejects_changed_cookies(void **state)
{
	const struct turn_tuple client = tuple();
	uint8_t cookie[DTLS_COOKIE_LEN + 1] = { 0 };

	(void)state;
	dtls_cookie_make(key, &client, now, cookie);
	assert_false(dtls_cookie_is_valid(key, &client, now, cookie, DTLS_COOKIE_LEN - 1));
	assert_false(dtls_cookie_is_valid(key, &client, now, cookie, DTLS_COOKIE_LEN + 1));
	assert_false(dtls_cookie_is_valid(key, &client, now, cookie, 0));
	for (size_t i = 0; i < DTLS_COOKIE_LEN; i++) {
		cookie[i] ^= 1;
		assert_false(dtls_cookie_is_valid(key, &client, now, cookie, DTLS_COOKIE_LEN));
		cookie[i] ^= 1;
	}
	assert_true(dtls_cookie_is_valid(key, &client, now, cookie, DTLS_COOKIE_LEN));
}

static void expires(void **state)
{
	const struct turn_tuple client = tuple();
	uint8_t cookie[DTLS_COOKIE_LEN];

	(void)state;
	for (uint64_t s = 0; s < 60; s++) {
		uint64_t made = now + s * NS_PER_S;

		dtls_cookie_make(key, &client, made, cookie);
		assert_true(dtls_cookie_is_valid(key, &client, made + 29 * NS_PER_S, cookie,
						 sizeof(cookie)));
		assert_false(dtls_cookie_is_valid(key, &client, made + 60 * NS_PER_S, cookie,
						  sizeof(cookie)));
		assert_false(dtls_cookie_is_valid(key, &client, made - 30 * NS_PER_S, cookie,
						  sizeof(cookie)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_valid_for_one_client),
		cmocka_unit_test(rejects_changed_cookies),
		cmocka_unit_test(expires),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
