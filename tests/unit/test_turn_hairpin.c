/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Peers that are clients of the same relay, and unused ports of its addresses. */
#include <string.h>

#include "turn_fixture.h"

#define SERVER_PORT_FREE "192.0.2.1:9"

/** struct pair - two allocations, and the address that each has for the other */
struct pair {
	struct fixture *f;
	struct turnpike_addr a;
	struct turnpike_addr b;
};

static void be(struct fixture *f, const char *client)
{
	f->tuple.client = addr(client);
	f->nonce_len = 0;
}

static void from_a(struct pair *pair)
{
	be(pair->f, "203.0.113.7:40000");
}

static void from_b(struct pair *pair)
{
	be(pair->f, "203.0.113.8:40000");
}

/* Both belong to alice: the policy does not distinguish users. */
static struct pair pair_new(const struct turn_config *config)
{
	struct pair pair = { .f = fixture_new(config) };

	from_b(&pair);
	allocate(pair.f);
	pair.b = response_relayed(pair.f, TURNPIKE_IPV4);
	from_a(&pair);
	allocate(pair.f);
	pair.a = response_relayed(pair.f, TURNPIKE_IPV4);
	return pair;
}

static struct pair pair_default(void)
{
	struct turn_config config;

	fixture_config(&config);
	return pair_new(&config);
}

static void bind_to(struct pair *pair, uint16_t number, const struct turnpike_addr *peer)
{
	char text[ADDR_TEXT_MAX];

	channel_bind(pair->f, number, addr_format(peer, text));
}

static const char *text_of(const struct turnpike_addr *address)
{
	static char text[ADDR_TEXT_MAX];

	return addr_format(address, text);
}

/** Delivers the datagram to the peer, as the network would. */
static void arrive(struct pair *pair, const struct turnpike_addr *to)
{
	struct event sent = *event(pair->f, 0);
	char at[ADDR_TEXT_MAX], from[ADDR_TEXT_MAX];

	assert_int_equal(sent.kind, SEND_PEER);
	assert_true(addr_equal(&sent.addr, to));
	clear(pair->f);
	from_peer(pair->f, addr_format(to, at), addr_format(&sent.relay, from), sent.data,
		  sent.len);
}

static void test_channel_to_channel(void **state)
{
	struct pair pair = pair_default();
	struct fixture *f = pair.f;

	(void)state;
	bind_to(&pair, 0x4000, &pair.b);
	expect_success(f, &f->alice);
	/* The flow has the bound address of the other relay. */
	assert_true(addr_equal(&event(f, 0)->flow.peer, &pair.b));
	from_b(&pair);
	bind_to(&pair, 0x4001, &pair.a);
	expect_success(f, &f->alice);
	from_a(&pair);
	clear(f);
	from_client(f, "\x40\x00\x00\x02hi", 6);
	arrive(&pair, &pair.b);
	from_b(&pair);
	expect_events(f, SEND_CLIENT, 0);
	assert_memory_equal(&event(f, 0)->tuple, &f->tuple, sizeof(f->tuple));
	assert_memory_equal(event(f, 0)->data, "\x40\x01\x00\x02hi", 6);
	fixture_free(f);
}

/** A permission for the relay's address covers all ports; data needs a live one. */
static void test_indications(void **state)
{
	struct pair pair = pair_default();
	struct fixture *f = pair.f;

	(void)state;
	create_permission(f, "192.0.2.1");
	expect_success(f, &f->alice);
	from_b(&pair);
	create_permission(f, SERVER_PORT_FREE);
	expect_success(f, &f->alice);
	from_a(&pair);
	send_indication(f, text_of(&pair.b), "hi");
	expect_to_peer(f, text_of(&pair.b), "hi", 2);
	arrive(&pair, &pair.b);
	from_b(&pair);
	expect_data_indication(f, text_of(&pair.a), "hi", 2);
	/* Both are pairs, each other's reverse. */
	assert_int_equal(f->n_flows, 2);
	assert_true(addr_equal(&f->flows[0].relay, &f->flows[1].peer));
	assert_true(addr_equal(&f->flows[0].peer, &f->flows[1].relay));
	fixture_free(f);
}

