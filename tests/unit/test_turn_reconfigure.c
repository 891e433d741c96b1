/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Reconfiguring and draining a running server. */
#include <errno.h>
#include <string.h>

#include "turn_fixture.h"

#define PEER "198.51.100.2:7000"

static void reconfigure(struct fixture *f, const struct turn_config *config)
{
	clear(f);
	assert_int_equal(turn_server_reconfigure(f->server, config, f->now), 0);
}

static void test_limits(void **state)
{
	struct fixture *f = fixture_default();
	struct stun_message msg;
	struct turn_config config;
	struct stun_attr attr;

	(void)state;
	allocate(f);
	create_permission(f, "198.51.100.1");
	channel_bind(f, 0x4000, PEER);
	fixture_config(&config);
	config.software = "another";
	config.default_lifetime = 700;
	config.max_lifetime = 800;
	config.max_permissions = 2;
	config.max_channels = 1;
	reconfigure(f, &config);
	/* Existing objects stay as they are. */
	expect_events(f, 0);
	assert_int_equal(stats(f)->allocations, 1);
	assert_int_equal(f->n_flows, 1);
	refresh(f, 1);
	assert_int_equal(response_u32(f, STUN_ATTR_LIFETIME), 700);
	refresh(f, 3600);
	assert_int_equal(response_u32(f, STUN_ATTR_LIFETIME), 800);
	msg = response(f);
	assert_int_equal(stun_find_attr(&msg, STUN_ATTR_SOFTWARE, &attr), 0);
	assert_int_equal(attr.len, 7);
	assert_memory_equal(attr.value, "another", 7);
	create_permission(f, "198.51.100.3");
	expect_error(f, 508);
	channel_bind(f, 0x4001, "198.51.100.1:5");
	expect_error(f, 508);
	config.software = NULL;
	reconfigure(f, &config);
	refresh(f, 600);
	msg = response(f);
	assert_int_equal(stun_find_attr(&msg, STUN_ATTR_SOFTWARE, &attr), -ENOENT);
	fixture_free(f);
}

static void test_policy(void **state)
{
	static const uint8_t data[] = { 0x40, 0, 0, 2, 'h', 'i' };
	const struct addr_cidr denied = { addr("198.51.100.2"), 32 };
	const struct addr_cidr allowed = { addr("127.0.0.1"), 32 };
	struct fixture *f = fixture_default();
	struct turn_config config;

	(void)state;
	allocate(f);
	create_permission(f, "198.51.100.1");
	channel_bind(f, 0x4000, PEER);
	channel_bind(f, 0x4001, "198.51.100.3:1");
	fixture_config(&config);
	config.deny = &denied;
	config.n_deny = 1;
	reconfigure(f, &config);
	expect_events(f, REMOVE_FLOW, 0);
	assert_int_equal(event(f, 0)->flow.channel, 0x4000);
	assert_int_equal(stats(f)->permissions, 2);
	assert_int_equal(stats(f)->channels, 1);
	clear(f);
	from_client(f, data, sizeof(data));
	from_peer(f, "192.0.2.1", PEER, "hi", 2);
	expect_events(f, 0);
	create_permission(f, PEER);
	expect_error(f, 403);
	send_indication(f, "198.51.100.1:5", "hi");
	expect_to_peer(f, "198.51.100.1:5", "hi", 2);
	/* No deny list any more, and an allow list with an address that was refused. */
	config.n_deny = 0;
	config.allow = &allowed;
	config.n_allow = 1;
	reconfigure(f, &config);
	create_permission(f, PEER);
	expect_success(f, &f->alice);
	create_permission(f, "127.0.0.1");
	expect_success(f, &f->alice);
	config.n_allow = 0;
	reconfigure(f, &config);
	assert_int_equal(stats(f)->permissions, 3);
	fixture_free(f);
}

/* A peer's address that the host gets, and a prefix that turns out to be translated. */
static void test_peers_that_cease(void **state)
{
	const struct addr_cidr translated = { addr("2001:db8:64::"), 96 };
	const struct turnpike_addr own = addr(PEER);
	struct fixture *f = fixture_default();
	struct turn_config config;

	(void)state;
	allocate_both(f);
	channel_bind(f, 0x4000, PEER);
	channel_bind(f, 0x4001, "[2001:db8:64::9]:7000");
	fixture_config(&config);
	config.self_addrs = &own;
	config.n_self_addrs = 1;
	reconfigure(f, &config);
	expect_events(f, REMOVE_FLOW, 0);
	assert_int_equal(event(f, 0)->flow.channel, 0x4000);
	config.translated = &translated;
	config.n_translated = 1;
	reconfigure(f, &config);
	expect_events(f, REMOVE_FLOW, 0);
	assert_int_equal(event(f, 0)->flow.channel, 0x4001);
	assert_int_equal(stats(f)->permissions, 0);
	fixture_free(f);
}

