/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which relay addresses clients get, and what happens when addresses come and go. */
#include <arpa/inet.h>

#include "private/array_len.h"
#include "turn_fixture.h"

#define N_RELAYS 3

static struct turn_relay_address relays[N_RELAYS];
static struct turn_home homes[N_RELAYS];

/* 192.0.2.1 and 2001:db8::1 are of one device, 192.0.2.2 is of another one. */
static struct turn_config make_config(void)
{
	struct turn_config config;

	relays[0].addr = addr("192.0.2.1");
	relays[1].addr = addr("192.0.2.2");
	relays[2].addr = addr("2001:db8::1");
	homes[0] = (struct turn_home){ relays[0].addr, { relays[0].addr, relays[2].addr } };
	homes[1] = (struct turn_home){ relays[1].addr, { relays[1].addr, { .family = 0 } } };
	homes[2] = (struct turn_home){ relays[2].addr, { relays[0].addr, relays[2].addr } };
	fixture_config(&config);
	config.relays = relays;
	config.n_relays = N_RELAYS;
	config.homes = homes;
	config.n_homes = N_RELAYS;
	config.user_quota = 0;
	return config;
}

static void from_client_of(struct fixture *f, const char *listener)
{
	f->tuple.server = addr(listener);
	from_port(f, (uint16_t)(ntohs(f->tuple.client.port) + 1));
}

static void expect_relay(const struct fixture *f, const char *ip)
{
	const struct turnpike_addr relayed = response_addr(f, STUN_ATTR_XOR_RELAYED_ADDRESS);
	const struct turnpike_addr without_port = addr_without_port(&relayed);
	const struct turnpike_addr expected = addr(ip);

	assert_true(addr_equal(&without_port, &expected));
}

static void test_client_gets_its_own(void **state)
{
	static const struct {
		const char *listener;
		enum stun_family family;
		const char *relay;
	} rows[] = {
		{ "192.0.2.1:3478", STUN_FAMILY_IPV4, "192.0.2.1" },
		{ "192.0.2.2:3478", STUN_FAMILY_IPV4, "192.0.2.2" },
		{ "192.0.2.2:443", STUN_FAMILY_IPV4, "192.0.2.2" },
		{ "192.0.2.1:3478", STUN_FAMILY_IPV6, "2001:db8::1" },
		{ "[2001:db8::1]:3478", STUN_FAMILY_IPV6, "2001:db8::1" },
		{ "[2001:db8::1]:3478", STUN_FAMILY_IPV4, "192.0.2.1" },
	};
	const struct turn_config config = make_config();
	struct fixture *f = fixture_new(&config);

	(void)state;
	for (size_t i = 0; i < 4 * ARRAY_LEN(rows); i++) {
		from_client_of(f, rows[i % ARRAY_LEN(rows)].listener);
		allocate_as(f, &f->alice, rows[i % ARRAY_LEN(rows)].family);
		expect_relay(f, rows[i % ARRAY_LEN(rows)].relay);
	}
	from_client_of(f, "192.0.2.2:3478");
	allocate_as(f, &f->alice, STUN_FAMILY_IPV6);
	expect_error(f, 440);
	/* Both at once. */
	from_client_of(f, "192.0.2.1:3478");
	allocate_both(f);
	assert_int_equal(response_relayed(f, TURNPIKE_IPV4).ip[3], 1);
	assert_int_equal(response_relayed(f, TURNPIKE_IPV6).family, TURNPIKE_IPV6);
	fixture_free(f);
}

/* Its port is free, but a client of another address must not get it. */
static void test_full_home(void **state)
{
	struct turn_config config = make_config();
	struct fixture *f;

	(void)state;
	config.port_lo = config.port_hi = 50000;
	f = fixture_new(&config);
	from_client_of(f, "192.0.2.1:3478");
	allocate(f);
	expect_success(f, &f->alice);
	from_client_of(f, "192.0.2.1:3478");
	allocate_as(f, &f->alice, STUN_FAMILY_IPV4);
	expect_error(f, 508);
	from_client_of(f, "192.0.2.2:3478");
	allocate(f);
	expect_relay(f, "192.0.2.2");
	fixture_free(f);
}

