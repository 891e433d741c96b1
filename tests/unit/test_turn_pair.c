/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Flows of pairs: clients and peers that exchange data by Send and Data indications. */
#include <errno.h>
#include <string.h>

#include "turn_fixture.h"

#define RELAY "192.0.2.1"
#define IP    "198.51.100.1"
#define PEER  IP ":7000"

/* What a peer and a client send each other in ICE (RFC 8445): a Binding request. */
static const uint8_t check[20] = { 0x00, 0x01, 0x00, 0x00, 0x21, 0x12, 0xa4, 0x42 };

static struct fixture *with_limit(uint32_t max_channels)
{
	struct turn_config config;
	struct fixture *f;

	fixture_config(&config);
	config.max_channels = max_channels;
	f = fixture_new(&config);
	allocate(f);
	refresh(f, 3600);
	create_permission(f, IP);
	expect_success(f, &f->alice);
	clear(f);
	return f;
}

static struct fixture *permitted(void)
{
	return with_limit(256);
}

static void send_bytes(struct fixture *f, const char *peer, const void *data, size_t len)
{
	begin_send(f, peer);
	stun_write_bytes(&f->request, STUN_ATTR_DATA, data, len);
	send_plain(f);
}

static void receive_bytes(struct fixture *f, const char *peer, const void *data, size_t len)
{
	clear(f);
	from_peer(f, RELAY, peer, data, len);
}

static void expect_flows(const struct fixture *f, size_t flows, size_t pairs)
{
	assert_int_equal(f->n_flows, flows);
	assert_int_equal(stats(f)->flows, flows);
	assert_int_equal(stats(f)->pairs, pairs);
}

/* The only flow is that of a pair with @peer, and ends at @expiry. */
static void expect_pair(const struct fixture *f, const char *peer, uint64_t expiry)
{
	const struct turn_flow *flow = &f->flows[0];
	struct turnpike_addr expected = addr(peer);

	expect_flows(f, 1, 1);
	assert_memory_equal(&flow->tuple, &f->tuple, sizeof(f->tuple));
	assert_true(addr_equal(&flow->peer, &expected));
	assert_true(addr_equal(&flow->xor_peer, &expected));
	assert_int_equal(flow->channel, 0);
	assert_true(flow->channel_expiry_ns == expiry);
	assert_true(flow->permission_expiry_ns == expiry);
}

/** The first data makes the pair; whatever follows, in either direction, changes nothing. */
static void test_data_of_client(void **state)
{
	struct fixture *f = permitted();

	(void)state;
	send_indication(f, PEER, "data");
	expect_events(f, SEND_PEER, INSTALL_FLOW, 0);
	assert_true(addr_equal(&event(f, 1)->flow.relay, &event(f, 0)->relay));
	expect_pair(f, PEER, f->now + 300 * SECOND);
	send_indication(f, PEER, "more");
	expect_events(f, SEND_PEER, 0);
	receive_bytes(f, PEER, "more", 4);
	expect_events(f, SEND_CLIENT, 0);
	/* Another port of the peer is another pair. */
	send_indication(f, IP ":7001", "data");
	expect_events(f, SEND_PEER, INSTALL_FLOW, 0);
	expect_flows(f, 2, 2);
	fixture_free(f);
}

static void test_data_of_peer(void **state)
{
	struct fixture *f = permitted();

	(void)state;
	receive_bytes(f, PEER, "data", 4);
	expect_events(f, SEND_CLIENT, INSTALL_FLOW, 0);
	expect_pair(f, PEER, f->now + 300 * SECOND);
	receive_bytes(f, PEER, "more", 4);
	expect_events(f, SEND_CLIENT, 0);
	send_indication(f, PEER, "more");
	expect_events(f, SEND_PEER, 0);
	fixture_free(f);
}

/** Pairs that ICE only checks take no room in the kernel. */
static void test_checks(void **state)
{
	struct fixture *f = permitted();
	uint8_t other[sizeof(check)];

	(void)state;
	send_bytes(f, PEER, check, sizeof(check));
	expect_events(f, SEND_PEER, 0);
	receive_bytes(f, PEER, check, sizeof(check));
	expect_events(f, SEND_CLIENT, 0);
	expect_flows(f, 0, 0);
	/* An error response: the last class, and the first byte of another protocol. */
	memcpy(other, check, sizeof(check));
	other[0] = 3;
	send_bytes(f, PEER, other, sizeof(other));
	expect_flows(f, 0, 0);
	other[0] = 4;
	send_bytes(f, PEER, other, sizeof(other));
	expect_flows(f, 1, 1);
	/* Without the cookie, or all of it, it is data. */
	memcpy(other, check, sizeof(check));
	other[7] ^= 1;
	receive_bytes(f, IP ":2", other, sizeof(other));
	expect_flows(f, 2, 2);
	send_bytes(f, IP ":3", check, 7);
	expect_flows(f, 3, 3);
	send_bytes(f, IP ":4", "", 0);
	expect_flows(f, 4, 4);
	/* A pair stays one. */
	send_bytes(f, PEER, check, sizeof(check));
	expect_flows(f, 4, 4);
	fixture_free(f);
}

