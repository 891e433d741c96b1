/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* CreatePermission, ChannelBind and flows: RFC 8656 sections 9, 10.2 and 12.2. */
#include <errno.h>
#include <string.h>

#include "turn_fixture.h"

#define PEER "198.51.100.1:7000"

static struct fixture *with_limits(uint32_t permissions, uint32_t channels)
{
	struct turn_config config;
	struct fixture *f;

	fixture_config(&config);
	config.max_permissions = permissions;
	config.max_channels = channels;
	f = fixture_new(&config);
	allocate(f);
	return f;
}

static struct fixture *allocated(void)
{
	return with_limits(256, 256);
}

static void expect_flow(const struct turn_flow *flow, uint64_t channel_expiry,
			uint64_t permission_expiry)
{
	assert_true(flow->channel_expiry_ns == channel_expiry);
	assert_true(flow->permission_expiry_ns == permission_expiry);
}

static void create_permissions(struct fixture *f, const char *const *peers, size_t n)
{
	begin(f, STUN_REQUEST, TURN_CREATE_PERMISSION);
	for (size_t i = 0; i < n; i++) {
		struct turnpike_addr peer = addr(peers[i]);

		stun_write_xor_addr(&f->request, STUN_ATTR_XOR_PEER_ADDRESS, &peer);
	}
	send_signed(f, &f->alice);
}

static void test_permissions(void **state)
{
	static const char *const peers[] = { "198.51.100.1:5", "198.51.100.2", "198.51.100.1:6" };
	struct fixture *f = allocated();

	(void)state;
	create_permissions(f, peers, 3);
	expect_success(f, &f->alice);
	expect_events(f, SEND_CLIENT, 0);
	assert_int_equal(stats(f)->permissions, 2);
	fixture_free(f);
}

static void test_permission_errors(void **state)
{
	static const char *const mixed[] = { "198.51.100.1", "2001:db8::9" };
	static const char *const refused[] = { "198.51.100.1", "127.0.0.1" };
	struct turnpike_addr peer = addr("198.51.100.1");
	struct fixture *f = allocated();

	(void)state;
	create_permissions(f, NULL, 0);
	expect_error(f, 400);
	create_permissions(f, mixed, 2);
	expect_error(f, 443);
	create_permissions(f, refused, 2);
	expect_error(f, 403);
	begin(f, STUN_REQUEST, TURN_CREATE_PERMISSION);
	stun_write_xor_addr(&f->request, STUN_ATTR_XOR_PEER_ADDRESS, &peer);
	stun_write_bytes(&f->request, STUN_ATTR_XOR_PEER_ADDRESS, "\0\3\0\0\0\0\0\0", 8);
	send_signed(f, &f->alice);
	expect_error(f, 400);
	/* All or nothing. */
	assert_int_equal(stats(f)->permissions, 0);
	fixture_free(f);
}

static void test_permission_limit(void **state)
{
	static const char *const two[] = { "198.51.100.2", "198.51.100.3" };
	struct fixture *f = with_limits(2, 2);
	uint64_t start = f->now;

	(void)state;
	create_permission(f, "198.51.100.1");
	expect_success(f, &f->alice);
	create_permissions(f, two, 2);
	expect_error(f, 508);
	assert_int_equal(stats(f)->permissions, 1);
	create_permissions(f, two, 1);
	expect_success(f, &f->alice);
	channel_bind(f, 0x4000, "198.51.100.3:1");
	expect_error(f, 508);
	assert_int_equal(stats(f)->channels, 0);
	/* Expired permissions free their share of the limit. */
	f->now = start + 300 * SECOND;
	create_permissions(f, two + 1, 1);
	expect_success(f, &f->alice);
	assert_int_equal(stats(f)->permissions, 1);
	fixture_free(f);
}

static void bind_raw(struct fixture *f, uint32_t number, const char *peer)
{
	struct turnpike_addr address = peer ? addr(peer) : (struct turnpike_addr){ 0 };

	begin(f, STUN_REQUEST, TURN_CHANNEL_BIND);
	if (number > 0)
		stun_write_u32(&f->request, STUN_ATTR_CHANNEL_NUMBER, number);
	if (peer)
		stun_write_xor_addr(&f->request, STUN_ATTR_XOR_PEER_ADDRESS, &address);
	send_signed(f, &f->alice);
}

