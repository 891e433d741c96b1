/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The library binds waiting bindings once there is room. With real maps, in a network namespace of
 * its own. Nothing is attached, and no next hop is resolved.
 */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include "bindings.h"

#define SECONDS 20 /* timeout; two are enough */
#define ROUNDS  20

/* Polls like a server until there are @flows. Return: false after SECONDS. */
static bool becomes(__u32 flows)
{
	struct pollfd fd = { .fd = turnpike_fd(tp), .events = POLLIN };
	const time_t until = time(NULL) + SECONDS;

	while (turnpike_flows(tp) != flows && time(NULL) < until) {
		poll(&fd, 1, 1000);
		assert_int_equal(turnpike_poll(tp), 0);
	}
	return turnpike_flows(tp) == flows;
}

struct search {
	struct turnpike_addr client;
	enum turnpike_direction direction;
	bool found;
};

static int look(const struct turnpike_flow_info *flow, void *arg)
{
	struct search *search = arg;

	if (memcmp(&flow->src, &search->client, sizeof(flow->src)) == 0) {
		search->found = true;
		search->direction = flow->direction;
	}
	return 0;
}

/* Whether the client's data has a flow, and its direction. */
static bool is_relayed(const struct turnpike_binding *binding, enum turnpike_direction *direction)
{
	struct search search = { .client = binding->client };

	assert_int_equal(turnpike_for_each_flow(tp, look, &search), 0);
	*direction = search.direction;
	return search.found;
}

static void assert_relayed(int number)
{
	const struct turnpike_binding binding = binding_of(number);
	enum turnpike_direction direction;

	assert_true(is_relayed(&binding, &direction));
	assert_int_equal(direction, TURNPIKE_DIR_TO_PEER);
}

static void test_flows(void **state)
{
	(void)state;
	open_with(4, 0, 2);
	assert_int_equal(bind_one(1), 0);
	assert_int_equal(bind_one(2), 0);
	assert_int_equal(bind_one(3), -EAGAIN);
	assert_int_equal(bind_one(4), -EAGAIN);
	assert_int_equal(bind_one(5), -ENOSPC);
	assert_int_equal(turnpike_waiting(tp, TURNPIKE_WAIT_FLOWS), 2);
	assert_int_equal(turnpike_flows(tp), 4);
	assert_int_equal(turnpike_table_size(tp, TURNPIKE_TABLE_FLOWS_IPV4), 4);
	assert_int_equal(turnpike_table_used(tp, TURNPIKE_TABLE_FLOWS_IPV4), 4);
	assert_int_equal(turnpike_table_used(tp, TURNPIKE_TABLE_FLOWS_IPV6), 0);
	assert_int_equal(turnpike_table_used(tp, TURNPIKE_TABLE_NEXTHOPS), 3);
	assert_int_equal(unbind_one(1), 0);
	assert_true(becomes(4));
	assert_relayed(3);
	assert_int_equal(turnpike_waiting(tp, TURNPIKE_WAIT_FLOWS), 1);
	/* A waiting binding is unbound like any other. */
	assert_int_equal(unbind_one(4), 0);
	assert_int_equal(unbind_one(4), -ENOENT);
	assert_int_equal(turnpike_waiting(tp, TURNPIKE_WAIT_FLOWS), 0);
}

/* Element 0 is not used, and one element is for the peer. */
static void test_nexthops(void **state)
{
	(void)state;
	open_with(0, 4, 2);
	assert_int_equal(bind_one(1), 0);
	assert_int_equal(bind_one(2), 0);
	assert_int_equal(bind_one(3), -EAGAIN);
	assert_int_equal(turnpike_waiting(tp, TURNPIKE_WAIT_NEXTHOPS), 1);
	assert_int_equal(unbind_one(2), 0);
	assert_true(becomes(4));
	assert_relayed(3);
}

/* Binds @number. Return: whether it waits until freed next hops have settled. */
static bool settles(int number)
{
	const int err = bind_one(number);

	if (!err)
		return false;
	assert_int_equal(err, -EAGAIN);
	assert_in_range(turnpike_waiting(tp, TURNPIKE_WAIT_SETTLING), 1, UINT32_MAX);
	return true;
}

/* All clients leave and return at once, repeatedly within a second. */
static void test_leave_and_come_back(void **state)
{
	enum { CLIENTS = 100 };
	bool has_waited = false;
	int i, round;

	(void)state;
	open_with(0, CLIENTS + 2, CLIENTS);
	for (i = 0; i < CLIENTS; i++)
		assert_int_equal(bind_one(i), 0);
	for (round = 0; round < ROUNDS && !has_waited; round++) {
		for (i = 0; i < CLIENTS; i++)
			assert_int_equal(unbind_one(i), 0);
		for (i = 0; i < CLIENTS; i++)
			has_waited |= settles(i);
	}
	assert_true(has_waited);
	assert_true(becomes(2 * CLIENTS));
	assert_int_equal(turnpike_waiting(tp, TURNPIKE_WAIT_SETTLING), 0);
}

/* One end of a hairpin waits. When it is bound, the flow of the other end changes. */
static void test_hairpin(void **state)
{
	struct turnpike_binding a = binding_of(1), b = binding_of(2);
	enum turnpike_direction direction;

	(void)state;
	a.peer = b.relay;
	b.peer = a.relay;
	open_with(4, 0, 1);
	assert_int_equal(bind_one(3), 0);
	assert_int_equal(turnpike_bind(tp, &a), 0);
	assert_int_equal(turnpike_bind(tp, &b), -EAGAIN);
	assert_true(is_relayed(&a, &direction));
	assert_int_equal(direction, TURNPIKE_DIR_TO_PEER);
	assert_int_equal(unbind_one(3), 0);
	assert_true(becomes(4));
	assert_true(is_relayed(&a, &direction));
	assert_int_equal(direction, TURNPIKE_DIR_HAIRPIN);
	assert_true(is_relayed(&b, &direction));
	assert_int_equal(direction, TURNPIKE_DIR_HAIRPIN);
}

static void test_waiting_is_off_by_default(void **state)
{
	(void)state;
	open_with(2, 0, 0);
	assert_int_equal(bind_one(1), 0);
	assert_int_equal(bind_one(2), -ENOSPC);
	assert_int_equal(unbind_one(2), -ENOENT);
	assert_int_equal(unbind_one(1), 0);
	assert_int_equal(turnpike_poll(tp), 0);
	assert_int_equal(turnpike_flows(tp), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_flows, close_it),
		cmocka_unit_test_teardown(test_nexthops, close_it),
		cmocka_unit_test_teardown(test_leave_and_come_back, close_it),
		cmocka_unit_test_teardown(test_hairpin, close_it),
		cmocka_unit_test_teardown(test_waiting_is_off_by_default, close_it),
	};

	return run_in_namespace("waiting bindings", tests, ARRAY_LEN(tests));
}