/** What the server drops makes no pair. */
static void test_dropped(void **state)
{
	struct fixture *f = fixture_default();

	(void)state;
	f->limited = true;
	allocate(f);
	send_indication(f, PEER, "data");
	receive_bytes(f, PEER, "data", 4);
	create_permission(f, IP);
	f->reach_until = 0;
	send_indication(f, PEER, "data");
	expect_events(f, 0);
	f->reach_until = TURN_NEVER;
	/* The limits let nothing through. */
	send_indication(f, PEER, "data");
	receive_bytes(f, PEER, "data", 4);
	expect_events(f, 0);
	only_limits(f)->left[TURN_TO_PEER] = only_limits(f)->left[TURN_TO_CLIENT] = 100;
	f->ttl = 1;
	send_indication(f, PEER, "data");
	receive_bytes(f, PEER, "data", 4);
	expect_events(f, 0);
	expect_flows(f, 0, 0);
	f->ttl = 64;
	send_indication(f, PEER, "data");
	expect_flows(f, 1, 1);
	fixture_free(f);
}

/** A refresh of the permission or of the allocation prolongs the flow, whichever ends first. */
static void test_prolonged(void **state)
{
	struct fixture *f = fixture_default();
	uint64_t start = f->now;

	(void)state;
	allocate(f);
	create_permission(f, IP);
	send_indication(f, PEER, "data");
	f->now = start + 200 * SECOND;
	create_permission(f, IP ":9");
	expect_events(f, INSTALL_FLOW, SEND_CLIENT, 0);
	expect_pair(f, PEER, start + 500 * SECOND);
	f->now = start + 400 * SECOND;
	channel_bind(f, 0x4000, IP ":9");
	expect_events(f, INSTALL_FLOW, INSTALL_FLOW, SEND_CLIENT, 0);
	assert_true(f->flows[0].channel_expiry_ns == start + 600 * SECOND);
	refresh(f, 3600);
	expect_events(f, INSTALL_FLOW, INSTALL_FLOW, SEND_CLIENT, 0);
	assert_true(f->flows[0].channel_expiry_ns == start + 700 * SECOND);
	assert_true(f->flows[0].permission_expiry_ns == start + 700 * SECOND);
	/* Data prolong nothing, and neither does the permission of another address. */
	f->now = start + 500 * SECOND;
	send_indication(f, PEER, "data");
	expect_events(f, SEND_PEER, 0);
	create_permission(f, "198.51.100.2");
	expect_events(f, SEND_CLIENT, 0);
	fixture_free(f);
}

/** The pair ends with its permission, also if a channel to the same address keeps that alive. */
static void test_permission_expires(void **state)
{
	struct fixture *f = permitted();
	uint64_t start = f->now;

	(void)state;
	channel_bind(f, 0x4000, IP ":9");
	send_indication(f, PEER, "data");
	expect_flows(f, 2, 1);
	clear(f);
	expire_at(f, start + 300 * SECOND - 1);
	expect_events(f, 0);
	expire_at(f, start + 300 * SECOND);
	expect_events(f, REMOVE_FLOW, 0);
	assert_int_equal(event(f, 0)->flow.channel, 0);
	expect_flows(f, 1, 0);
	assert_int_equal(stats(f)->permissions, 1);
	/* A new permission does not bring it back, data do. */
	create_permission(f, IP);
	expect_flows(f, 1, 0);
	send_indication(f, PEER, "data");
	expect_flows(f, 2, 1);
	/* Without a channel, the permission goes with it. */
	expire_at(f, start + 900 * SECOND);
	expect_flows(f, 0, 0);
	assert_int_equal(stats(f)->permissions, 0);
	fixture_free(f);
}

static void revoke(struct fixture *f)
{
	struct turn_credentials *credentials;

	assert_int_equal(turn_credentials_new("example.org", &credentials), 0);
	turn_server_set_credentials(f->server, credentials);
	turn_credentials_put(credentials);
	assert_int_equal(turn_server_end_revoked(f->server, f->now), 1);
}

