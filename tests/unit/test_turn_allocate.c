/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Allocate: RFC 8656 section 7.2. */
#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "turn_fixture.h"

static void test_success(void **state)
{
	struct fixture *f = fixture_default();
	struct turnpike_addr relayed, mapped, relay = addr("192.0.2.1");

	(void)state;
	begin_allocate(f);
	send_signed(f, &f->alice);
	expect_success(f, &f->alice);
	expect_events(f, OPEN_RELAY, SEND_CLIENT, 0);
	relayed = response_addr(f, STUN_ATTR_XOR_RELAYED_ADDRESS);
	mapped = response_addr(f, STUN_ATTR_XOR_MAPPED_ADDRESS);
	assert_true(addr_equal(&relayed, &event(f, 0)->addr));
	assert_memory_equal(relayed.ip, relay.ip, sizeof(relay.ip));
	assert_in_range(ntohs(relayed.port), 49152, 65535);
	assert_true(addr_equal(&mapped, &f->tuple.client));
	assert_int_equal(response_u32(f, STUN_ATTR_LIFETIME), 600);
	assert_int_equal(stats(f)->allocations, 1);
	fixture_free(f);
}

static void test_transport(void **state)
{
	struct fixture *f = fixture_default();

	(void)state;
	begin(f, STUN_REQUEST, TURN_ALLOCATE);
	send_signed(f, &f->alice);
	expect_error(f, 400);
	begin(f, STUN_REQUEST, TURN_ALLOCATE);
	stun_write_bytes(&f->request, STUN_ATTR_REQUESTED_TRANSPORT, "\x11", 1);
	send_signed(f, &f->alice);
	expect_error(f, 400);
	begin(f, STUN_REQUEST, TURN_ALLOCATE);
	stun_write_u32(&f->request, STUN_ATTR_REQUESTED_TRANSPORT, 6u << 24);
	send_signed(f, &f->alice);
	expect_error(f, 442);
	assert_int_equal(f->n_events, 1);
	fixture_free(f);
}

/* RFC 8656 section 7.2, 8th check, and section 18.7. */
static void test_even_port(void **state)
{
	struct fixture *f = fixture_default();

	(void)state;
	for (uint16_t port = 40001; port < 40004; port++) {
		from_port(f, port);
		begin_allocate(f);
		stun_write_bytes(&f->request, STUN_ATTR_EVEN_PORT, "\x00", 1);
		send_signed(f, &f->alice);
		expect_success(f, &f->alice);
		assert_int_equal(ntohs(response_addr(f, STUN_ATTR_XOR_RELAYED_ADDRESS).port) & 1,
				 0);
		clear(f);
	}
	from_port(f, 40004);
	begin_allocate(f);
	stun_write_bytes(&f->request, STUN_ATTR_EVEN_PORT, "", 0);
	send_signed(f, &f->bob);
	expect_error(f, 400);
	assert_int_equal(stats(f)->allocations, 3);
	fixture_free(f);
}

static void test_family(void **state)
{
	struct fixture *f = fixture_default();
	struct turnpike_addr relayed, relay = addr("2001:db8::1");

	(void)state;
	allocate_as(f, &f->alice, (enum stun_family)3);
	expect_error(f, 440);
	begin_allocate(f);
	stun_write_bytes(&f->request, STUN_ATTR_REQUESTED_ADDRESS_FAMILY, "\x01\0", 2);
	send_signed(f, &f->alice);
	expect_error(f, 400);
	allocate_as(f, &f->alice, STUN_FAMILY_IPV6);
	expect_success(f, &f->alice);
	relayed = response_addr(f, STUN_ATTR_XOR_RELAYED_ADDRESS);
	assert_memory_equal(relayed.ip, relay.ip, sizeof(relay.ip));
	fixture_free(f);
}