static void test_bind_errors(void **state)
{
	struct fixture *f = allocated();

	(void)state;
	bind_raw(f, 0, PEER);
	expect_error(f, 400);
	bind_raw(f, 0x40000000, NULL);
	expect_error(f, 400);
	bind_raw(f, 0x3fffffff, PEER);
	expect_error(f, 400);
	bind_raw(f, 0x80000000, PEER);
	expect_error(f, 400);
	bind_raw(f, 0x40000000, "198.51.100.1");
	expect_error(f, 400);
	bind_raw(f, 0x40000000, "[2001:db8::9]:7000");
	expect_error(f, 443);
	bind_raw(f, 0x40000000, "127.0.0.1:7000");
	expect_error(f, 403);
	bind_raw(f, 0x40000000, "192.0.2.1:7000");
	expect_error(f, 403);
	expect_events(f, SEND_CLIENT, 0);
	assert_int_equal(stats(f)->permissions, 0);
	assert_int_equal(stats(f)->channels, 0);
	/* RFC 8656 section 18.1: the reserved bits are ignored. */
	bind_raw(f, 0x7fffffff, PEER);
	expect_success(f, &f->alice);
	bind_raw(f, 0x40000000, "198.51.100.1:7001");
	expect_success(f, &f->alice);
	fixture_free(f);
}

static void test_bind_conflicts(void **state)
{
	struct fixture *f = allocated();

	(void)state;
	channel_bind(f, 0x4000, PEER);
	expect_success(f, &f->alice);
	channel_bind(f, 0x4001, "198.51.100.2:7000");
	expect_success(f, &f->alice);
	channel_bind(f, 0x4000, "198.51.100.1:7001");
	expect_error(f, 400);
	channel_bind(f, 0x4002, PEER);
	expect_error(f, 400);
	channel_bind(f, 0x4001, PEER);
	expect_error(f, 400);
	/* The conflict is reported in preference to the policy's 403. */
	channel_bind(f, 0x4000, "127.0.0.1:1");
	expect_error(f, 400);
	assert_int_equal(stats(f)->channels, 2);
	assert_int_equal(f->n_flows, 2);
	fixture_free(f);
}

static void test_channel_limit(void **state)
{
	struct fixture *f = with_limits(8, 2);

	(void)state;
	channel_bind(f, 0x4000, "198.51.100.1:1");
	channel_bind(f, 0x4001, "198.51.100.1:2");
	expect_success(f, &f->alice);
	channel_bind(f, 0x4002, "198.51.100.2:3");
	expect_error(f, 508);
	assert_int_equal(stats(f)->permissions, 1);
	channel_bind(f, 0x4001, "198.51.100.1:2");
	expect_success(f, &f->alice);
	fixture_free(f);
}

/** Channels of different allocations are independent. */
static void test_allocations_apart(void **state)
{
	struct fixture *f = allocated();

	(void)state;
	channel_bind(f, 0x4000, PEER);
	f->tuple.client = addr("203.0.113.7:40001");
	f->nonce_len = 0;
	allocate(f);
	channel_bind(f, 0x4000, "198.51.100.2:7000");
	expect_success(f, &f->alice);
	channel_bind(f, 0x4001, PEER);
	expect_success(f, &f->alice);
	assert_int_equal(f->n_flows, 3);
	fixture_free(f);
}

/** The flow is installed, complete, before the success response is sent. */
static void test_flow(void **state)
{
	struct fixture *f = allocated();
	struct turnpike_addr relay = event(f, f->n_events - 2)->addr, peer = addr(PEER);
	const struct turn_flow *flow;

	(void)state;
	refresh(f, 3600);
	channel_bind(f, 0x4abc, PEER);
	expect_success(f, &f->alice);
	expect_events(f, INSTALL_FLOW, SEND_CLIENT, 0);
	flow = &event(f, 0)->flow;
	assert_memory_equal(&flow->tuple, &f->tuple, sizeof(f->tuple));
	assert_true(addr_equal(&flow->relay, &relay));
	assert_true(addr_equal(&flow->peer, &peer));
	assert_int_equal(flow->channel, 0x4abc);
	expect_flow(flow, f->now + 600 * SECOND, f->now + 300 * SECOND);
	assert_int_equal(stats(f)->flows, 1);
	fixture_free(f);
}

