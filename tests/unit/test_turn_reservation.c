/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* EVEN-PORT with the R bit, and RESERVATION-TOKEN: RFC 8656 sections 7.2, 18.7 and 18.10. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "private/array_len.h"
#include "turn_fixture.h"

#define HELD (60 * SECOND)

struct token {
	uint8_t bytes[TURN_RESERVATION_TOKEN_LEN];
};

static void ask_for_pair(struct fixture *f, const struct credentials *user)
{
	begin_allocate(f);
	stun_write_bytes(&f->request, STUN_ATTR_EVEN_PORT, "\x80", 1);
	send_signed(f, user);
}

static struct token response_token(const struct fixture *f)
{
	struct stun_message msg = response(f);
	struct stun_attr attr;
	struct token token;

	assert_int_equal(stun_find_attr(&msg, STUN_ATTR_RESERVATION_TOKEN, &attr), 0);
	assert_int_equal(attr.len, sizeof(token.bytes));
	memcpy(token.bytes, attr.value, sizeof(token.bytes));
	return token;
}

static struct token reserve(struct fixture *f, uint16_t port)
{
	from_port(f, port);
	ask_for_pair(f, &f->alice);
	expect_success(f, &f->alice);
	return response_token(f);
}

static void use_token(struct fixture *f, uint16_t port, const struct token *token,
		      const struct credentials *user)
{
	from_port(f, port);
	begin_allocate(f);
	stun_write_bytes(&f->request, STUN_ATTR_RESERVATION_TOKEN, token->bytes,
			 sizeof(token->bytes));
	send_signed(f, user);
}

static uint16_t response_port(const struct fixture *f)
{
	return ntohs(response_addr(f, STUN_ATTR_XOR_RELAYED_ADDRESS).port);
}

static struct fixture *with_ports(uint16_t lo, uint16_t hi)
{
	struct turn_config config;

	fixture_config(&config);
	config.port_lo = lo;
	config.port_hi = hi;
	return fixture_new(&config);
}

static void test_pair(void **state)
{
	struct fixture *f = fixture_default();
	struct stun_message msg;
	struct stun_attr attr;
	struct token token, other;
	uint16_t even;

	(void)state;
	token = reserve(f, 1);
	expect_events(f, OPEN_RELAY, SEND_CLIENT, 0);
	even = response_port(f);
	assert_int_equal(even % 2, 0);
	/* A retransmission gets the same token. */
	send_plain(f);
	expect_success(f, &f->alice);
	other = response_token(f);
	assert_memory_equal(&token, &other, sizeof(token));
	assert_int_equal(response_port(f), even);
	use_token(f, 2, &token, &f->alice);
	expect_success(f, &f->alice);
	expect_events(f, OPEN_RELAY, SEND_CLIENT, 0);
	assert_int_equal(response_port(f), even + 1);
	msg = response(f);
	assert_int_equal(stun_find_attr(&msg, STUN_ATTR_RESERVATION_TOKEN, &attr), -ENOENT);
	send_plain(f);
	expect_success(f, &f->alice);
	assert_int_equal(response_port(f), even + 1);
	/* The token is used up. */
	use_token(f, 3, &token, &f->alice);
	expect_error(f, 508);
	assert_int_equal(stats(f)->relays, 2);
	fixture_free(f);
}

/* The new allocation has its own 5-tuple, and the family of the reservation. */
static void test_other_tuple(void **state)
{
	const struct turnpike_addr relay = addr("2001:db8::1");
	struct fixture *f = fixture_default();
	struct turnpike_addr relayed;
	struct token token;

	(void)state;
	begin_allocate(f);
	stun_write_u32(&f->request, STUN_ATTR_REQUESTED_ADDRESS_FAMILY, STUN_FAMILY_IPV6 << 24);
	stun_write_bytes(&f->request, STUN_ATTR_EVEN_PORT, "\xff", 1);
	send_signed(f, &f->alice);
	expect_success(f, &f->alice);
	token = response_token(f);
	f->tuple.client = addr("[2001:db8:7::1]:9");
	f->tuple.server = addr("[2001:db8::2]:5349");
	f->tuple.transport = TURN_TLS;
	use_token(f, 9, &token, &f->alice);
	expect_success(f, &f->alice);
	relayed = response_addr(f, STUN_ATTR_XOR_RELAYED_ADDRESS);
	assert_memory_equal(relayed.ip, relay.ip, sizeof(relay.ip));
	assert_int_equal(response_port(f) % 2, 1);
	fixture_free(f);
}