static void test_itself(void **state)
{
	struct pair pair = pair_default();
	struct fixture *f = pair.f;

	(void)state;
	bind_to(&pair, 0x4000, &pair.a);
	expect_success(f, &f->alice);
	clear(f);
	from_client(f, "\x40\x00\x00\x01x", 5);
	arrive(&pair, &pair.a);
	assert_memory_equal(event(f, 0)->data, "\x40\x00\x00\x01x", 5);
	fixture_free(f);
}

/** A dead port: 403 for a channel; data is dropped in both directions. */
static void test_other_ports(void **state)
{
	struct pair pair = pair_default();
	struct fixture *f = pair.f;

	(void)state;
	channel_bind(f, 0x4000, SERVER_PORT_FREE);
	expect_error(f, 403);
	channel_bind(f, 0x4000, "192.0.2.1:3478");
	expect_error(f, 403);
	assert_int_equal(stats(f)->permissions, 0);
	create_permission(f, SERVER_PORT_FREE);
	expect_success(f, &f->alice);
	send_indication(f, SERVER_PORT_FREE, "x");
	send_indication(f, "192.0.2.1:3478", "x");
	expect_events(f, 0);
	/* A service on this host cannot send to the client, either. */
	from_peer(f, text_of(&pair.a), SERVER_PORT_FREE, "x", 1);
	expect_events(f, 0);
	assert_int_equal(stats(f)->dropped[TURN_REASON_NO_RELAY], 3);
	assert_int_equal(stats(f)->to_peer.packets, 0);
	fixture_free(f);
}

/** The port is unreachable from the expiry of the other allocation on, not earlier. */
static void test_other_ends(void **state)
{
	struct pair pair = pair_default();
	struct fixture *f = pair.f;

	(void)state;
	refresh(f, 3600);
	bind_to(&pair, 0x4000, &pair.b);
	clear(f);
	f->now += 600 * SECOND - 1;
	bind_to(&pair, 0x4000, &pair.b);
	expect_success(f, &f->alice);
	clear(f);
	from_client(f, "\x40\x00\x00\x01x", 5);
	expect_to_peer(f, text_of(&pair.b), "x", 1);
	clear(f);
	f->now += 1;
	/* No timer has run: the other relay still exists, but is expired. */
	from_client(f, "\x40\x00\x00\x01x", 5);
	send_indication(f, text_of(&pair.b), "x");
	expect_events(f, 0);
	bind_to(&pair, 0x4000, &pair.b);
	expect_error(f, 403);
	clear(f);
	from_client(f, "\x40\x00\x00\x01x", 5);
	expect_events(f, 0);
	assert_int_equal(stats(f)->dropped[TURN_REASON_NO_RELAY], 3);
	fixture_free(f);
}

static void test_lists(void **state)
{
	struct addr_cidr own, free_port;
	struct turn_config config;
	struct pair pair;

	(void)state;
	assert_int_equal(addr_cidr_parse("192.0.2.0/24", &own), 0);
	fixture_config(&config);
	config.deny = &own;
	config.n_deny = 1;
	pair = pair_new(&config);
	bind_to(&pair, 0x4000, &pair.b);
	expect_error(pair.f, 403);
	create_permission(pair.f, "192.0.2.1");
	expect_error(pair.f, 403);
	fixture_free(pair.f);
	/* An address in the configuration's allow list is allowed on all ports. */
	assert_int_equal(addr_cidr_parse("192.0.2.1/32", &free_port), 0);
	config.allow = &free_port;
	config.n_allow = 1;
	pair = pair_new(&config);
	channel_bind(pair.f, 0x4000, SERVER_PORT_FREE);
	expect_success(pair.f, &pair.f->alice);
	clear(pair.f);
	from_client(pair.f, "\x40\x00\x00\x01x", 5);
	expect_to_peer(pair.f, SERVER_PORT_FREE, "x", 1);
	clear(pair.f);
	from_peer(pair.f, text_of(&pair.a), SERVER_PORT_FREE, "x", 1);
	expect_events(pair.f, SEND_CLIENT, 0);
	fixture_free(pair.f);
}

