/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Walks over the allocations and their peers, while these come and go. */
#include <arpa/inet.h>

#include "turn/walk.h"
#include "turn_fixture.h"

#define FIRST_PORT 40000

static void allocate_from(struct fixture *f, uint16_t port)
{
	from_port(f, port);
	allocate(f);
}

static void release_from(struct fixture *f, uint16_t port)
{
	from_port(f, port);
	refresh(f, 0);
}

/* The client's port of the next allocation, or 0 after the last one. */
static int next_port(struct turn_walk *walk)
{
	struct turn_allocation_info info;

	return turn_walk_next(walk, &info) ? ntohs(info.tuple.client.port) : 0;
}

static void expect_peer(struct turn_walk *walk, uint16_t channel, const char *text)
{
	const struct turnpike_addr wanted = addr(text);
	struct turn_peer_info info;

	assert_true(turn_walk_peer(walk, &info));
	assert_true(addr_equal(&info.peer, &wanted));
	assert_int_equal(info.channel, channel);
	assert_true(info.has_flow);
	assert_int_equal(info.flow.channel, channel);
	assert_null(info.flow.limits);
	assert_null(info.flow.account);
}

static void expect_no_peer(struct turn_walk *walk)
{
	struct turn_peer_info info;

	assert_false(turn_walk_peer(walk, &info));
}

static void test_order(void **state)
{
	struct fixture *f = fixture_default();
	struct turn_walk walk;

	(void)state;
	turn_walk_begin(&walk, f->server);
	assert_int_equal(next_port(&walk), 0);
	turn_walk_end(&walk);
	for (uint16_t i = 0; i < 3; i++)
		allocate_from(f, FIRST_PORT + i);
	turn_walk_begin(&walk, f->server);
	for (uint16_t i = 0; i < 3; i++)
		assert_int_equal(next_port(&walk), FIRST_PORT + i);
	assert_int_equal(next_port(&walk), 0);
	assert_true(turn_walk_is_open(&walk));
	turn_walk_end(&walk);
	assert_false(turn_walk_is_open(&walk));
	turn_walk_end(&walk);
	fixture_free(f);
}

/* What ends is left out, and what is new, too. */
static void test_changes(void **state)
{
	struct fixture *f = fixture_default();
	struct turn_walk walk, other;

	(void)state;
	for (uint16_t i = 0; i < 3; i++)
		allocate_from(f, FIRST_PORT + i);
	turn_walk_begin(&walk, f->server);
	turn_walk_begin(&other, f->server);
	assert_int_equal(next_port(&walk), FIRST_PORT);
	release_from(f, FIRST_PORT);
	expect_no_peer(&walk);
	release_from(f, FIRST_PORT + 1);
	f->now += REST;
	allocate_from(f, FIRST_PORT + 3);
	assert_int_equal(next_port(&walk), FIRST_PORT + 2);
	assert_int_equal(next_port(&walk), 0);
	assert_int_equal(next_port(&other), FIRST_PORT + 2);
	assert_int_equal(next_port(&other), 0);
	turn_walk_end(&walk);
	turn_walk_end(&other);
	fixture_free(f);
}

static void test_peers(void **state)
{
	struct fixture *f = fixture_default();
	struct turn_walk walk;

	(void)state;
	allocate_both(f);
	channel_bind(f, 0x4000, "198.51.100.1:1");
	channel_bind(f, 0x4001, "198.51.100.1:2");
	create_permission(f, "198.51.100.2");
	send_indication(f, "198.51.100.2:3", "data");
	channel_bind(f, 0x4002, "[2001:db8::99]:4");
	turn_walk_begin(&walk, f->server);
	expect_no_peer(&walk);
	assert_int_equal(next_port(&walk), FIRST_PORT);
	expect_peer(&walk, 0x4000, "198.51.100.1:1");
	expect_peer(&walk, 0x4001, "198.51.100.1:2");
	expect_peer(&walk, 0, "198.51.100.2:3");
	expect_peer(&walk, 0x4002, "[2001:db8::99]:4");
	expect_no_peer(&walk);
	turn_walk_end(&walk);
	fixture_free(f);
}

