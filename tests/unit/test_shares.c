/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Shares of users: what a flow needs, what waits, and what gets in when others end. An array
 * replaces the library.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/addr.h"
#include "datapath/shares.h"

#define MAX  1000
#define MANY 1000 /* tries */

static struct shares *shares;

/* The library. */
static bool is_bound[MAX]; /* by channel; of a pair, by the port of its xor_peer */
static int n_bound;
static int n_binds, n_routes;
static int error; /* of the next bind */

static int number_of(const struct turnpike_binding *binding)
{
	return binding->channel ? binding->channel : ntohs(binding->xor_peer.port);
}

static int fake_bind(void *arg, const struct turnpike_binding *binding)
{
	const int number = number_of(binding), err = error;

	assert_ptr_equal(arg, is_bound);
	n_binds++;
	error = 0;
	if (err) {
		n_bound -= is_bound[number];
		is_bound[number] = false;
		return err;
	}
	n_bound += !is_bound[number];
	is_bound[number] = true;
	return 0;
}

static void fake_unbind(void *arg, const struct turnpike_binding *binding)
{
	const int number = number_of(binding);

	assert_ptr_equal(arg, is_bound);
	assert_true(is_bound[number]);
	is_bound[number] = false;
	n_bound--;
}

/* 10.0.0.0/8 and fd00::/8 are connected networks. */
static bool fake_on_link(void *arg, const struct turnpike_addr *local,
			 const struct turnpike_addr *remote)
{
	assert_ptr_equal(arg, is_bound);
	assert_int_equal(local->family, remote->family);
	assert_int_equal(remote->port, 0);
	n_routes++;
	return remote->ip[0] == 10 || remote->ip[0] == 0xfd;
}

/* Tables of 100; in percent. */
static void open_shares(uint32_t flows, uint32_t next_hops, uint32_t neighbours)
{
	static const uint32_t sizes[N_SHARES] = { 100, 100, 100, 100, 100 };
	const struct share_percents percents = { flows, next_hops, neighbours };
	const struct share_ops ops = { fake_bind, fake_unbind, fake_on_link, is_bound };

	memset(is_bound, 0, sizeof(is_bound));
	n_bound = n_binds = n_routes = error = 0;
	assert_int_equal(shares_open(&ops, sizes, &percents, &shares), 0);
}

static int close_shares(void **state)
{
	(void)state;
	shares_close(shares);
	return 0;
}

static struct turnpike_addr addr(const char *text)
{
	struct turnpike_addr result;

	assert_int_equal(addr_parse(text, &result), 0);
	result.port = htons(1000);
	return result;
}

/* The client and the peer decide what a flow needs. */
static struct turnpike_binding binding_of(uint16_t channel, const char *client, const char *peer)
{
	const struct turnpike_addr from = addr(client), to = addr(peer);

	return (struct turnpike_binding){
		.sz = sizeof(struct turnpike_binding),
		.client = from,
		.server = addr(from.family == TURNPIKE_IPV4 ? "192.0.2.1" : "2001:db8::1"),
		.relay = addr(to.family == TURNPIKE_IPV4 ? "192.0.2.2" : "2001:db8::2"),
		.peer = to,
		.channel = channel,
	};
}

static int bind_to(const char *user, uint16_t channel, const char *client, const char *peer)
{
	const struct turnpike_binding binding = binding_of(channel, client, peer);

	return shares_bind(shares, user, &binding);
}

/* A client of one address, and a peer of its own for each channel, behind a gateway. */
static struct turnpike_binding numbered(uint16_t channel)
{
	char peer[32];

	snprintf(peer, sizeof(peer), "198.51.%d.%d", channel / 256, channel % 256);
	return binding_of(channel, "203.0.113.1", peer);
}

static int bind_number(const char *user, uint16_t channel)
{
	const struct turnpike_binding binding = numbered(channel);

	return shares_bind(shares, user, &binding);
}

static void unbind_number(uint16_t channel)
{
	const struct turnpike_binding binding = numbered(channel);

	shares_unbind(shares, &binding);
}

static void expect(enum share what, uint32_t most, uint32_t waiting, uint64_t refused)
{
	const struct share_use use = shares_use(shares, what);

	assert_int_equal(use.most, most);
	assert_int_equal(use.waiting, waiting);
	assert_int_equal(use.refused, refused);
}

