/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Two servers that form one relay. */
#include <string.h>

#include "turn_fixture.h"

/** struct relay - two servers, each with some of the clients, and their shared state */
struct relay {
	struct turn_shared *shared;
	struct fixture *a;
	struct fixture *b;
};

static void from_address(struct fixture *f, const char *client)
{
	f->tuple.client = addr(client);
	f->nonce_len = 0;
}

static struct relay relay_new(struct turn_config *config)
{
	struct relay relay;

	assert_int_equal(turn_shared_new(config, shared_secret, &relay.shared), 0);
	config->shared = relay.shared;
	relay.a = fixture_new(config);
	relay.b = fixture_new(config);
	from_address(relay.b, "203.0.113.8:40000");
	return relay;
}

static struct relay relay_default(void)
{
	struct turn_config config;

	fixture_config(&config);
	return relay_new(&config);
}

static void relay_free(struct relay *relay)
{
	fixture_free(relay->a);
	fixture_free(relay->b);
	turn_shared_free(relay->shared);
}

static struct turnpike_addr allocated(struct fixture *f)
{
	allocate(f);
	return response_relayed(f, TURNPIKE_IPV4);
}

static void try_allocate(struct fixture *f, const struct credentials *user)
{
	begin(f, STUN_REQUEST, TURN_ALLOCATE);
	stun_write_u32(&f->request, STUN_ATTR_REQUESTED_TRANSPORT, TURN_TRANSPORT_UDP << 24);
	send_signed(f, user);
}

static void test_ports(void **state)
{
	struct turn_config config;
	struct relay relay;
	struct turnpike_addr of_a, of_b;

	(void)state;
	fixture_config(&config);
	config.port_lo = 50000;
	config.port_hi = 50001;
	relay = relay_new(&config);
	of_a = allocated(relay.a);
	of_b = allocated(relay.b);
	assert_false(addr_equal(&of_a, &of_b));
	from_address(relay.b, "203.0.113.9:40000");
	try_allocate(relay.b, &relay.b->alice);
	expect_error(relay.b, TURN_INSUFFICIENT_CAPACITY);
	refresh(relay.a, 0);
	try_allocate(relay.b, &relay.b->alice);
	expect_error(relay.b, TURN_INSUFFICIENT_CAPACITY);
	relay.b->now += REST;
	allocate(relay.b);
	relay_free(&relay);
}

static void test_quota(void **state)
{
	struct relay relay = relay_default();

	(void)state;
	allocate(relay.a);
	allocate(relay.b);
	from_address(relay.b, "203.0.113.9:40000");
	allocate(relay.b);
	from_address(relay.b, "203.0.113.10:40000");
	try_allocate(relay.b, &relay.b->alice);
	expect_error(relay.b, TURN_ALLOCATION_QUOTA_REACHED);
	allocate_as(relay.b, &relay.b->bob, STUN_FAMILY_IPV4);
	refresh(relay.a, 0);
	from_address(relay.b, "203.0.113.11:40000");
	try_allocate(relay.b, &relay.b->alice);
	expect_error(relay.b, TURN_ALLOCATION_QUOTA_REACHED);
	relay.b->now += REST;
	allocate(relay.b);
	try_allocate(relay.a, &relay.a->alice);
	expect_error(relay.a, TURN_ALLOCATION_QUOTA_REACHED);
	relay_free(&relay);
}

/* The servers share the limit: another source port may lead to the other server. */
static void test_unauthenticated_rate(void **state)
{
	struct turn_config config;
	struct relay relay;
	size_t answers = 0;

	(void)state;
	fixture_config(&config);
	config.unauthenticated_rate = 1;
	relay = relay_new(&config);
	from_address(relay.b, "203.0.113.7:40001");
	from_address(relay.a, "203.0.113.7:40000");
	for (int i = 0; i < 30; i++) {
		struct fixture *f = i % 2 ? relay.a : relay.b;

		begin(f, STUN_REQUEST, STUN_BINDING);
		send_plain(f);
		answers += f->n_events;
	}
	assert_int_equal(answers, 10);
	relay_free(&relay);
}