static void test_bad_requests(void **state)
{
	static const struct {
		enum stun_attr_type type;
		const char *value;
		size_t len;
	} rows[] = {
		{ STUN_ATTR_EVEN_PORT, "", 1 },
		{ STUN_ATTR_EVEN_PORT, "\x80", 1 },
		{ STUN_ATTR_REQUESTED_ADDRESS_FAMILY, "\1\0\0\0", 4 },
		{ STUN_ATTR_ADDITIONAL_ADDRESS_FAMILY, "\2\0\0\0", 4 },
	};
	struct fixture *f = fixture_default();
	struct token token = reserve(f, 1);

	(void)state;
	from_port(f, 2);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		begin_allocate(f);
		stun_write_bytes(&f->request, STUN_ATTR_RESERVATION_TOKEN, token.bytes, 8);
		stun_write_bytes(&f->request, rows[i].type, rows[i].value, rows[i].len);
		send_signed(f, &f->alice);
		expect_error(f, 400);
	}
	begin_allocate(f);
	stun_write_bytes(&f->request, STUN_ATTR_RESERVATION_TOKEN, token.bytes, 7);
	send_signed(f, &f->alice);
	expect_error(f, 400);
	begin_allocate(f);
	stun_write_bytes(&f->request, STUN_ATTR_EVEN_PORT, "\x80", 1);
	stun_write_u32(&f->request, STUN_ATTR_ADDITIONAL_ADDRESS_FAMILY, STUN_FAMILY_IPV6 << 24);
	send_signed(f, &f->alice);
	expect_error(f, 400);
	/* The token is still valid. */
	use_token(f, 2, &token, &f->alice);
	expect_success(f, &f->alice);
	token.bytes[7] ^= 1;
	use_token(f, 3, &token, &f->alice);
	expect_error(f, 508);
	fixture_free(f);
}

/* A reservation counts for the user who made it, and only that user can use it. */
static void test_other_user(void **state)
{
	struct fixture *f = fixture_default();
	struct token token = reserve(f, 1);

	(void)state;
	use_token(f, 2, &token, &f->bob);
	expect_error(f, 508);
	use_token(f, 2, &token, &f->alice);
	expect_success(f, &f->alice);
	fixture_free(f);
}

static void test_expiry(void **state)
{
	struct fixture *f = with_ports(50000, 50001);
	uint64_t start = f->now;
	struct token token = reserve(f, 1);

	(void)state;
	assert_true(turn_server_next_expiry(f->server) == start + HELD);
	/* Even if the allocation that made it has ended. */
	refresh(f, 0);
	expire_at(f, start + HELD - 1);
	use_token(f, 2, &token, &f->alice);
	expect_success(f, &f->alice);
	assert_int_equal(response_port(f), 50001);
	refresh(f, 0);
	f->now += 300 * SECOND;
	token = reserve(f, 1);
	start = f->now;
	from_port(f, 3);
	allocate_as(f, &f->bob, STUN_FAMILY_IPV4);
	expect_error(f, 508);
	f->now = start + HELD;
	use_token(f, 2, &token, &f->alice);
	expect_error(f, 508);
	/* It was unused and so needs no rest: anyone can get it now. */
	from_port(f, 3);
	allocate_as(f, &f->bob, STUN_FAMILY_IPV4);
	expect_success(f, &f->bob);
	assert_int_equal(response_port(f), 50001);
	fixture_free(f);
}

/* Reservations do not extend a quota: alice has a quota of 3. */
static void test_quota(void **state)
{
	struct fixture *f = fixture_default();
	struct token token = reserve(f, 1);
	uint64_t start;

	(void)state;
	from_port(f, 2);
	ask_for_pair(f, &f->alice);
	expect_error(f, 486);
	allocate(f);
	from_port(f, 3);
	allocate_as(f, &f->alice, STUN_FAMILY_IPV4);
	expect_error(f, 486);
	use_token(f, 3, &token, &f->alice);
	expect_success(f, &f->alice);
	release(f);
	refresh(f, 0);
	expect_error(f, 437);
	from_port(f, 2);
	release(f);
	start = f->now;
	token = reserve(f, 4);
	from_port(f, 5);
	allocate_as(f, &f->alice, STUN_FAMILY_IPV4);
	expect_error(f, 486);
	f->now = start + HELD;
	allocate(f);
	use_token(f, 6, &token, &f->alice);
	expect_error(f, 508);
	fixture_free(f);
}