static void deny(struct fixture *f)
{
	struct turn_config config;
	struct addr_cidr net;

	assert_int_equal(addr_cidr_parse("198.51.100.0/24", &net), 0);
	fixture_config(&config);
	config.deny = &net;
	config.n_deny = 1;
	assert_int_equal(turn_server_reconfigure(f->server, &config, f->now), 0);
}

static void release_now(struct fixture *f)
{
	refresh(f, 0);
}

static void outlive(struct fixture *f)
{
	refresh(f, 600);
	for (int i = 0; i < 3; i++) {
		create_permission(f, IP);
		f->now += 200 * SECOND;
	}
	clear(f);
	expire_at(f, f->now);
}

/** Every other end removes the flow, before the relay is closed. */
static void test_ends(void **state)
{
	static void (*const ends[])(struct fixture * f) = { revoke, deny, release_now, outlive };

	(void)state;
	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++) {
		struct fixture *f = permitted();

		send_indication(f, PEER, "data");
		expect_flows(f, 1, 1);
		clear(f);
		ends[i](f);
		assert_int_equal(event(f, 0)->kind, REMOVE_FLOW);
		expect_flows(f, 0, 0);
		assert_int_equal(stats(f)->permissions, 0);
		fixture_free(f);
	}
}

/** A channel takes the place of the pair, and gives it back if indications go on after it. */
static void test_channel(void **state)
{
	struct fixture *f = permitted();
	uint64_t start = f->now;

	(void)state;
	send_indication(f, PEER, "data");
	channel_bind(f, 0x4000, PEER);
	expect_success(f, &f->alice);
	expect_events(f, REMOVE_FLOW, INSTALL_FLOW, SEND_CLIENT, 0);
	assert_int_equal(event(f, 0)->flow.channel, 0);
	assert_int_equal(event(f, 1)->flow.channel, 0x4000);
	expect_flows(f, 1, 0);
	/* An indication in between does not matter. */
	send_indication(f, PEER, "data");
	expect_events(f, SEND_PEER, 0);
	expect_flows(f, 1, 0);
	f->now = start + 500 * SECOND;
	create_permission(f, IP);
	clear(f);
	expire_at(f, start + 600 * SECOND);
	expect_events(f, REMOVE_FLOW, 0);
	expect_flows(f, 0, 0);
	send_bytes(f, PEER, check, sizeof(check));
	expect_flows(f, 0, 0);
	send_indication(f, PEER, "data");
	expect_events(f, SEND_PEER, INSTALL_FLOW, 0);
	expect_pair(f, PEER, start + 800 * SECOND);
	/* The same channel again. */
	channel_bind(f, 0x4000, PEER);
	expect_events(f, REMOVE_FLOW, INSTALL_FLOW, SEND_CLIENT, 0);
	expect_flows(f, 1, 0);
	assert_int_equal(f->flows[0].channel, 0x4000);
	fixture_free(f);
}

/** The end of a channel's time of rest leaves the pair alone. */
static void test_channel_is_forgotten(void **state)
{
	struct fixture *f = permitted();
	uint64_t start = f->now;

	(void)state;
	channel_bind(f, 0x4000, PEER);
	f->now = start + 600 * SECOND;
	create_permission(f, IP);
	send_indication(f, PEER, "data");
	f->now = start + 850 * SECOND;
	create_permission(f, IP);
	clear(f);
	expire_at(f, start + 900 * SECOND);
	expect_events(f, 0);
	assert_int_equal(stats(f)->channels, 0);
	expect_pair(f, PEER, start + 1150 * SECOND);
	send_indication(f, PEER, "data");
	expect_events(f, SEND_PEER, 0);
	channel_bind(f, 0x4001, PEER);
	expect_events(f, REMOVE_FLOW, INSTALL_FLOW, SEND_CLIENT, 0);
	fixture_free(f);
}

/** During that rest, the pair ends with its permission. */
static void test_resting_channel(void **state)
{
	struct fixture *f = permitted();
	uint64_t start = f->now;

	(void)state;
	channel_bind(f, 0x4000, PEER);
	f->now = start + 590 * SECOND;
	create_permission(f, IP);
	f->now = start + 600 * SECOND;
	send_indication(f, PEER, "data");
	expect_pair(f, PEER, start + 890 * SECOND);
	clear(f);
	expire_at(f, start + 890 * SECOND);
	expect_events(f, REMOVE_FLOW, 0);
	expect_flows(f, 0, 0);
	assert_int_equal(stats(f)->channels, 1);
	create_permission(f, IP);
	send_indication(f, PEER, "data");
	expect_flows(f, 1, 1);
	fixture_free(f);
}