static struct turnpike_addr behind(const struct turnpike_addr *known)
{
	struct turnpike_addr bound = addr("10.0.0.1");

	bound.port = known->port;
	return bound;
}

/** Behind a NAT: clients use the external address, the kernel and sockets the bound one. */
static void test_external(void **state)
{
	const struct turn_relay_address relay = { .addr = addr("10.0.0.1"),
						  .external = addr("198.51.100.1") };
	struct turnpike_addr bound_a, bound_b;
	struct addr_cidr deny;
	struct turn_config config;
	struct fixture *f;
	struct pair pair;

	(void)state;
	/* Even if the bound address is denied. */
	assert_int_equal(addr_cidr_parse("10.0.0.0/8", &deny), 0);
	fixture_config(&config);
	config.relays = &relay;
	config.n_relays = 1;
	config.deny = &deny;
	config.n_deny = 1;
	pair = pair_new(&config);
	f = pair.f;
	bound_a = behind(&pair.a);
	bound_b = behind(&pair.b);
	bind_to(&pair, 0x4000, &bound_b);
	expect_error(f, 403);
	bind_to(&pair, 0x4000, &pair.b);
	expect_success(f, &f->alice);
	assert_true(addr_equal(&event(f, 0)->flow.relay, &bound_a));
	assert_true(addr_equal(&event(f, 0)->flow.peer, &bound_b));
	/* The same binding again is a refresh, not a conflict. */
	bind_to(&pair, 0x4000, &pair.b);
	expect_success(f, &f->alice);
	from_b(&pair);
	create_permission(f, "198.51.100.1");
	expect_success(f, &f->alice);
	from_a(&pair);
	clear(f);
	from_client(f, "\x40\x00\x00\x01x", 5);
	arrive(&pair, &bound_b);
	from_b(&pair);
	expect_data_indication(f, text_of(&pair.a), "x", 1);
	send_indication(f, text_of(&pair.a), "y");
	arrive(&pair, &bound_a);
	from_a(&pair);
	assert_memory_equal(event(f, 0)->data, "\x40\x00\x00\x01y", 5);
	fixture_free(f);
}

/** A pair names its peer by the external address, as indications do; a channel names none. */
static void test_external_pair(void **state)
{
	const struct turn_relay_address relay = { .addr = addr("10.0.0.1"),
						  .external = addr("198.51.100.1") };
	struct turnpike_addr bound_a, bound_b;
	struct turn_config config;
	struct fixture *f;
	struct pair pair;

	(void)state;
	fixture_config(&config);
	config.relays = &relay;
	config.n_relays = 1;
	pair = pair_new(&config);
	f = pair.f;
	bound_a = behind(&pair.a);
	bound_b = behind(&pair.b);
	create_permission(f, "198.51.100.1");
	send_indication(f, text_of(&pair.b), "data");
	expect_events(f, SEND_PEER, INSTALL_FLOW, 0);
	assert_true(addr_equal(&event(f, 1)->flow.relay, &bound_a));
	assert_true(addr_equal(&event(f, 1)->flow.peer, &bound_b));
	assert_true(addr_equal(&event(f, 1)->flow.xor_peer, &pair.b));
	/* It is the same if it is refreshed. */
	f->now += SECOND;
	create_permission(f, "198.51.100.1");
	expect_events(f, INSTALL_FLOW, SEND_CLIENT, 0);
	assert_int_equal(f->n_flows, 1);
	bind_to(&pair, 0x4000, &pair.b);
	expect_events(f, REMOVE_FLOW, INSTALL_FLOW, SEND_CLIENT, 0);
	assert_true(addr_equal(&event(f, 1)->flow.peer, &bound_b));
	assert_int_equal(event(f, 1)->flow.xor_peer.family, 0);
	fixture_free(f);
}

