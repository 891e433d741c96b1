/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The limits on answers to unauthenticated requests, and on checks of credentials. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
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

/* Clients behind one proven address that all authenticate exhaust nothing... */
static void test_give_back(void **state)
{
	struct turn_unauth_limit *unauth_limit = limit_new();
	struct turnpike_addr addr = source("192.0.2.1:1");

	(void)state;
	turn_unauth_prove(unauth_limit, &addr, RATE, 0);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(take(unauth_limit, "192.0.2.1:1", 1, 0), 1);
		turn_unauth_refund(unauth_limit, &addr, RATE, 0);
	}
	/* ... and gain nothing. */
	for (int i = 0; i < 1000; i++)
		turn_unauth_refund(unauth_limit, &addr, RATE, 0);
	assert_int_equal(take(unauth_limit, "192.0.2.1:1", 1000, 0), TURN_UNAUTH_PROVEN * BURST);
	turn_unauth_refund(unauth_limit, &addr, RATE, 0);
	assert_int_equal(take(unauth_limit, "192.0.2.1:1", 1000, 0), 1);
	turn_unauth_limit_free(unauth_limit);
}

/* A network has ten times the rate of a source, whichever of its addresses are used. */
static void test_network(void **state)
{
	struct turn_unauth_limit *unauth_limit = limit_new();
	unsigned int got = 0;
	char text[40];

	(void)state;
	for (unsigned int i = 0; i < 256; i++) {
		snprintf(text, sizeof(text), "192.0.2.%u:1", i);
		got += take(unauth_limit, text, BURST, 0);
	}
	assert_int_equal(got, TURN_UNAUTH_NETWORK * BURST);
	assert_int_equal(take(unauth_limit, "192.0.3.1:1", 1000, 0), BURST);
	got = 0;
	for (unsigned int i = 0; i < 256; i++) {
		snprintf(text, sizeof(text), "[2001:db8:1:%x::1]:1", i);
		got += take(unauth_limit, text, BURST, 0);
	}
	assert_int_equal(got, TURN_UNAUTH_NETWORK * BURST);
	assert_int_equal(take(unauth_limit, "[2001:db8:2::1]:1", 1000, 0), BURST);
	turn_unauth_limit_free(unauth_limit);
}

/* A flood from many spoofed sources: their number is limited, and who is proven is not refused. */
static void test_many_sources(void **state)
{
	struct turn_unauth_limit *unauth_limit = limit_new();
	struct turnpike_addr addr = source("192.0.2.1:1");
	unsigned int got = 0;

	(void)state;
	turn_unauth_prove(unauth_limit, &addr, RATE, 0);
	for (uint32_t i = 0; i < 100000; i++) {
		addr = numbered(0x0a000000 + 256 * i);
		got += turn_unauth_charge(unauth_limit, &addr, RATE, 0);
	}
	assert_int_equal(got, TURN_UNAUTH_ALL * BURST);
	assert_int_equal(take(unauth_limit, "198.51.100.1:1", 1, 0), 0);
	assert_int_equal(take(unauth_limit, "192.0.2.1:1", 1000, 0), TURN_UNAUTH_PROVEN * BURST);
	turn_unauth_limit_free(unauth_limit);
}

/* Spoofed requests in the name of a source do not use up what it gets once it is proven. */
static void test_proof(void **state)
{
	struct turn_unauth_limit *unauth_limit = limit_new();
	const struct turnpike_addr addr = source("192.0.2.1:1");
	const uint64_t end = TURN_UNAUTH_PROVEN_S * SECOND;

	(void)state;
	assert_int_equal(take(unauth_limit, "192.0.2.1:1", 1000, 0), BURST);
	turn_unauth_prove(unauth_limit, &addr, RATE, 0);
	assert_int_equal(take(unauth_limit, "192.0.2.1:9", 1000, 0), TURN_UNAUTH_PROVEN * BURST);
	assert_int_equal(take(unauth_limit, "192.0.2.1:1", 1000, end), BURST);
	/* The answer that had the nonce was given back. */
	turn_unauth_prove(unauth_limit, &addr, RATE, end);
	assert_int_equal(take(unauth_limit, "192.0.2.1:1", 1000, 2 * end), BURST);
	turn_unauth_prove(unauth_limit, &addr, RATE, 2 * end);
	assert_int_equal(take(unauth_limit, "192.0.2.2:1", 1000, 2 * end), BURST);
	turn_unauth_limit_free(unauth_limit);
}