static void test_flows(void **state)
{
	(void)state;
	open_shares(6, 0, 0);
	for (uint16_t channel = 1; channel <= 3; channel++)
		assert_int_equal(bind_number("alice", channel), 0);
	assert_int_equal(bind_number("alice", 4), -EDQUOT);
	assert_int_equal(bind_number("bob", 11), 0);
	assert_int_equal(n_bound, 4);
	expect(SHARE_FLOWS_IPV4, 6, 1, 1);
	expect(SHARE_FLOWS_IPV6, 0, 0, 0);
	/* The other family has room of its own, half of a mixed flow has not. */
	assert_int_equal(bind_to("alice", 20, "2001:db8::9", "2001:db8::8"), 0);
	assert_int_equal(bind_to("alice", 21, "203.0.113.1", "2001:db8::8"), -EDQUOT);
	expect(SHARE_FLOWS_IPV6, 2, 0, 0);
	expect(SHARE_FLOWS_IPV4, 6, 2, 2);
}

/* Next hops have no ports, and each user has its own. */
static void test_next_hops(void **state)
{
	struct turnpike_binding again;

	(void)state;
	open_shares(0, 4, 0);
	for (uint16_t channel = 1; channel <= 3; channel++)
		assert_int_equal(bind_number("alice", channel), 0);
	expect(SHARE_NEXT_HOPS, 4, 0, 0);
	assert_int_equal(bind_number("alice", 4), -EDQUOT);
	again = numbered(3);
	again.channel = 5;
	again.peer.port++;
	again.client.port++;
	assert_int_equal(shares_bind(shares, "alice", &again), 0);
	expect(SHARE_NEXT_HOPS, 4, 1, 1);
	again.channel = 6;
	assert_int_equal(shares_bind(shares, "bob", &again), 0);
	assert_int_equal(shares_use(shares, SHARE_NEXT_HOPS).used, 6);

	/* A next hop is free again when the last flow that needs it ends. */
	unbind_number(3);
	shares_serve(shares, MANY);
	expect(SHARE_NEXT_HOPS, 4, 1, 1);
	again.channel = 5;
	shares_unbind(shares, &again);
	assert_true(shares_due(shares));
	shares_serve(shares, MANY);
	assert_false(shares_due(shares));
	assert_true(is_bound[4]);
	expect(SHARE_NEXT_HOPS, 4, 0, 1);
}

/* A pair has no number: its xor_peer identifies it among those of a client. */
static struct turnpike_binding pair(uint16_t port)
{
	struct turnpike_binding binding = binding_of(0, "203.0.113.1", "198.51.100.1");

	binding.peer.port = htons(port);
	binding.xor_peer = binding.peer;
	return binding;
}

static void test_pairs(void **state)
{
	struct turnpike_binding pairs[] = { pair(1), pair(2), pair(3) };

	(void)state;
	open_shares(4, 0, 0);
	assert_int_equal(shares_bind(shares, "alice", &pairs[0]), 0);
	assert_int_equal(shares_bind(shares, "alice", &pairs[1]), 0);
	assert_int_equal(shares_bind(shares, "alice", &pairs[2]), -EDQUOT);
	assert_int_equal(n_bound, 2);
	expect(SHARE_FLOWS_IPV4, 4, 1, 1);
	/* A refresh of one. */
	pairs[1].permission_expires = 5;
	assert_int_equal(shares_bind(shares, "alice", &pairs[1]), 0);
	expect(SHARE_FLOWS_IPV4, 4, 1, 1);
	shares_unbind(shares, &pairs[0]);
	assert_true(!is_bound[1] && is_bound[2]);
	shares_serve(shares, MANY);
	assert_true(is_bound[3]);
	expect(SHARE_FLOWS_IPV4, 4, 0, 1);
}

/* A peer at the client's address is one next hop if the relay's address is the server's. */
static void test_same_next_hop(void **state)
{
	struct turnpike_binding binding = numbered(1);

	(void)state;
	open_shares(0, 2, 0);
	binding.relay = binding.server;
	binding.relay.port++;
	binding.peer = binding.client;
	assert_int_equal(shares_bind(shares, "alice", &binding), 0);
	expect(SHARE_NEXT_HOPS, 1, 0, 0);
	shares_unbind(shares, &binding);
	assert_int_equal(shares_use(shares, SHARE_NEXT_HOPS).used, 0);
}