/** No flow outlives the allocation, and every change of an expiry updates the flow. */
static void test_flow_expiries(void **state)
{
	struct fixture *f = allocated();
	uint64_t start = f->now;

	(void)state;
	f->now = start + 400 * SECOND;
	channel_bind(f, 0x4000, PEER);
	expect_flow(&event(f, 0)->flow, start + 600 * SECOND, start + 600 * SECOND);
	refresh(f, 3600);
	expect_events(f, INSTALL_FLOW, SEND_CLIENT, 0);
	expect_flow(&event(f, 0)->flow, start + 1000 * SECOND, start + 700 * SECOND);
	/* Nothing has changed: no update. */
	refresh(f, 3600);
	expect_events(f, SEND_CLIENT, 0);
	f->now = start + 500 * SECOND;
	channel_bind(f, 0x4001, "198.51.100.1:7001");
	expect_events(f, INSTALL_FLOW, INSTALL_FLOW, SEND_CLIENT, 0);
	expect_flow(&event(f, 0)->flow, start + 1000 * SECOND, start + 800 * SECOND);
	expect_flow(&event(f, 1)->flow, start + 1100 * SECOND, start + 800 * SECOND);
	f->now = start + 600 * SECOND;
	create_permission(f, "198.51.100.1");
	expect_events(f, INSTALL_FLOW, INSTALL_FLOW, SEND_CLIENT, 0);
	expect_flow(&event(f, 0)->flow, start + 1000 * SECOND, start + 900 * SECOND);
	/* The permission of another peer does not matter. */
	create_permission(f, "198.51.100.2");
	expect_events(f, SEND_CLIENT, 0);
	/* An allocation that expires earlier caps both expiries. */
	f->now = start + 700 * SECOND;
	channel_bind(f, 0x4000, PEER);
	refresh(f, 1);
	expect_events(f, SEND_CLIENT, 0);
	f->now = start + 800 * SECOND;
	channel_bind(f, 0x4000, PEER);
	expect_flow(&event(f, 0)->flow, start + 1300 * SECOND, start + 1100 * SECOND);
	fixture_free(f);
}

static void test_channel_expiry(void **state)
{
	struct fixture *f = allocated();
	uint64_t start = f->now;

	(void)state;
	refresh(f, 3600);
	channel_bind(f, 0x4000, PEER);
	expire_at(f, start + 300 * SECOND);
	clear(f);
	expire_at(f, start + 600 * SECOND - 1);
	expect_events(f, 0);
	assert_true(turn_server_next_expiry(f->server) == start + 600 * SECOND);
	expire_at(f, start + 600 * SECOND);
	expect_events(f, REMOVE_FLOW, 0);
	assert_int_equal(stats(f)->flows, 0);
	assert_true(turn_server_next_expiry(f->server) == start + 900 * SECOND);
	expire_at(f, start + 900 * SECOND);
	assert_int_equal(stats(f)->channels, 0);
	assert_int_equal(stats(f)->permissions, 0);
	fixture_free(f);
}

/** RFC 8656 section 12: a binding may change five minutes after its expiry, not earlier. */
static void test_rebinding(void **state)
{
	struct fixture *f = allocated();
	uint64_t start = f->now;

	(void)state;
	refresh(f, 3600);
	channel_bind(f, 0x4000, PEER);
	f->now = start + 900 * SECOND - 1;
	channel_bind(f, 0x4000, "198.51.100.2:1");
	expect_error(f, 400);
	assert_int_equal(event(f, 0)->kind, REMOVE_FLOW);
	channel_bind(f, 0x4001, PEER);
	expect_error(f, 400);
	f->now = start + 900 * SECOND;
	channel_bind(f, 0x4000, "198.51.100.2:1");
	expect_success(f, &f->alice);
	channel_bind(f, 0x4001, PEER);
	expect_success(f, &f->alice);
	assert_int_equal(f->n_flows, 2);
	fixture_free(f);
}

/** The same binding may be renewed at any time. */
static void test_revival(void **state)
{
	struct fixture *f = allocated();
	uint64_t start = f->now;

	(void)state;
	refresh(f, 3600);
	channel_bind(f, 0x4000, PEER);
	expire_at(f, start + 700 * SECOND);
	channel_bind(f, 0x4000, PEER);
	expect_success(f, &f->alice);
	expect_events(f, INSTALL_FLOW, SEND_CLIENT, 0);
	expect_flow(&event(f, 0)->flow, start + 1300 * SECOND, start + 1000 * SECOND);
	assert_int_equal(stats(f)->channels, 1);
	clear(f);
	expire_at(f, start + 1300 * SECOND - 1);
	expect_events(f, 0);
	expire_at(f, start + 1300 * SECOND);
	expect_events(f, REMOVE_FLOW, 0);
	/* After the second expiry the five minutes apply again. */
	f->now = start + 1600 * SECOND - 1;
	channel_bind(f, 0x4001, PEER);
	expect_error(f, 400);
	fixture_free(f);
}