static void test_max_relays(void **state)
{
	struct turn_config config;
	struct relay relay;

	(void)state;
	fixture_config(&config);
	config.max_relays = 2;
	relay = relay_new(&config);
	allocate(relay.a);
	allocate(relay.b);
	from_address(relay.a, "203.0.113.9:40000");
	try_allocate(relay.a, &relay.a->bob);
	expect_error(relay.a, TURN_INSUFFICIENT_CAPACITY);
	refresh(relay.b, 0);
	try_allocate(relay.a, &relay.a->bob);
	expect_success(relay.a, &relay.a->bob);
	relay_free(&relay);
}

/* A relayed transport address of one server can be a peer for clients of the other. */
static void test_hairpin(void **state)
{
	static const uint8_t data[] = { 0x40, 0x00, 0x00, 0x02, 'h', 'i' };
	struct relay relay = relay_default();
	struct turnpike_addr peer = allocated(relay.b);
	char text[ADDR_TEXT_MAX];

	(void)state;
	addr_format(&peer, text);
	allocate(relay.a);
	channel_bind(relay.a, 0x4000, text);
	expect_success(relay.a, &relay.a->alice);
	clear(relay.a);
	from_client(relay.a, data, sizeof(data));
	expect_to_peer(relay.a, text, "hi", 2);
	refresh(relay.b, 1200);
	relay.a->now = 1000 * SECOND;
	channel_bind(relay.a, 0x4000, text);
	refresh(relay.b, 0);
	clear(relay.a);
	from_client(relay.a, data, sizeof(data));
	expect_events(relay.a, 0);
	assert_int_equal(stats(relay.a)->dropped[TURN_REASON_NO_RELAY], 1);
	relay_free(&relay);
}

/* Even if the other server has not run its timers. */
static void test_expired(void **state)
{
	static const uint8_t data[] = { 0x40, 0x00, 0x00, 0x02, 'h', 'i' };
	struct relay relay = relay_default();
	struct turnpike_addr peer = allocated(relay.b);
	char text[ADDR_TEXT_MAX];

	(void)state;
	relay.a->now += 10 * SECOND;
	allocate(relay.a);
	channel_bind(relay.a, 0x4000, addr_format(&peer, text));
	relay.a->now = relay.b->now + 600 * SECOND - 1;
	clear(relay.a);
	from_client(relay.a, data, sizeof(data));
	expect_to_peer(relay.a, text, "hi", 2);
	relay.a->now++;
	clear(relay.a);
	from_client(relay.a, data, sizeof(data));
	expect_events(relay.a, 0);
	assert_int_equal(stats(relay.a)->dropped[TURN_REASON_NO_RELAY], 1);
	relay_free(&relay);
}

/* A server that ends returns its ports and claims to the others. */
static void test_end(void **state)
{
	struct turn_config config;
	struct relay relay;

	(void)state;
	fixture_config(&config);
	config.port_lo = 50000;
	config.port_hi = 50000;
	config.max_relays = 1;
	relay = relay_new(&config);
	allocate(relay.a);
	fixture_free(relay.a);
	try_allocate(relay.b, &relay.b->alice);
	expect_error(relay.b, TURN_INSUFFICIENT_CAPACITY);
	relay.b->now += REST;
	allocate(relay.b);
	fixture_free(relay.b);
	turn_shared_free(relay.shared);
}

static void test_stats_add(void **state)
{
	struct turn_stats sum = { .allocations = 1, .install_failures = 2 };
	struct turn_stats more = { .allocations = 3, .redirected[1] = 4, .install_failures = 5 };

	(void)state;
	turn_stats_add(&sum, &more);
	assert_int_equal(sum.allocations, 4);
	assert_int_equal(sum.redirected[1], 4);
	assert_int_equal(sum.install_failures, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_quota),
		cmocka_unit_test(test_unauthenticated_rate),
		cmocka_unit_test(test_max_relays),
		cmocka_unit_test(test_hairpin),
		cmocka_unit_test(test_expired),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_stats_add),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
