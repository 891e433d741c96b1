/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * 10,000 allocations, created and ended in every possible way, leave nothing behind.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "turn/auth/credentials.h"
#include "turn/auth/rest.h"
#include "turn_fixture.h"

#define ROUNDS 10000
#define LO     50000
#define HI     50015
#define PORTS  (HI - LO + 1)
/* All that one user gets of them. */
#define QUOTA (PORTS * 3 / 4)
/* Long enough for everything to expire and all ports to rest. */
#define LONG (4000 * SECOND)

/*
 * Allocated bytes, including libraries. Only AddressSanitizer counts exactly: otherwise memory that
 * malloc() caches cannot be told from a leak.
 */
static size_t memory_in_use(void)
{
#ifdef __SANITIZE_ADDRESS__
	/* Debian ships the header that declares it for clang only. */
	extern size_t __sanitizer_get_current_allocated_bytes(void);

	return __sanitizer_get_current_allocated_bytes();
#else
	return 0;
#endif
}

static void from_nth_client(struct fixture *f, uint32_t n)
{
	f->tuple.client.ip[2] = (uint8_t)(n >> 8);
	f->tuple.client.ip[3] = (uint8_t)n;
	f->tuple.client.port = htons((uint16_t)(1024 + n));
	f->tuple.transport = (uint16_t)(n % TURN_TRANSPORTS);
	f->nonce_len = 0;
}

/* Takes a pair of ports, and uses the reserved one or not. */
static void allocate_pair(struct fixture *f, uint32_t n)
{
	struct stun_message msg;
	struct stun_attr token;

	begin_allocate(f);
	stun_write_bytes(&f->request, STUN_ATTR_EVEN_PORT, "\x80", 1);
	send_signed(f, &f->alice);
	expect_success(f, &f->alice);
	if (n % 5 == 0)
		return;
	msg = response(f);
	assert_int_equal(stun_find_attr(&msg, STUN_ATTR_RESERVATION_TOKEN, &token), 0);
	from_nth_client(f, n + ROUNDS);
	begin_allocate(f);
	stun_write_bytes(&f->request, STUN_ATTR_RESERVATION_TOKEN, token.value, token.len);
	send_signed(f, &f->alice);
	expect_success(f, &f->alice);
}

static void let_through(struct fixture *f)
{
	for (size_t i = 0; i < MAX_RELAYS; i++)
		f->limits[i].left[TURN_TO_PEER] = 100;
}

static void make(struct fixture *f, uint32_t n)
{
	from_nth_client(f, n);
	if (n % 7 == 0)
		allocate_pair(f, n);
	else if (n % 3 == 0)
		allocate_both(f);
	else
		allocate(f);
	create_permission(f, "198.51.100.1");
	channel_bind(f, 0x4000, "198.51.100.2:7000");
	expect_success(f, &f->alice);
	let_through(f);
	send_indication(f, "198.51.100.1:7000", "data");
	assert_int_equal(stats(f)->pairs, f->tuple.transport == TURN_UDP);
	/* Requests that fail. */
	allocate_as(f, &f->bob, STUN_FAMILY_IPV4);
	expect_error(f, 437);
	channel_bind(f, 0x4001, "198.51.100.2:7000");
	expect_error(f, 400);
}

static void drop(struct fixture *f, uint32_t n)
{
	switch (n % 4) {
	case 0:
		refresh(f, 0);
		expect_success(f, &f->alice);
		break;
	case 1:
		expire_at(f, f->now + 601 * SECOND);
		break;
	case 2:
		turn_server_client_gone(f->server, &f->tuple, f->now);
		break;
	case 3: /* when the next request comes */
		f->now += 601 * SECOND;
		break;
	}
	/* End the rest of a pair, so that alice stays below her quota. */
	if (n % 7 == 0)
		f->now += 601 * SECOND;
	f->now += REST;
	turn_server_expire(f->server, f->now);
	clear(f);
}

/* Replaces the credentials by equal ones. */
static void let_in(struct fixture *f)
{
	struct turn_credentials *credentials;

	assert_int_equal(turn_credentials_new("example.org", &credentials), 0);
	assert_int_equal(turn_credentials_add_password(credentials, "alice", "secret"), 0);
	assert_int_equal(turn_credentials_add_password(credentials, "bob", "hidden"), 0);
	assert_int_equal(turn_credentials_add_secret(credentials, "north"), 0);
	turn_server_set_credentials(f->server, credentials);
	turn_credentials_put(credentials);
}

/* A client with a new username, in place of alice. */
static void visit(struct fixture *f, uint32_t n, void (*act)(struct fixture *f, uint32_t n))
{
	const struct credentials alice = f->alice;
	char name[32], password[TURN_REST_PASSWORD_SIZE];

	snprintf(name, sizeof(name), "%llu:%u", (unsigned long long)f->unix_time + 600, n);
	assert_int_equal(turn_rest_password("north", name, password), 0);
	f->alice = make_credentials(name, password, 0);
	act(f, n);
	stun_hmac_free(f->alice.hmac);
	f->alice = alice;
}

static void make_and_drop(struct fixture *f, uint32_t n)
{
	make(f, n);
	drop(f, n);
}

static void churn(struct fixture *f, uint32_t rounds)
{
	for (uint32_t n = 0; n < rounds; n++) {
		if (n % 100 == 0)
			let_in(f);
		if (n % 5 == 0)
			visit(f, n, make_and_drop);
		else
			make_and_drop(f, n);
	}
	expire_at(f, f->now + LONG);
	clear(f);
}

static void expect_nothing(const struct fixture *f)
{
	assert_int_equal(stats(f)->allocations, 0);
	assert_int_equal(stats(f)->relays, 0);
	assert_int_equal(stats(f)->permissions, 0);
	assert_int_equal(stats(f)->channels, 0);
	assert_int_equal(stats(f)->pairs, 0);
	assert_int_equal(stats(f)->flows, 0);
	assert_int_equal(f->n_flows, 0);
	assert_int_equal(turn_server_next_expiry(f->server), TURN_NEVER);
}

static void allocate_from(struct fixture *f, uint32_t n)
{
	from_nth_client(f, n);
	allocate(f);
}

/* All ports and alice's whole quota are available again. */
static void expect_everything(struct fixture *f)
{
	for (uint32_t n = 0; n < QUOTA; n++)
		allocate_from(f, n);
	for (uint32_t n = QUOTA; n < PORTS; n++)
		visit(f, n, allocate_from);
}

static void test_churn(void **state)
{
	struct turn_config config;
	struct fixture *f;
	size_t level;

	(void)state;
	fixture_config(&config);
	config.port_lo = LO;
	config.port_hi = HI;
	config.max_relays = PORTS;
	config.user_quota = QUOTA;
	f = fixture_new(&config);
	f->limited = true;
	/* Warm up: the heap of timers is allocated once and kept. */
	churn(f, 100);
	expect_nothing(f);
	level = memory_in_use();
	churn(f, ROUNDS);
	expect_nothing(f);
	assert_int_equal(memory_in_use(), level);
	assert_true(turn_stats_by_reason(stats(f), TURN_REASON_NONE) > 3 * ROUNDS);
	expect_everything(f);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_churn),
	};

	return cmocka_run_group_tests_name("turn churn", tests, NULL, NULL);
}