static unsigned int guesses(struct turn_unauth_limit *unauth_limit, const char *text,
			    const char *account, unsigned int n, uint64_t now)
{
	unsigned int got = 0;

	while (n-- > 0) {
		struct turn_guess guess = {
			.source = source(text), .account = account, .rate = RATE, .now = now
		};

		got += turn_guess_charge(unauth_limit, &guess);
	}
	return got;
}

/* A source has some checks of its own, and then shares the rates of itself and of the account. */
static void test_guesses(void **state)
{
	struct turn_unauth_limit *unauth_limit = limit_new();
	const unsigned int own = TURN_GUESS_OWN_BURST;

	(void)state;
	assert_int_equal(guesses(unauth_limit, "192.0.2.1:1", "alice", 1000, 0), own + BURST);
	/* Another account does not help the source, another source has its own checks only. */
	assert_int_equal(guesses(unauth_limit, "192.0.2.1:1", "bob", 1000, 0), 0);
	assert_int_equal(guesses(unauth_limit, "198.51.100.1:1", "alice", 1000, 0), own);
	assert_int_equal(guesses(unauth_limit, "198.51.100.1:1", "bob", 1000, 0), BURST);
	assert_int_equal(guesses(unauth_limit, "192.0.2.1:1", "alice", 1000, SECOND), RATE);
	turn_unauth_limit_free(unauth_limit);
}

/* All of a network's sources together get ten times the rate, their own checks included. */
static void test_guesses_of_a_network(void **state)
{
	struct turn_unauth_limit *unauth_limit = limit_new();
	unsigned int got = 0;
	char text[40], account[8];

	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		snprintf(text, sizeof(text), "[2001:db8:1:%x::1]:1", i);
		snprintf(account, sizeof(account), "u%u", i);
		got += guesses(unauth_limit, text, account, 100, 0);
	}
	assert_int_equal(got, TURN_UNAUTH_NETWORK * BURST);
	turn_unauth_limit_free(unauth_limit);
}

/* Right credentials cost nothing. */
static void test_right_guesses(void **state)
{
	struct turn_unauth_limit *unauth_limit = limit_new();
	struct turn_guess guess = { .source = source("192.0.2.1:1"),
				    .account = "alice",
				    .rate = RATE };

	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		assert_true(turn_guess_charge(unauth_limit, &guess));
		turn_guess_refund(unauth_limit, &guess);
	}
	assert_int_equal(guesses(unauth_limit, "192.0.2.1:1", "alice", TURN_GUESS_OWN_BURST, 0),
			 TURN_GUESS_OWN_BURST);
	for (unsigned int i = 0; i < 1000; i++) {
		assert_true(turn_guess_charge(unauth_limit, &guess));
		turn_guess_refund(unauth_limit, &guess);
	}
	assert_int_equal(guesses(unauth_limit, "192.0.2.1:1", "alice", 1000, 0), BURST);
	guess.rate = 0;
	assert_true(turn_guess_charge(unauth_limit, &guess));
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
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_no_limit),
		cmocka_unit_test(test_give_back),
		cmocka_unit_test(test_network),
		cmocka_unit_test(test_many_sources),
		cmocka_unit_test(test_proof),
		cmocka_unit_test(test_guesses),
		cmocka_unit_test(test_guesses_of_a_network),
		cmocka_unit_test(test_right_guesses),
		cmocka_unit_test(test_victim_is_remembered),
	};

	return cmocka_run_group_tests_name("unauth_limit", tests, NULL, NULL);
}