static void test_family_without_relay(void **state)
{
	const struct turn_relay_address relay = { .addr = addr("2001:db8::1") };
	struct turn_config config;
	struct fixture *f;

	(void)state;
	fixture_config(&config);
	config.relays = &relay;
	config.n_relays = 1;
	f = fixture_new(&config);
	allocate_as(f, &f->alice, STUN_FAMILY_IPV4);
	expect_error(f, 440);
	begin_allocate(f);
	send_signed(f, &f->alice);
	expect_error(f, 440);
	allocate_as(f, &f->alice, STUN_FAMILY_IPV6);
	expect_success(f, &f->alice);
	fixture_free(f);
}

/** RFC 8656 section 21.4: no clients behind Teredo or 6to4. */
static void test_tunnelled_client(void **state)
{
	struct fixture *f = fixture_default();

	(void)state;
	f->tuple.client = addr("[2002:cb00:7107::1]:40000");
	allocate_as(f, &f->alice, STUN_FAMILY_IPV4);
	expect_error(f, 403);
	assert_int_equal(stats(f)->allocations, 0);
	fixture_free(f);
}

static uint32_t lifetime_for(struct fixture *f, uint32_t asked)
{
	static uint16_t port = 1;

	from_port(f, port++);
	begin_allocate(f);
	stun_write_u32(&f->request, STUN_ATTR_LIFETIME, asked);
	send_signed(f, &f->bob);
	expect_success(f, &f->bob);
	return response_u32(f, STUN_ATTR_LIFETIME);
}

static void test_lifetime(void **state)
{
	struct turn_config config;
	struct fixture *f;

	(void)state;
	fixture_config(&config);
	config.user_quota = 0;
	f = fixture_new(&config);
	assert_int_equal(lifetime_for(f, 0), 600);
	assert_int_equal(lifetime_for(f, 599), 600);
	assert_int_equal(lifetime_for(f, 601), 601);
	assert_int_equal(lifetime_for(f, 3600), 3600);
	assert_int_equal(lifetime_for(f, 3601), 3600);
	assert_int_equal(lifetime_for(f, UINT32_MAX), 3600);
	from_port(f, 99);
	begin_allocate(f);
	stun_write_bytes(&f->request, STUN_ATTR_LIFETIME, "\0\0", 2);
	send_signed(f, &f->bob);
	expect_error(f, 400);
	fixture_free(f);
}

/** A retransmission gets the same response; any other Allocate on the 5-tuple fails. */
static void test_retransmission(void **state)
{
	struct fixture *f = fixture_default();
	struct turnpike_addr first, second;
	uint32_t transaction;

	(void)state;
	allocate(f);
	memcpy(&transaction, response(f).transaction + 4, sizeof(transaction));
	first = response_addr(f, STUN_ATTR_XOR_RELAYED_ADDRESS);
	f->now += 2 * SECOND;
	send_plain(f);
	expect_success(f, &f->alice);
	expect_events(f, SEND_CLIENT, 0);
	second = response_addr(f, STUN_ATTR_XOR_RELAYED_ADDRESS);
	assert_true(addr_equal(&first, &second));
	assert_int_equal(response_u32(f, STUN_ATTR_LIFETIME), 598);
	allocate_as(f, &f->alice, STUN_FAMILY_IPV4);
	expect_error(f, 437);
	/* Another user with the same transaction ID. */
	f->transactions = transaction - 1;
	allocate_as(f, &f->bob, STUN_FAMILY_IPV4);
	expect_error(f, 437);
	assert_int_equal(stats(f)->allocations, 1);
	fixture_free(f);
}

static void test_quota(void **state)
{
	struct turn_config config;
	struct fixture *f;

	(void)state;
	fixture_config(&config);
	config.max_relays = 5;
	f = fixture_new(&config);
	for (uint16_t port = 1; port <= 3; port++) {
		from_port(f, port);
		allocate(f);
	}
	from_port(f, 4);
	allocate_as(f, &f->alice, STUN_FAMILY_IPV4);
	expect_error(f, 486);
	for (uint16_t port = 5; port <= 6; port++) {
		from_port(f, port);
		allocate_as(f, &f->bob, STUN_FAMILY_IPV4);
		expect_success(f, &f->bob);
	}
	from_port(f, 7);
	allocate_as(f, &f->bob, STUN_FAMILY_IPV4);
	expect_error(f, 508);
	/* A returned share of the quota is available again. */
	from_port(f, 1);
	release(f);
	from_port(f, 4);
	allocate(f);
	assert_int_equal(turn_stats_by_code(stats(f), 486), 1);
	assert_int_equal(turn_stats_by_code(stats(f), 508), 1);
	fixture_free(f);
}