/** An allocation's flows are removed before its relay is closed and its port is free. */
static void test_teardown(void **state)
{
	struct fixture *f = allocated();

	(void)state;
	channel_bind(f, 0x4000, PEER);
	channel_bind(f, 0x4001, "198.51.100.1:7001");
	channel_bind(f, 0x4002, "198.51.100.2:7001");
	refresh(f, 0);
	expect_success(f, &f->alice);
	expect_events(f, REMOVE_FLOW, REMOVE_FLOW, REMOVE_FLOW, CLOSE_RELAY, SEND_CLIENT, 0);
	allocate(f);
	channel_bind(f, 0x4000, PEER);
	clear(f);
	expire_at(f, f->now + 600 * SECOND);
	expect_events(f, REMOVE_FLOW, CLOSE_RELAY, 0);
	assert_int_equal(stats(f)->permissions, 0);
	assert_int_equal(stats(f)->channels, 0);
	assert_int_equal(turn_server_next_expiry(f->server), TURN_NEVER);
	fixture_free(f);
}

/** With a single port, the next client gets it once it has rested, and nothing of the previous one.
 */
static void test_port_reuse(void **state)
{
	struct turn_config config;
	struct fixture *f;

	(void)state;
	fixture_config(&config);
	config.port_lo = 50000;
	config.port_hi = 50000;
	f = fixture_new(&config);
	allocate(f);
	channel_bind(f, 0x4000, PEER);
	release(f);
	f->tuple.client = addr("203.0.113.8:40000");
	f->nonce_len = 0;
	allocate(f);
	clear(f);
	from_peer(f, "192.0.2.1:50000", PEER, "x", 1);
	expect_events(f, 0);
	channel_bind(f, 0x4001, PEER);
	expect_success(f, &f->alice);
	fixture_free(f);
}

/** The flow table is full: the binding works, the failure is counted, and a refresh retries. */
static void test_install_fails(void **state)
{
	struct fixture *f = allocated();

	(void)state;
	f->install_error = -E2BIG;
	channel_bind(f, 0x4000, PEER);
	expect_success(f, &f->alice);
	assert_int_equal(stats(f)->install_failures, 1);
	assert_int_equal(stats(f)->flows, 0);
	clear(f);
	from_client(f, "\x40\x00\x00\x01x", 5);
	from_peer(f, "192.0.2.1", PEER, "y", 1);
	expect_events(f, SEND_PEER, SEND_CLIENT, 0);
	assert_memory_equal(event(f, 1)->data, "\x40\x00\x00\x01y", 5);
	/* No flow was installed, so none is removed. */
	refresh(f, 0);
	expect_events(f, CLOSE_RELAY, SEND_CLIENT, 0);
	allocate(f);
	channel_bind(f, 0x4000, PEER);
	f->install_error = 0;
	channel_bind(f, 0x4000, PEER);
	expect_events(f, INSTALL_FLOW, SEND_CLIENT, 0);
	/* The old flow would expire too early: it is removed. */
	f->install_error = -E2BIG;
	f->now += SECOND;
	create_permission(f, PEER);
	expect_success(f, &f->alice);
	expect_events(f, INSTALL_FLOW, REMOVE_FLOW, SEND_CLIENT, 0);
	assert_int_equal(stats(f)->flows, 0);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_permissions),       cmocka_unit_test(test_permission_errors),
		cmocka_unit_test(test_permission_limit),  cmocka_unit_test(test_bind_errors),
		cmocka_unit_test(test_bind_conflicts),    cmocka_unit_test(test_channel_limit),
		cmocka_unit_test(test_allocations_apart), cmocka_unit_test(test_flow),
		cmocka_unit_test(test_flow_expiries),     cmocka_unit_test(test_channel_expiry),
		cmocka_unit_test(test_rebinding),         cmocka_unit_test(test_revival),
		cmocka_unit_test(test_teardown),          cmocka_unit_test(test_port_reuse),
		cmocka_unit_test(test_install_fails),
	};

	return cmocka_run_group_tests_name("turn channel", tests, NULL, NULL);
}