/**
 * While the server runs, the external address may pass to another address of the host. What was
 * allocated before keeps its own, and stays a peer.
 */
static void test_external_comes(void **state)
{
	struct turn_relay_address relay = { .addr = addr("10.0.0.1") };
	struct turn_config config;
	struct fixture *f;
	struct pair pair;

	(void)state;
	fixture_config(&config);
	config.relays = &relay;
	config.n_relays = 1;
	pair = pair_new(&config);
	f = pair.f;
	create_permission(f, "10.0.0.1");
	from_b(&pair);
	create_permission(f, "10.0.0.1");
	from_a(&pair);
	send_indication(f, text_of(&pair.b), "data");
	expect_events(f, SEND_PEER, INSTALL_FLOW, 0);
	relay.external = addr("198.51.100.1");
	assert_int_equal(turn_server_reconfigure(f->server, &config, f->now), 0);
	send_indication(f, text_of(&pair.b), "data");
	arrive(&pair, &pair.b);
	from_b(&pair);
	expect_data_indication(f, text_of(&pair.a), "data", 4);
	from_a(&pair);
	/* The flow goes on with the name that the client knows. */
	refresh(f, 600);
	expect_events(f, SEND_CLIENT, 0);
	/* What is allocated from now on has the external one. */
	be(f, "203.0.113.9:40000");
	allocate(f);
	pair.b = response_relayed(f, TURNPIKE_IPV4);
	assert_true(addr_same_ip(&pair.b, &relay.external));
	from_a(&pair);
	create_permission(f, "198.51.100.1");
	send_indication(f, text_of(&pair.b), "data");
	expect_events(f, SEND_PEER, INSTALL_FLOW, 0);
	assert_true(addr_equal(&event(f, 1)->flow.xor_peer, &pair.b));
	fixture_free(f);
}

/** ICMP errors, too, have the external address of the peer. */
static void test_external_icmp(void **state)
{
	const struct turn_relay_address relay = { .addr = addr("10.0.0.1"),
						  .external = addr("198.51.100.1") };
	struct turnpike_addr bound_b, from;
	struct turn_config config;
	struct stun_message msg;
	struct stun_attr attr;
	struct fixture *f;
	struct pair pair;
	char b[ADDR_TEXT_MAX];

	(void)state;
	fixture_config(&config);
	config.relays = &relay;
	config.n_relays = 1;
	pair = pair_new(&config);
	f = pair.f;
	bind_to(&pair, 0x4000, &pair.b);
	clear(f);
	bound_b = behind(&pair.b);
	from = behind(&pair.a);
	icmp_about(f, text_of(&from), addr_format(&bound_b, b), 3, 3, 0);
	expect_events(f, SEND_CLIENT, 0);
	assert_int_equal(stun_parse(event(f, 0)->data, event(f, 0)->len, &msg), 0);
	assert_int_equal(stun_find_attr(&msg, STUN_ATTR_XOR_PEER_ADDRESS, &attr), 0);
	assert_int_equal(stun_attr_xor_addr(&msg, &attr, &from), 0);
	assert_true(addr_equal(&from, &pair.b));
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_channel_to_channel),
		cmocka_unit_test(test_indications),
		cmocka_unit_test(test_itself),
		cmocka_unit_test(test_other_ports),
		cmocka_unit_test(test_other_ends),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_external),
		cmocka_unit_test(test_external_pair),
		cmocka_unit_test(test_external_comes),
		cmocka_unit_test(test_external_icmp),
	};

	return cmocka_run_group_tests_name("turn hairpin", tests, NULL, NULL);
}