static void test_neighbours(void **state)
{
	(void)state;
	open_shares(0, 0, 2);
	assert_int_equal(bind_to("alice", 1, "10.0.0.1", "10.0.0.2"), 0);
	assert_int_equal(bind_to("alice", 2, "10.0.0.1", "10.0.0.3"), 0);
	expect(SHARE_NEIGHBOURS_IPV4, 2, 0, 0);
	assert_int_equal(bind_to("alice", 3, "10.0.0.1", "10.0.0.4"), -EDQUOT);
	assert_int_equal(n_routes, 3);
	assert_int_equal(bind_to("alice", 4, "10.0.0.1", "10.0.0.3"), 0);
	assert_int_equal(n_routes, 3);
	/* By a gateway, and of the other family. */
	assert_int_equal(bind_number("alice", 5), 0);
	assert_int_equal(bind_to("alice", 6, "10.0.0.1", "fd00::1"), 0);
	expect(SHARE_NEIGHBOURS_IPV4, 2, 1, 1);
	expect(SHARE_NEIGHBOURS_IPV6, 1, 0, 0);
	assert_int_equal(bind_to("bob", 7, "10.0.0.1", "10.0.0.4"), 0);
}

/* Those that have waited longest come first, and those that do not fit cost one attempt. */
static void test_order(void **state)
{
	(void)state;
	open_shares(0, 11, 0);
	for (uint16_t channel = 1; channel <= 100; channel++)
		bind_number("alice", channel);
	assert_int_equal(n_bound, 10);
	expect(SHARE_NEXT_HOPS, 11, 90, 90);
	unbind_number(1);
	unbind_number(2);
	unbind_number(12); /* it waits */
	assert_int_equal(n_bound, 8);
	n_binds = 0;
	shares_serve(shares, MANY);
	assert_true(is_bound[11] && is_bound[13] && !is_bound[12]);
	assert_int_equal(n_binds, 2);
	expect(SHARE_NEXT_HOPS, 11, 87, 90);
	assert_false(shares_due(shares));
}

/* Users take turns, and nobody gets more tries than there are. */
static void test_turns(void **state)
{
	(void)state;
	open_shares(0, 11, 0);
	for (uint16_t channel = 1; channel <= 20; channel++) {
		bind_number("alice", channel);
		bind_number("bob", 100 + channel);
	}
	for (uint16_t channel = 1; channel <= 10; channel++) {
		unbind_number(channel);
		unbind_number(100 + channel);
	}
	shares_serve(shares, 3);
	assert_true(shares_due(shares));
	assert_int_equal(n_bound, 3);
	shares_serve(shares, 4);
	assert_int_equal(n_bound, 7);
	assert_true(is_bound[114]);
	shares_serve(shares, MANY);
	assert_int_equal(n_bound, 20);
	assert_false(shares_due(shares));
}

/* A refresh of a waiting flow is an attempt, and keeps its place. */
static void test_refresh(void **state)
{
	struct turnpike_binding small = numbered(1);

	(void)state;
	open_shares(0, 3, 0);
	assert_int_equal(bind_number("alice", 1), 0);
	assert_int_equal(bind_number("alice", 2), 0);
	assert_int_equal(bind_number("alice", 3), -EDQUOT);
	assert_int_equal(bind_to("alice", 4, "203.0.113.2", "198.51.100.9"), -EDQUOT);
	assert_int_equal(bind_number("alice", 3), -EDQUOT);
	expect(SHARE_NEXT_HOPS, 3, 2, 2);
	unbind_number(2);
	assert_int_equal(bind_to("alice", 4, "203.0.113.2", "198.51.100.9"), -EDQUOT);
	assert_int_equal(bind_number("alice", 3), 0);
	/* A known one is only changed. */
	small.channel_expires = 5;
	n_binds = 0;
	assert_int_equal(shares_bind(shares, "alice", &small), 0);
	assert_int_equal(n_binds, 1);
	expect(SHARE_NEXT_HOPS, 3, 1, 2);
}