static void test_ports_run_out(void **state)
{
	struct turn_config config;
	struct fixture *f;

	(void)state;
	fixture_config(&config);
	config.port_lo = 50000;
	config.port_hi = 50001;
	f = fixture_new(&config);
	for (uint16_t port = 1; port <= 2; port++) {
		from_port(f, port);
		allocate(f);
	}
	from_port(f, 3);
	allocate_as(f, &f->bob, STUN_FAMILY_IPV4);
	expect_error(f, 508);
	expect_events(f, SEND_CLIENT, 0);
	/* The other family has its own ports. */
	allocate_as(f, &f->bob, STUN_FAMILY_IPV6);
	expect_success(f, &f->bob);
	fixture_free(f);
}

static void test_open_fails(void **state)
{
	struct fixture *f = fixture_default();

	(void)state;
	allocate(f);
	refresh(f, 0);
	f->open_error = -EMFILE;
	f->open_failures = 1;
	allocate_as(f, &f->alice, STUN_FAMILY_IPV4);
	expect_error(f, 508);
	expect_events(f, OPEN_RELAY, SEND_CLIENT, 0);
	f->open_error = -EADDRINUSE;
	f->open_failures = 3;
	allocate(f);
	expect_events(f, OPEN_RELAY, OPEN_RELAY, OPEN_RELAY, OPEN_RELAY, SEND_CLIENT, 0);
	for (size_t i = 0; i < 3; i++)
		assert_false(addr_equal(&event(f, i)->addr, &event(f, i + 1)->addr));
	refresh(f, 0);
	f->open_failures = -1;
	allocate_as(f, &f->alice, STUN_FAMILY_IPV4);
	expect_error(f, 508);
	assert_int_equal(stats(f)->allocations, 0);
	assert_int_equal(turn_server_next_expiry(f->server), TURN_NEVER);
	fixture_free(f);
}

static void test_relays_take_turns(void **state)
{
	const struct turn_relay_address relays[] = {
		{ .addr = addr("10.0.0.1"), .external = addr("198.51.100.1") },
		{ .addr = addr("10.0.0.2") },
	};
	static const char *const shown[] = { "198.51.100.1", "10.0.0.2", "198.51.100.1" };
	static const char *const bound[] = { "10.0.0.1", "10.0.0.2", "10.0.0.1" };
	struct turnpike_addr relayed, expected;
	struct turn_config config;
	struct fixture *f;

	(void)state;
	fixture_config(&config);
	config.relays = relays;
	config.n_relays = 2;
	f = fixture_new(&config);
	for (uint16_t i = 0; i < 3; i++) {
		from_port(f, (uint16_t)(i + 1));
		allocate(f);
		relayed = response_addr(f, STUN_ATTR_XOR_RELAYED_ADDRESS);
		expected = addr(shown[i]);
		expected.port = relayed.port;
		assert_true(addr_equal(&relayed, &expected));
		expected = addr(bound[i]);
		expected.port = relayed.port;
		assert_true(addr_equal(&event(f, 0)->addr, &expected));
	}
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_success),
		cmocka_unit_test(test_transport),
		cmocka_unit_test(test_even_port),
		cmocka_unit_test(test_family),
		cmocka_unit_test(test_family_without_relay),
		cmocka_unit_test(test_tunnelled_client),
		cmocka_unit_test(test_lifetime),
		cmocka_unit_test(test_retransmission),
		cmocka_unit_test(test_quota),
		cmocka_unit_test(test_ports_run_out),
		cmocka_unit_test(test_open_fails),
		cmocka_unit_test(test_relays_take_turns),
	};

	return cmocka_run_group_tests_name("turn allocate", tests, NULL, NULL);
}