/* All ports of a relay address are peers, or only those of live relays. */
static void test_own_ports(void **state)
{
	const struct addr_cidr own = { addr("192.0.2.1"), 32 };
	struct fixture *f = fixture_default();
	struct turn_config config;

	(void)state;
	allocate(f);
	create_permission(f, "192.0.2.1");
	send_indication(f, "192.0.2.1:53", "hi");
	assert_int_equal(stats(f)->dropped[TURN_REASON_NO_RELAY], 1);
	fixture_config(&config);
	config.allow = &own;
	config.n_allow = 1;
	reconfigure(f, &config);
	send_indication(f, "192.0.2.1:53", "hi");
	expect_to_peer(f, "192.0.2.1:53", "hi", 2);
	config.n_allow = 0;
	reconfigure(f, &config);
	send_indication(f, "192.0.2.1:53", "hi");
	expect_events(f, 0);
	assert_int_equal(stats(f)->dropped[TURN_REASON_NO_RELAY], 2);
	fixture_free(f);
}

static void expect_refused(struct fixture *f, const struct turn_config *config)
{
	assert_int_equal(turn_server_reconfigure(f->server, config, f->now), -EINVAL);
}

static void test_what_must_stay(void **state)
{
	static const struct turn_relay_address mixed[] = { { .addr.family = TURNPIKE_IPV4,
							     .external.family = TURNPIKE_IPV6 },
							   { .addr.family = TURNPIKE_IPV6 } };
	struct fixture *f = fixture_default();
	struct turn_config good, config;
	struct turn_shared *shared;

	(void)state;
	fixture_config(&good);
	assert_int_equal(turn_shared_new(&good, shared_secret, &shared), 0);
	config = good, config.realm = "example.net", expect_refused(f, &config);
	config = good, config.relays = mixed, expect_refused(f, &config);
	config = good, config.port_lo++, expect_refused(f, &config);
	config = good, config.port_hi--, expect_refused(f, &config);
	config = good, config.shared = shared, expect_refused(f, &config);
	config = good, config.default_lifetime = 0, expect_refused(f, &config);
	assert_int_equal(turn_server_reconfigure(f->server, &good, f->now), 0);
	turn_shared_free(shared);
	fixture_free(f);
}

static void test_drain(void **state)
{
	struct fixture *f = fixture_default();
	const struct turnpike_addr other = addr("203.0.113.7:40001");
	const struct turnpike_addr first = f->tuple.client;

	(void)state;
	allocate(f);
	turn_server_drain(f->server, true);
	/* A retransmission does not count as a new allocation. */
	send_plain(f);
	expect_success(f, &f->alice);
	create_permission(f, "198.51.100.1");
	expect_success(f, &f->alice);
	channel_bind(f, 0x4000, PEER);
	expect_success(f, &f->alice);
	refresh(f, 1200);
	expect_success(f, &f->alice);
	f->tuple.client = other;
	f->nonce_len = 0;
	allocate_as(f, &f->bob, STUN_FAMILY_IPV4);
	expect_error(f, 508);
	begin(f, STUN_REQUEST, STUN_BINDING);
	send_plain(f);
	assert_int_equal(response(f).class, STUN_SUCCESS);
	f->tuple.client = first;
	f->nonce_len = 0;
	refresh(f, 0);
	expect_success(f, &f->alice);
	allocate_as(f, &f->alice, STUN_FAMILY_IPV4);
	expect_error(f, 508);
	assert_int_equal(stats(f)->allocations, 0);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_peers_that_cease), cmocka_unit_test(test_limits),
		cmocka_unit_test(test_policy),           cmocka_unit_test(test_own_ports),
		cmocka_unit_test(test_what_must_stay),   cmocka_unit_test(test_drain),
	};

	return cmocka_run_group_tests_name("turn reconfigure", tests, NULL, NULL);
}
