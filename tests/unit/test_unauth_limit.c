/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The limit on answers to unauthenticated requests. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/addr.h"
#include "turn/auth/unauth_limit.h"

#define SECOND 1000000000ull
#define RATE   4
#define BURST  (RATE * TURN_UNAUTH_BURST_S)

static const uint8_t key[SIPHASH_KEY_LEN] = "0123456789abcde";

static struct turn_unauth_limit *limit_new(void)
{
	struct turn_unauth_limit *unauth_limit = turn_unauth_limit_new(key);

	assert_non_null(unauth_limit);
	return unauth_limit;
}

static struct turnpike_addr source(const char *text)
{
	struct turnpike_addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return addr;
}

static struct turnpike_addr numbered(uint32_t number)
{
	struct turnpike_addr addr = source("0.0.0.0:9");

	number = htonl(number);
	memcpy(addr.ip, &number, sizeof(number));
	return addr;
}

/* Charges @n answers and returns how many are granted. */
static unsigned int take(struct turn_unauth_limit *unauth_limit, const char *text, unsigned int n,
			 uint64_t now)
{
	struct turnpike_addr addr = source(text);
	unsigned int got = 0;

	while (n-- > 0)
		got += turn_unauth_charge(unauth_limit, &addr, RATE, now);
	return got;
}

static void test_rate(void **state)
{
	struct turn_unauth_limit *unauth_limit = limit_new();
	uint64_t now = 5 * SECOND;

	(void)state;
	assert_int_equal(take(unauth_limit, "192.0.2.1:1", 1000, now), BURST);
	assert_int_equal(take(unauth_limit, "192.0.2.1:1", 1000, now + SECOND / RATE - 1), 0);
	assert_int_equal(take(unauth_limit, "192.0.2.1:1", 1000, now + SECOND / RATE), 1);
	/* Refused answers are not charged. */
	assert_int_equal(take(unauth_limit, "192.0.2.1:1", 1000, now + SECOND), RATE - 1);
	assert_int_equal(take(unauth_limit, "192.0.2.1:1", 1000, now + 1000 * SECOND), BURST);
	turn_unauth_limit_free(unauth_limit);
}

static void test_sources(void **state)
{
	struct turn_unauth_limit *unauth_limit = limit_new();

	(void)state;
	assert_int_equal(take(unauth_limit, "192.0.2.1:1", 1000, 0), BURST);
	/* Another port is the same source, another address is a different one. */
	assert_int_equal(take(unauth_limit, "192.0.2.1:2", 1000, 0), 0);
	assert_int_equal(take(unauth_limit, "192.0.2.2:1", 1000, 0), BURST);
	assert_int_equal(take(unauth_limit, "[2001:db8:1:2::1]:1", 1000, 0), BURST);
	assert_int_equal(take(unauth_limit, "[2001:db8:1:2:ffff::9]:1", 1000, 0), 0);
	assert_int_equal(take(unauth_limit, "[2001:db8:1:3::1]:1", 1000, 0), BURST);
	/* An IPv4 address is not mistaken for an IPv6 prefix with the same bytes. */
	assert_int_equal(take(unauth_limit, "[c000:201::]:1", 1000, 0), BURST);
	turn_unauth_limit_free(unauth_limit);
}

static void test_no_limit(void **state)
{
	struct turn_unauth_limit *unauth_limit = limit_new();
	struct turnpike_addr addr = source("192.0.2.1:1");

	(void)state;
	for (int i = 0; i < 100000; i++)
		assert_true(turn_unauth_charge(unauth_limit, &addr, 0, 0));
	turn_unauth_refund(unauth_limit, &addr, 0, 0);
	turn_unauth_limit_free(unauth_limit);
	turn_unauth_limit_free(NULL);
}

/* Clients behind one address that all authenticate exhaust nothing... */
static void test_give_back(void **state)
{
	struct turn_unauth_limit *unauth_limit = limit_new();
	struct turnpike_addr addr = source("192.0.2.1:1");

	(void)state;
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(take(unauth_limit, "192.0.2.1:1", 1, 0), 1);
		turn_unauth_refund(unauth_limit, &addr, RATE, 0);
	}
	/* ... and gain nothing. */
	for (int i = 0; i < 1000; i++)
		turn_unauth_refund(unauth_limit, &addr, RATE, 0);
	assert_int_equal(take(unauth_limit, "192.0.2.1:1", 1000, 0), BURST);
	turn_unauth_refund(unauth_limit, &addr, RATE, 0);
	assert_int_equal(take(unauth_limit, "192.0.2.1:1", 1000, 0), 1);
	turn_unauth_limit_free(unauth_limit);
}

/* A flood from many spoofed sources: neither they nor others are refused. */
static void test_many_sources(void **state)
{
	struct turn_unauth_limit *unauth_limit = limit_new();
	struct turnpike_addr addr;

	(void)state;
	for (uint32_t i = 0; i < 100000; i++) {
		addr = numbered(0x0a000000 + i);
		assert_true(turn_unauth_charge(unauth_limit, &addr, RATE, 0));
	}
	assert_int_equal(take(unauth_limit, "192.0.2.1:1", 1000, 0), BURST);
	turn_unauth_limit_free(unauth_limit);
}

/* Sources with little debt do not evict a source that has exhausted its rate. */
static void test_victim_is_remembered(void **state)
{
	struct turn_unauth_limit *unauth_limit = limit_new();
	struct turnpike_addr addr;

	(void)state;
	assert_int_equal(take(unauth_limit, "192.0.2.1:1", 1000, 0), BURST);
	for (uint32_t i = 0; i < 100000; i++) {
		addr = numbered(0x0a000000 + i);
		turn_unauth_charge(unauth_limit, &addr, RATE, 0);
	}
	assert_int_equal(take(unauth_limit, "192.0.2.1:1", 1000, 0), 0);
	turn_unauth_limit_free(unauth_limit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rate),         cmocka_unit_test(test_sources),
		cmocka_unit_test(test_no_limit),     cmocka_unit_test(test_give_back),
		cmocka_unit_test(test_many_sources), cmocka_unit_test(test_victim_is_remembered),
	};

	return cmocka_run_group_tests_name("unauth_limit", tests, NULL, NULL);
}