static void reconfigure(struct fixture *f, const struct turn_config *config)
{
	assert_int_equal(turn_server_reconfigure(f->server, config, f->now), 0);
}

static void test_address_goes_and_returns(void **state)
{
	struct turn_config all = make_config(), fewer = all;
	struct turnpike_addr relay;
	struct fixture *f;

	(void)state;
	all.port_lo = fewer.port_lo = all.port_hi = fewer.port_hi = 50000;
	fewer.relays = relays + 1;
	fewer.n_relays = fewer.n_homes = 1;
	fewer.homes = homes + 1;
	f = fixture_new(&all);
	from_client_of(f, "192.0.2.1:3478");
	allocate(f);
	relay = response_addr(f, STUN_ATTR_XOR_RELAYED_ADDRESS);
	channel_bind(f, 0x4000, "198.51.100.1:5");
	clear(f);
	reconfigure(f, &fewer);
	/* The allocation lives on. */
	expect_events(f, 0);
	refresh(f, 1200);
	expect_success(f, &f->alice);
	from_client_of(f, "192.0.2.2:3478");
	allocate_as(f, &f->alice, STUN_FAMILY_IPV6);
	expect_error(f, 440);
	/* Its port is still taken when the address returns. */
	reconfigure(f, &all);
	from_client_of(f, "192.0.2.1:3478");
	allocate_as(f, &f->alice, STUN_FAMILY_IPV4);
	expect_error(f, 508);
	/* Once it has ended, it rests, wherever the address is. */
	reconfigure(f, &fewer);
	expire_at(f, f->now + 2000 * SECOND);
	assert_int_equal(stats(f)->relays, 0);
	reconfigure(f, &fewer);
	reconfigure(f, &all);
	from_client_of(f, "192.0.2.1:3478");
	allocate_as(f, &f->alice, STUN_FAMILY_IPV4);
	expect_error(f, 508);
	/* Then nothing is left of it. */
	reconfigure(f, &fewer);
	expire_at(f, f->now + REST);
	reconfigure(f, &fewer);
	reconfigure(f, &all);
	from_client_of(f, "192.0.2.1:3478");
	allocate(f);
	expect_relay(f, "192.0.2.1");
	assert_int_equal(relay.port, response_addr(f, STUN_ATTR_XOR_RELAYED_ADDRESS).port);
	fixture_free(f);
}

static void test_no_address_yet(void **state)
{
	struct turn_config all = make_config(), none = all;
	struct fixture *f;

	(void)state;
	none.n_relays = none.n_homes = 0;
	f = fixture_new(&none);
	allocate_as(f, &f->alice, STUN_FAMILY_IPV4);
	expect_error(f, 508);
	reconfigure(f, &all);
	from_client_of(f, "192.0.2.1:3478");
	allocate(f);
	expect_relay(f, "192.0.2.1");
	fixture_free(f);
}

/* A reserved port outlives its address, and is given back in the end. */
static void test_reservation(void **state)
{
	struct turn_config all = make_config(), none = all;
	struct fixture *f = fixture_new(&all);

	(void)state;
	none.n_relays = none.n_homes = 0;
	from_client_of(f, "192.0.2.1:3478");
	f->nonce_len = 0;
	begin_allocate(f);
	stun_write_bytes(&f->request, STUN_ATTR_EVEN_PORT, "\x80", 1);
	send_signed(f, &f->alice);
	expect_success(f, &f->alice);
	reconfigure(f, &none);
	expire_at(f, f->now + 4000 * SECOND);
	assert_int_equal(stats(f)->relays, 0);
	reconfigure(f, &none);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_client_gets_its_own),
		cmocka_unit_test(test_full_home),
		cmocka_unit_test(test_address_goes_and_returns),
		cmocka_unit_test(test_no_address_yet),
		cmocka_unit_test(test_reservation),
	};

	return cmocka_run_group_tests_name("turn home", tests, NULL, NULL);
}