/** Timers may be late: then data find the flow of a channel that has expired. */
static void test_late_timer(void **state)
{
	struct fixture *f = permitted();
	uint64_t start = f->now;

	(void)state;
	channel_bind(f, 0x4000, PEER);
	f->now = start + 599 * SECOND;
	create_permission(f, IP);
	f->now = start + 600 * SECOND;
	receive_bytes(f, PEER, "data", 4);
	expect_events(f, SEND_CLIENT, REMOVE_FLOW, INSTALL_FLOW, 0);
	assert_int_equal(event(f, 1)->flow.channel, 0x4000);
	expect_pair(f, PEER, start + 899 * SECOND);
	clear(f);
	turn_server_expire(f->server, f->now);
	expect_events(f, 0);
	expect_pair(f, PEER, start + 899 * SECOND);
	fixture_free(f);
}

/** As many pairs as channels, but neither takes the room of the other. */
static void test_limit(void **state)
{
	static const char *const peers[] = { IP ":1", IP ":2", IP ":3" };
	struct fixture *f = with_limit(3);

	(void)state;
	for (size_t i = 0; i < 3; i++)
		send_indication(f, peers[i], "data");
	expect_flows(f, 3, 3);
	send_indication(f, IP ":4", "data");
	expect_events(f, SEND_PEER, 0);
	assert_int_equal(stats(f)->over_pairs, 1);
	/* A known one is not affected. */
	send_indication(f, peers[0], "data");
	assert_int_equal(stats(f)->over_pairs, 1);
	channel_bind(f, 0x4000, IP ":4");
	channel_bind(f, 0x4001, IP ":5");
	channel_bind(f, 0x4002, IP ":6");
	expect_success(f, &f->alice);
	expect_flows(f, 6, 3);
	/* A refused channel leaves the pair alone. */
	channel_bind(f, 0x4003, peers[0]);
	expect_error(f, 508);
	expect_events(f, SEND_CLIENT, 0);
	expect_flows(f, 6, 3);
	/* What has ended leaves room, for each allocation apart. */
	expire_at(f, f->now + 300 * SECOND);
	expect_flows(f, 3, 0);
	create_permission(f, IP);
	for (size_t i = 0; i < 3; i++)
		send_indication(f, peers[i], "data");
	expect_flows(f, 6, 3);
	fixture_free(f);
}

/** Whoever else has a peer's address must not keep the client's own peers out. */
static void test_limit_of_peers(void **state)
{
	struct fixture *f = with_limit(3);

	(void)state;
	receive_bytes(f, IP ":1", "data", 4);
	receive_bytes(f, IP ":2", "data", 4);
	expect_flows(f, 2, 2);
	receive_bytes(f, IP ":3", "data", 4);
	expect_events(f, SEND_CLIENT, 0);
	assert_int_equal(stats(f)->over_pairs, 1);
	send_indication(f, PEER, "data");
	expect_events(f, SEND_PEER, INSTALL_FLOW, 0);
	expect_flows(f, 3, 3);
	fixture_free(f);
}

/** What the kernel refuses is tried again at a refresh, not with each datagram. */
static void test_install_fails(void **state)
{
	struct fixture *f = permitted();

	(void)state;
	f->install_error = -E2BIG;
	send_indication(f, PEER, "data");
	expect_events(f, SEND_PEER, INSTALL_FLOW, 0);
	expect_flows(f, 0, 1);
	send_indication(f, PEER, "data");
	expect_events(f, SEND_PEER, 0);
	receive_bytes(f, PEER, "data", 4);
	expect_events(f, SEND_CLIENT, 0);
	assert_int_equal(stats(f)->install_failures, 1);
	f->install_error = 0;
	create_permission(f, IP);
	expect_events(f, INSTALL_FLOW, SEND_CLIENT, 0);
	expect_pair(f, PEER, f->now + 300 * SECOND);
	/* The old flow would expire too early: it is removed. */
	f->install_error = -E2BIG;
	f->now += SECOND;
	create_permission(f, IP);
	expect_events(f, INSTALL_FLOW, REMOVE_FLOW, SEND_CLIENT, 0);
	expect_flows(f, 0, 1);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_data_of_client),
		cmocka_unit_test(test_data_of_peer),
		cmocka_unit_test(test_checks),
		cmocka_unit_test(test_dropped),
		cmocka_unit_test(test_prolonged),
		cmocka_unit_test(test_permission_expires),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_channel),
		cmocka_unit_test(test_channel_is_forgotten),
		cmocka_unit_test(test_resting_channel),
		cmocka_unit_test(test_late_timer),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_limit_of_peers),
		cmocka_unit_test(test_install_fails),
	};

	return cmocka_run_group_tests_name("turn pair", tests, NULL, NULL);
}