/* What the library refuses takes nothing, now or later. */
static void test_errors(void **state)
{
	struct turnpike_binding other = numbered(1);

	(void)state;
	open_shares(0, 3, 0);
	error = -ENOMEM;
	assert_int_equal(bind_number("alice", 1), -ENOMEM);
	assert_int_equal(shares_use(shares, SHARE_NEXT_HOPS).used, 0);
	unbind_number(1);
	assert_int_equal(bind_number("alice", 1), 0);
	assert_int_equal(bind_number("alice", 2), 0);
	assert_int_equal(bind_number("alice", 3), -EDQUOT);
	/* It has another peer: the library refuses it. */
	other.peer = addr("2001:db8::7");
	error = -EEXIST;
	assert_int_equal(shares_bind(shares, "alice", &other), -EEXIST);
	assert_int_equal(shares_use(shares, SHARE_FLOWS_IPV4).used, 2);
	assert_int_equal(shares_use(shares, SHARE_FLOWS_IPV6).used, 0);
	/* The one that waited is refused, too. */
	error = -EIO;
	shares_serve(shares, MANY);
	expect(SHARE_NEXT_HOPS, 2, 0, 1);
	unbind_number(3);
	assert_int_equal(n_bound, 1);
}

static void test_set(void **state)
{
	const struct share_percents more = { .next_hops = 6 }, none = { 0 },
				    all = { 100, 100, 100 };

	(void)state;
	open_shares(1, 3, 1);
	for (uint16_t channel = 1; channel <= 10; channel++)
		bind_number("alice", channel);
	/* One flow always fits. */
	assert_int_equal(n_bound, 1);
	assert_int_equal(shares_use(shares, SHARE_FLOWS_IPV4).limit, 2);
	shares_set(shares, &more);
	shares_serve(shares, MANY);
	assert_int_equal(n_bound, 5);
	expect(SHARE_FLOWS_IPV4, 10, 0, 9);
	expect(SHARE_NEXT_HOPS, 6, 5, 0);
	shares_set(shares, &none);
	assert_int_equal(shares_use(shares, SHARE_NEXT_HOPS).limit, 100);
	shares_serve(shares, MANY);
	assert_int_equal(n_bound, 10);
	shares_set(shares, &all);
	for (uint16_t channel = 101; channel <= 300; channel++)
		assert_int_equal(bind_number("alice", channel), 0);
}

static int list(const struct turnpike_binding *binding, enum share what, void *arg)
{
	uint32_t *sum = arg;

	assert_int_equal(what, SHARE_NEXT_HOPS);
	*sum += binding->channel;
	return binding->channel == 4 ? 7 : 0;
}

/* While no device relays in the kernel, flows take nothing and ask nothing. */
static void test_idle(void **state)
{
	(void)state;
	open_shares(4, 0, 0);
	assert_int_equal(bind_number("alice", 1), 0);
	n_binds = n_routes = 0;
	shares_set_idle(shares, true);
	for (uint16_t channel = 2; channel <= 4; channel++)
		assert_int_equal(bind_number("alice", channel), 0);
	assert_int_equal(bind_number("alice", 2), 0);
	for (uint16_t channel = 11; channel <= 13; channel++)
		assert_int_equal(bind_number("bob", channel), 0);
	unbind_number(11);
	assert_false(shares_due(shares));
	shares_serve(shares, MANY);
	assert_int_equal(shares_deferred(shares), 5);
	assert_int_equal(n_binds, 0);
	assert_int_equal(n_routes, 0);
	expect(SHARE_FLOWS_IPV4, 2, 0, 0);
	/* Those that were bound still are, and are refreshed. */
	assert_int_equal(bind_number("alice", 1), 0);
	assert_int_equal(n_binds, 1);

	/* What came before goes first, within the shares. */
	shares_set_idle(shares, false);
	assert_true(shares_due(shares));
	assert_int_equal(bind_number("carol", 21), 0);
	assert_int_equal(n_bound, 1);
	shares_serve(shares, 1);
	assert_true(is_bound[2]);
	assert_int_equal(shares_deferred(shares), 5);
	shares_serve(shares, MANY);
	assert_true(is_bound[12] && is_bound[13] && is_bound[21]);
	assert_int_equal(n_bound, 5);
	assert_int_equal(shares_deferred(shares), 0);
	expect(SHARE_FLOWS_IPV4, 4, 2, 2);
	assert_false(shares_due(shares));
	assert_int_equal(bind_number("carol", 22), 0);
	assert_true(is_bound[22]);
	unbind_number(1);
	assert_true(shares_due(shares));
	shares_serve(shares, MANY);
	assert_true(is_bound[3] && !is_bound[4]);
}