static void test_max_relays(void **state)
{
	struct turn_config config;
	struct fixture *f;
	struct token token;

	(void)state;
	fixture_config(&config);
	config.max_relays = 2;
	f = fixture_new(&config);
	token = reserve(f, 1);
	from_port(f, 2);
	allocate_as(f, &f->bob, STUN_FAMILY_IPV4);
	expect_error(f, 508);
	use_token(f, 3, &token, &f->alice);
	expect_success(f, &f->alice);
	refresh(f, 0);
	from_port(f, 2);
	ask_for_pair(f, &f->bob);
	expect_error(f, 508);
	assert_int_equal(stats(f)->relays, 1);
	allocate_as(f, &f->bob, STUN_FAMILY_IPV4);
	expect_success(f, &f->bob);
	fixture_free(f);
}

static void test_ports_run_out(void **state)
{
	struct fixture *f = with_ports(50001, 50004);

	(void)state;
	reserve(f, 1);
	assert_int_equal(response_port(f), 50002);
	from_port(f, 2);
	ask_for_pair(f, &f->bob);
	expect_error(f, 508);
	expect_events(f, SEND_CLIENT, 0);
	assert_int_equal(stats(f)->allocations, 1);
	fixture_free(f);
}

/* Other programs may have bound either port. */
static void test_open_fails(void **state)
{
	struct fixture *f = fixture_default();
	struct token token;
	uint16_t even;

	(void)state;
	from_port(f, 1);
	refresh(f, 0); /* for a nonce */
	f->open_error = -EADDRINUSE;
	f->open_failures = 2;
	ask_for_pair(f, &f->alice);
	expect_success(f, &f->alice);
	expect_events(f, OPEN_RELAY, OPEN_RELAY, OPEN_RELAY, SEND_CLIENT, 0);
	even = response_port(f);
	token = response_token(f);
	f->open_failures = 1;
	use_token(f, 2, &token, &f->alice);
	expect_error(f, 508);
	expect_events(f, OPEN_RELAY, SEND_CLIENT, 0);
	/* The reservation is kept for another attempt. */
	use_token(f, 2, &token, &f->alice);
	expect_success(f, &f->alice);
	assert_int_equal(response_port(f), even + 1);
	assert_int_equal(stats(f)->relays, 2);
	fixture_free(f);
}

static void test_other_server(void **state)
{
	struct turn_shared *shared;
	struct turn_config config;
	struct fixture *a, *b;
	struct token token, lost;

	(void)state;
	fixture_config(&config);
	config.user_quota = 4; /* ports at rest count, too */
	assert_int_equal(turn_shared_new(&config, shared_secret, &shared), 0);
	config.shared = shared;
	a = fixture_new(&config);
	b = fixture_new(&config);
	token = reserve(a, 1);
	use_token(b, 2, &token, &b->alice);
	expect_success(b, &b->alice);
	assert_int_equal(response_port(b), response_port(a) + 1);
	use_token(a, 3, &token, &a->alice);
	expect_error(a, 508);
	from_port(b, 2);
	refresh(b, 0);
	from_port(a, 1);
	release(a);
	token = reserve(a, 1);
	/* It outlives its server, and ends with the shared state. */
	fixture_free(a);
	use_token(b, 2, &token, &b->alice);
	expect_success(b, &b->alice);
	lost = reserve(b, 3);
	fixture_free(b);
	(void)lost;
	turn_shared_free(shared);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pair),         cmocka_unit_test(test_other_tuple),
		cmocka_unit_test(test_bad_requests), cmocka_unit_test(test_other_user),
		cmocka_unit_test(test_expiry),       cmocka_unit_test(test_quota),
		cmocka_unit_test(test_max_relays),   cmocka_unit_test(test_ports_run_out),
		cmocka_unit_test(test_open_fails),   cmocka_unit_test(test_other_server),
	};

	return cmocka_run_group_tests_name("turn reservation", tests, NULL, NULL);
}
