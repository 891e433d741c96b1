/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Independent parts of the TURN core: SipHash, timers, ports, accounts, nonces. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/addr.h"
#include "turn/auth/nonce.h"
#include "turn/state/account.h"
#include "turn/state/port_pool.h"
#include "base/siphash.h"
#include "turn/state/timers.h"

#define SECOND 1000000000ull

/** The paper's key 00..0f and inputs 00, 00 01, ... (appendix A and the reference vectors). */
static void test_siphash(void **state)
{
	static const struct {
		size_t len;
		uint64_t hash;
	} rows[] = {
		{ 0, 0x726fdb47dd0e0e31 }, { 1, 0x74f839c593dc67fd },  { 7, 0xab0200f58b01d137 },
		{ 8, 0x93f5f5799a932462 }, { 15, 0xa129ca6149be45e5 },
	};
	uint8_t bytes[16];

	(void)state;
	for (uint8_t i = 0; i < 16; i++)
		bytes[i] = i;
	for (size_t i = 0; i < 5; i++)
		assert_true(siphash(bytes, bytes, rows[i].len) == rows[i].hash);
}

static void test_timers(void **state)
{
	struct turn_timers timers = { 0 };
	struct turn_timer all[300];
	uint64_t last = 0;

	(void)state;
	assert_null(turn_timers_first(&timers));
	for (size_t i = 0; i < 300; i++)
		assert_int_equal(turn_timer_add(&timers, &all[i], i * 7919 % 1009, NULL), 0);
	for (size_t i = 0; i < 300; i += 3)
		turn_timer_move(&timers, &all[i], i * 104729 % 997);
	for (size_t i = 1; i < 300; i += 3)
		turn_timer_del(&timers, &all[i]);
	for (size_t i = 0; i < 200; i++) {
		struct turn_timer *first = turn_timers_first(&timers);

		assert_true(first->when >= last);
		assert_int_not_equal((first - all) % 3, 1);
		last = first->when;
		turn_timer_del(&timers, first);
	}
	assert_null(turn_timers_first(&timers));
	turn_timers_free(&timers);
}

static void test_ports(void **state)
{
	struct turn_ports *ports = turn_ports_new(65533, 65535);
	uint16_t port;

	(void)state;
	assert_int_equal(turn_ports_take(ports, 4, TURN_PORT_ANY, &port), 0);
	assert_int_equal(port, 65534);
	assert_int_equal(turn_ports_take(ports, 4, TURN_PORT_ANY, &port), 0);
	assert_int_equal(port, 65535);
	assert_int_equal(turn_ports_n_free(ports), 1);
	assert_int_equal(turn_ports_take(ports, 4, TURN_PORT_ANY, &port), 0);
	assert_int_equal(port, 65533);
	assert_int_equal(turn_ports_take(ports, 4, TURN_PORT_ANY, &port), -ENOSPC);
	assert_int_equal(turn_ports_n_free(ports), 0);
	/* One port is free: it is taken wherever the search begins. */
	turn_ports_give(ports, 65535);
	assert_int_equal(turn_ports_take(ports, 2, TURN_PORT_ANY, &port), 0);
	assert_int_equal(port, 65535);
	/* 65534, the only even port, is taken. */
	turn_ports_give(ports, 65535);
	turn_ports_give(ports, 65533);
	assert_int_equal(turn_ports_take(ports, 0, TURN_PORT_EVEN, &port), -ENOSPC);
	turn_ports_give(ports, 65534);
	assert_int_equal(turn_ports_n_free(ports), 3);
	assert_int_equal(turn_ports_take(ports, 0, TURN_PORT_EVEN, &port), 0);
	assert_int_equal(port, 65534);
	turn_ports_free(ports);
}

static void test_pairs(void **state)
{
	struct turn_ports *ports = turn_ports_new(65531, 65534);
	uint16_t port;

	(void)state;
	/* 65534 is the last port, so it begins no pair. */
	assert_int_equal(turn_ports_take(ports, 3, TURN_PORT_PAIR, &port), 0);
	assert_int_equal(port, 65532);
	assert_int_equal(turn_ports_n_free(ports), 2);
	assert_int_equal(turn_ports_take(ports, 3, TURN_PORT_PAIR, &port), -ENOSPC);
	assert_int_equal(turn_ports_take(ports, 3, TURN_PORT_ANY, &port), 0);
	assert_int_equal(port, 65534);
	turn_ports_give(ports, 65532);
	assert_int_equal(turn_ports_take(ports, 1, TURN_PORT_PAIR, &port), -ENOSPC);
	turn_ports_give(ports, 65533);
	assert_int_equal(turn_ports_take(ports, 1, TURN_PORT_PAIR, &port), 0);
	assert_int_equal(port, 65532);
	assert_int_equal(turn_ports_take(ports, 0, TURN_PORT_ANY, &port), 0);
	assert_int_equal(port, 65531);
	assert_int_equal(turn_ports_take(ports, 0, TURN_PORT_ANY, &port), -ENOSPC);
	turn_ports_free(ports);
}