/* The next peer may be that of another permission, or of the other relay. */
static void test_ending_peers(void **state)
{
	struct fixture *f = fixture_default();
	struct turn_walk walk;

	(void)state;
	allocate_both(f);
	create_permission(f, "198.51.100.1");
	send_indication(f, "198.51.100.1:1", "data");
	f->now += 100 * SECOND;
	create_permission(f, "198.51.100.2");
	send_indication(f, "198.51.100.2:1", "data");
	create_permission(f, "2001:db8::99");
	send_indication(f, "[2001:db8::99]:1", "data");
	turn_walk_begin(&walk, f->server);
	assert_int_equal(next_port(&walk), FIRST_PORT);
	expire_at(f, f->now + 200 * SECOND);
	expect_peer(&walk, 0, "198.51.100.2:1");
	create_permission(f, "2001:db8::98");
	send_indication(f, "[2001:db8::98]:1", "data");
	expire_at(f, f->now + 100 * SECOND);
	expect_peer(&walk, 0, "[2001:db8::98]:1");
	expect_no_peer(&walk);
	turn_walk_end(&walk);
	fixture_free(f);
}

static void test_ends_allocations(void **state)
{
	struct fixture *f = fixture_default();
	struct turn_walk walk;

	(void)state;
	for (uint16_t i = 0; i < 3; i++)
		allocate_from(f, FIRST_PORT + i);
	channel_bind(f, 0x4000, "198.51.100.1:1");
	turn_walk_begin(&walk, f->server);
	while (next_port(&walk)) {
		clear(f);
		turn_walk_end_allocation(&walk, "kicked", f->now);
		assert_string_equal(only_logged(f)->why, "kicked");
	}
	assert_int_equal(stats(f)->allocations, 0);
	assert_int_equal(stats(f)->flows, 0);
	turn_walk_end(&walk);
	fixture_free(f);
}

/* An allocation with many channels ends in pieces. It may end by itself in between. */
static void test_ends_peers(void **state)
{
	struct fixture *f = fixture_default();
	struct turn_walk walk;

	(void)state;
	allocate_both(f);
	channel_bind(f, 0x4000, "198.51.100.1:1");
	channel_bind(f, 0x4001, "198.51.100.1:2");
	channel_bind(f, 0x4002, "[2001:db8::99]:4");
	turn_walk_begin(&walk, f->server);
	assert_int_equal(next_port(&walk), FIRST_PORT);
	assert_int_equal(turn_walk_end_peers(&walk, 2), 2);
	assert_int_equal(stats(f)->channels, 1);
	assert_int_equal(f->n_flows, 1);
	assert_int_equal(turn_walk_end_peers(&walk, 0), 0);
	assert_int_equal(turn_walk_end_peers(&walk, 2), 1);
	assert_int_equal(f->n_flows, 0);
	assert_int_equal(stats(f)->allocations, 1);
	assert_true(turn_walk_is_at_allocation(&walk));
	refresh(f, 0);
	assert_false(turn_walk_is_at_allocation(&walk));
	turn_walk_end(&walk);
	fixture_free(f);
}

/* The walk ends with the server. */
static void test_end_of_server(void **state)
{
	struct fixture *f = fixture_default();
	struct turn_walk walk;

	(void)state;
	allocate(f);
	turn_walk_begin(&walk, f->server);
	assert_int_equal(next_port(&walk), FIRST_PORT);
	fixture_free(f);
	assert_false(turn_walk_is_open(&walk));
	turn_walk_end(&walk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_peers),
		cmocka_unit_test(test_ending_peers),
		cmocka_unit_test(test_ends_allocations),
		cmocka_unit_test(test_ends_peers),
		cmocka_unit_test(test_end_of_server),
	};

	return cmocka_run_group_tests_name("walks", tests, NULL, NULL);
}