/* One that the library refuses when a device relays again is forgotten. */
static void test_refused_after_idle(void **state)
{
	(void)state;
	open_shares(0, 0, 0);
	shares_set_idle(shares, true);
	assert_int_equal(bind_number("alice", 1), 0);
	assert_int_equal(bind_number("alice", 2), 0);
	shares_set_idle(shares, false);
	error = -EINVAL;
	shares_serve(shares, MANY);
	assert_true(!is_bound[1] && is_bound[2]);
	expect(SHARE_FLOWS_IPV4, 2, 0, 0);
	unbind_number(1);
	unbind_number(2);
	assert_int_equal(n_bound, 0);
}

/* Flows that wait for a device are listed with that reason. */
static int check_idle(const struct turnpike_binding *binding, enum share what, void *arg)
{
	assert_int_equal(what, SHARE_OF_NONE);
	*(uint32_t *)arg += binding->channel;
	return 0;
}

static void test_list_idle(void **state)
{
	struct shares_walk walk;
	uint32_t sum = 0;

	(void)state;
	open_shares(0, 0, 0);
	bind_number("alice", 1);
	shares_set_idle(shares, true);
	bind_number("alice", 2);
	bind_number("alice", 3);
	shares_walk_begin(shares, &walk);
	assert_int_equal(shares_walk_next(&walk, MANY, check_idle, &sum), 0);
	assert_int_equal(sum, 2 + 3);
	shares_walk_end(shares, &walk);
}

static void test_list(void **state)
{
	struct shares_walk walk;
	uint32_t sum = 0;

	(void)state;
	open_shares(0, 3, 0);
	for (uint16_t channel = 1; channel <= 5; channel++)
		bind_number("alice", channel);
	shares_walk_begin(shares, &walk);
	assert_int_equal(shares_walk_next(&walk, MANY, list, &sum), 7);
	assert_int_equal(sum, 3 + 4);
	assert_int_equal(shares_walk_next(&walk, MANY, list, &sum), 0);
	assert_int_equal(sum, 3 + 4 + 5);
	shares_walk_end(shares, &walk);
}

/* In pieces, flows may end between them, and later ones are not listed. */
static void test_list_in_pieces(void **state)
{
	struct shares_walk walk;
	uint32_t sum = 0;

	(void)state;
	open_shares(0, 3, 0);
	for (uint16_t channel = 1; channel <= 9; channel++)
		bind_number("alice", channel == 4 ? 10 : channel);
	shares_walk_begin(shares, &walk);
	assert_int_equal(shares_walk_next(&walk, 3, list, &sum), 1);
	assert_int_equal(sum, 3);
	unbind_number(10);
	unbind_number(5);
	unbind_number(9);
	bind_number("alice", 11);
	assert_int_equal(shares_walk_next(&walk, MANY, list, &sum), 0);
	assert_int_equal(sum, 3 + 6 + 7 + 8);
	shares_walk_end(shares, &walk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(test_flows, close_shares),
		cmocka_unit_test_teardown(test_next_hops, close_shares),
		cmocka_unit_test_teardown(test_same_next_hop, close_shares),
		cmocka_unit_test_teardown(test_pairs, close_shares),
		cmocka_unit_test_teardown(test_neighbours, close_shares),
		cmocka_unit_test_teardown(test_order, close_shares),
		cmocka_unit_test_teardown(test_turns, close_shares),
		cmocka_unit_test_teardown(test_refresh, close_shares),
		cmocka_unit_test_teardown(test_errors, close_shares),
		cmocka_unit_test_teardown(test_set, close_shares),
		cmocka_unit_test_teardown(test_idle, close_shares),
		cmocka_unit_test_teardown(test_refused_after_idle, close_shares),
		cmocka_unit_test_teardown(test_list_idle, close_shares),
		cmocka_unit_test_teardown(test_list, close_shares),
		cmocka_unit_test_teardown(test_list_in_pieces, close_shares),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