/* In any order, no port is taken twice. */
static void test_many_ports(void **state)
{
	enum { LO = 1, HI = 65535, N = HI - LO + 1 };
	struct turn_ports *ports = turn_ports_new(LO, HI);
	static bool is_taken[HI + 1];
	uint16_t port;

	(void)state;
	srand(1);
	for (uint32_t i = 0; i < 2 * N; i++) {
		assert_int_equal(turn_ports_n_free(ports), N - i % N);
		assert_int_equal(turn_ports_take(ports, (uint32_t)rand(), TURN_PORT_ANY, &port), 0);
		assert_in_range(port, LO, HI);
		assert_true(is_taken[port] == (i >= N));
		is_taken[port] = i < N;
		if (i + 1 != N)
			continue;
		assert_int_equal(turn_ports_take(ports, 7, TURN_PORT_ANY, &port), -ENOSPC);
		for (uint32_t each = LO; each <= HI; each++)
			turn_ports_give(ports, (uint16_t)each);
	}
	turn_ports_free(ports);
}

/* Also shortly after the clock has begun, and if the limit changes. */
static void test_rate(void **state)
{
	struct turn_accounts accounts;
	struct turn_account *account;

	(void)state;
	turn_accounts_init(&accounts);
	account = turn_account_open(&accounts, "alice");
	assert_false(turn_account_charge(account, 4, 3, 5));
	assert_true(turn_account_charge(account, 1, 3, 5));
	assert_true(turn_account_charge(account, 2, 3, 6));
	assert_false(turn_account_charge(account, 1, 3, 20 * SECOND + 4));
	assert_true(turn_account_charge(account, 1, 3, 20 * SECOND + 5));
	turn_account_refund(account, 1, 3);
	assert_true(turn_account_charge(account, 1, 3, 20 * SECOND + 5));
	assert_true(turn_account_charge(account, 1000, 0, 20 * SECOND + 5));
	turn_account_refund(account, 1000, 0);
	assert_false(turn_account_charge(account, 1, 1000, 20 * SECOND + 5));
	assert_true(turn_account_charge(account, 1000, 1000, 80 * SECOND + 5));
	assert_false(turn_account_charge(account, 1, UINT32_MAX, 80 * SECOND + 5));
	turn_account_put(account);
	turn_accounts_destroy(&accounts);
}

#define TENTH (SECOND / 10)

static bool is_valid(const struct turn_nonces *nonces, const char *client, uint64_t now,
		     const char *nonce, size_t len)
{
	struct turnpike_addr addr;

	assert_int_equal(addr_parse(client, &addr), 0);
	return turn_nonce_check(nonces, &addr, now, (const uint8_t *)nonce, len) ==
	       TURN_NONCE_VALID;
}

/** A nonce with a lifetime of 1 s lives that long, whenever in a second it was made. */
static void test_shortest_nonce(void **state)
{
	struct turn_nonces nonces = { .secret = "0123456789abcde", .lifetime = 1 };
	uint64_t now = 7 * SECOND - 1;
	char nonce[TURN_NONCE_LEN];
	struct turnpike_addr addr;

	(void)state;
	assert_int_equal(addr_parse("192.0.2.1:99", &addr), 0);
	turn_nonce_make(&nonces, &addr, (struct turn_offer){ true, true }, now, nonce);
	assert_true(is_valid(&nonces, "192.0.2.1:99", now + 9 * TENTH, nonce, sizeof(nonce)));
	assert_false(is_valid(&nonces, "192.0.2.1:99", now + SECOND, nonce, sizeof(nonce)));
}

static void test_nonce(void **state)
{
	struct turn_nonces nonces = { .secret = "0123456789abcde", .lifetime = 3600 };
	struct turn_nonces others = { .secret = "0123456789abcdf", .lifetime = 3600 };
	struct turnpike_addr addr;
	char nonce[TURN_NONCE_LEN], other[TURN_NONCE_LEN];
	uint64_t now = 0xabcdef * TENTH + 5;

	(void)state;
	assert_int_equal(addr_parse("192.0.2.1:99", &addr), 0);
	turn_nonce_make(&nonces, &addr, (struct turn_offer){ true, true }, now, nonce);
	/* RFC 8489 section 9.2: the cookie, with both security features. */
	assert_memory_equal(nonce, "obMatJos2wAAAS00abcdef", 22);
	assert_true(is_valid(&nonces, "192.0.2.1:99", now, nonce, sizeof(nonce)));
	assert_true(
		is_valid(&nonces, "192.0.2.1:99", now + 3600 * SECOND - 6, nonce, sizeof(nonce)));
	assert_false(is_valid(&nonces, "192.0.2.1:99", now + 3600 * SECOND, nonce, sizeof(nonce)));
	assert_false(is_valid(&nonces, "192.0.2.1:98", now, nonce, sizeof(nonce)));
	assert_false(is_valid(&nonces, "192.0.2.2:99", now, nonce, sizeof(nonce)));
	assert_false(is_valid(&others, "192.0.2.1:99", now, nonce, sizeof(nonce)));
	assert_false(is_valid(&nonces, "192.0.2.1:99", now, nonce, sizeof(nonce) - 1));
	for (size_t i = 0; i < sizeof(nonce) * 8; i++) {
		memcpy(other, nonce, sizeof(nonce));
		other[i / 8] = (char)(other[i / 8] ^ 1 << i % 8);
		assert_false(is_valid(&nonces, "192.0.2.1:99", now, other, sizeof(other)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_siphash), cmocka_unit_test(test_timers),
		cmocka_unit_test(test_ports),   cmocka_unit_test(test_pairs),
		cmocka_unit_test(test_rate),    cmocka_unit_test(test_many_ports),
		cmocka_unit_test(test_nonce),   cmocka_unit_test(test_shortest_nonce),
	};

	return cmocka_run_group_tests_name("turn parts", tests, NULL, NULL);
}
