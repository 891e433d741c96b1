/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Application data: RFC 8656 sections 11 and 12.4 to 12.7. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "turn_fixture.h"

#define PEER "198.51.100.1:7000"

static struct fixture *bound(void)
{
	struct fixture *f = fixture_default();

	allocate(f);
	refresh(f, 3600);
	channel_bind(f, 0x4001, PEER);
	expect_success(f, &f->alice);
	clear(f);
	return f;
}

static void test_channel_data_to_peer(void **state)
{
	struct fixture *f = bound();

	(void)state;
	from_client(f, "\x40\x01\x00\x05hello", 9);
	expect_to_peer(f, PEER, "hello", 5);
	clear(f);
	/* Any padding is accepted and not relayed. */
	from_client(f, "\x40\x01\x00\x05helloabc", 12);
	expect_to_peer(f, PEER, "hello", 5);
	clear(f);
	from_client(f, "\x40\x01\x00\x00", 4);
	expect_to_peer(f, PEER, "", 0);
	assert_int_equal(stats(f)->to_peer.packets, 3);
	assert_int_equal(stats(f)->to_peer.bytes, 10);
	fixture_free(f);
}

static void test_bad_channel_data(void **state)
{
	struct fixture *f = bound();

	(void)state;
	from_client(f, "\x40\x01\x00\x06hello", 9);
	from_client(f, "\x40\x01\xff\xffhello", 9);
	from_client(f, "\x40\x01\x00", 3);
	from_client(f, "\x40", 1);
	assert_int_equal(stats(f)->dropped[TURN_REASON_MALFORMED], 4);
	from_client(f, "\x40\x02\x00\x05hello", 9);
	assert_int_equal(stats(f)->dropped[TURN_REASON_NO_CHANNEL], 1);
	f->tuple.client = addr("203.0.113.7:40001");
	from_client(f, "\x40\x01\x00\x05hello", 9);
	f->tuple.client = addr("203.0.113.7:40000");
	f->tuple.server = addr("192.0.2.1:3479");
	from_client(f, "\x40\x01\x00\x05hello", 9);
	assert_int_equal(stats(f)->dropped[TURN_REASON_NO_ALLOCATION], 2);
	expect_events(f, 0);
	fixture_free(f);
}

/** RFC 8656 section 12.6: ChannelData needs no permission, and refreshes nothing. */
static void test_channel_lifetime(void **state)
{
	struct fixture *f = bound();
	uint64_t start = f->now;

	(void)state;
	f->now = start + 400 * SECOND;
	from_client(f, "\x40\x01\x00\x01x", 5);
	expect_to_peer(f, PEER, "x", 1);
	clear(f);
	f->now = start + 600 * SECOND - 1;
	from_client(f, "\x40\x01\x00\x01y", 5);
	expect_to_peer(f, PEER, "y", 1);
	clear(f);
	/* Expired on time, although no timer has run. */
	f->now = start + 600 * SECOND;
	from_client(f, "\x40\x01\x00\x01z", 5);
	expect_events(f, 0);
	assert_int_equal(stats(f)->dropped[TURN_REASON_NO_CHANNEL], 1);
	fixture_free(f);
}

static void test_peer_to_channel(void **state)
{
	struct fixture *f = bound();
	uint64_t start = f->now;

	(void)state;
	from_peer(f, "192.0.2.1", PEER, "hello", 5);
	expect_events(f, SEND_CLIENT, 0);
	assert_memory_equal(&event(f, 0)->tuple, &f->tuple, sizeof(f->tuple));
	assert_int_equal(event(f, 0)->len, 9);
	assert_memory_equal(event(f, 0)->data, "\x40\x01\x00\x05hello", 9);
	clear(f);
	from_peer(f, "192.0.2.1", PEER, "", 0);
	assert_int_equal(event(f, 0)->len, 4);
	assert_memory_equal(event(f, 0)->data, "\x40\x01\x00\x00", 4);
	clear(f);
	f->now = start + 300 * SECOND - 1;
	from_peer(f, "192.0.2.1", PEER, "x", 1);
	expect_events(f, SEND_CLIENT, 0);
	clear(f);
	/* RFC 8656 section 11.3: the channel is live, the permission expired. */
	f->now = start + 300 * SECOND;
	from_peer(f, "192.0.2.1", PEER, "x", 1);
	expect_events(f, 0);
	assert_int_equal(stats(f)->dropped[TURN_REASON_NO_PERMISSION], 1);
	assert_int_equal(stats(f)->to_client.packets, 3);
	assert_int_equal(stats(f)->to_client.bytes, 6);
	fixture_free(f);
}

static void test_data_indication(void **state)
{
	struct fixture *f = bound();
	char text[] = "abcdefghi";

	(void)state;
	for (size_t len = 0; len < sizeof(text); len++) {
		/* A permission covers all ports of an IP address. */
		from_peer(f, "192.0.2.1", "198.51.100.1:7001", text, len);
		expect_data_indication(f, "198.51.100.1:7001", text, len);
		clear(f);
	}
	from_peer(f, "192.0.2.1", "198.51.100.2:7000", text, 1);
	expect_events(f, 0);
	assert_int_equal(stats(f)->dropped[TURN_REASON_NO_PERMISSION], 1);
	fixture_free(f);
}

/** An expired channel relays nothing while it cannot be rebound. */
static void test_data_after_channel(void **state)
{
	struct fixture *f = bound();

	(void)state;
	f->now += 600 * SECOND;
	create_permission(f, PEER);
	clear(f);
	from_peer(f, "192.0.2.1", PEER, "hello", 5);
	expect_data_indication(f, PEER, "hello", 5);
	fixture_free(f);
}

static void test_v6(void **state)
{
	struct fixture *f = fixture_default();

	(void)state;
	allocate_as(f, &f->alice, STUN_FAMILY_IPV6);
	create_permission(f, "2001:db8::7");
	expect_success(f, &f->alice);
	create_permission(f, "198.51.100.1");
	expect_error(f, 443);
	clear(f);
	from_peer(f, "2001:db8::1", "[2001:db8::7]:9", "hello", 5);
	expect_data_indication(f, "[2001:db8::7]:9", "hello", 5);
	fixture_free(f);
}

static void test_oversize(void **state)
{
	struct fixture *f = bound();
	char *data = calloc(1, 65535);

	(void)state;
	from_peer(f, "192.0.2.1", "198.51.100.1:7001", data, 65535);
	expect_events(f, 0);
	assert_int_equal(stats(f)->dropped[TURN_REASON_OVERSIZE], 1);
	free(data);
	fixture_free(f);
}

static void test_send(void **state)
{
	struct fixture *f = bound();

	(void)state;
	send_indication(f, "198.51.100.1:7001", "hello");
	expect_to_peer(f, "198.51.100.1:7001", "hello", 5);
	send_indication(f, PEER, "");
	expect_to_peer(f, PEER, "", 0);
	fixture_free(f);
}

/** RFC 8656 section 11.2: malformed indications are dropped silently. */
/** The kernel relays a Send indication without a look at the value of FINGERPRINT: so do we. */
static void test_send_fingerprint(void **state)
{
	struct fixture *f = bound();

	(void)state;
	for (uint8_t error = 0; error < 2; error++) {
		begin_send(f, PEER);
		stun_write_string(&f->request, STUN_ATTR_DATA, "hello");
		stun_write_fingerprint(&f->request);
		f->request_buf[f->request.len - 1] ^= error;
		send_plain(f);
		expect_to_peer(f, PEER, "hello", 5);
	}
	/* It is still the last attribute, and 4 bytes long. */
	begin_send(f, PEER);
	stun_write_u32(&f->request, STUN_ATTR_FINGERPRINT, 0);
	stun_write_string(&f->request, STUN_ATTR_DATA, "hello");
	send_plain(f);
	expect_events(f, 0);
	begin_send(f, PEER);
	stun_write_string(&f->request, STUN_ATTR_DATA, "hello");
	stun_write_bytes(&f->request, STUN_ATTR_FINGERPRINT, "", 0);
	send_plain(f);
	expect_events(f, 0);
	fixture_free(f);
}

static void test_send_refused(void **state)
{
	struct fixture *f = bound();

	(void)state;
	send_indication(f, "198.51.100.2:7001", "hello");
	send_indication(f, "127.0.0.1:7001", "hello");
	send_indication(f, "[2001:db8::7]:9", "hello");
	assert_int_equal(stats(f)->dropped[TURN_REASON_NO_PERMISSION], 3);
	send_indication(f, "198.51.100.1", "hello");
	begin_send(f, PEER);
	send_plain(f);
	begin(f, STUN_INDICATION, TURN_SEND);
	stun_write_string(&f->request, STUN_ATTR_DATA, "hello");
	send_plain(f);
	assert_int_equal(stats(f)->dropped[TURN_REASON_MALFORMED], 3);
	begin_send(f, PEER);
	stun_write_string(&f->request, STUN_ATTR_DATA, "hello");
	stun_write_bytes(&f->request, (enum stun_attr_type)0x0021, "", 0);
	send_plain(f);
	assert_int_equal(stats(f)->dropped[TURN_REASON_MALFORMED], 4);
	f->tuple.client = addr("203.0.113.7:40001");
	send_indication(f, PEER, "hello");
	assert_int_equal(stats(f)->dropped[TURN_REASON_NO_ALLOCATION], 1);
	assert_int_equal(stats(f)->to_peer.packets, 0);
	expect_events(f, 0);
	fixture_free(f);
}

/** Sending does not refresh a permission (section 11.2). */
static void test_send_lifetime(void **state)
{
	struct fixture *f = bound();
	uint64_t start = f->now;

	(void)state;
	f->now = start + 300 * SECOND - 1;
	send_indication(f, PEER, "x");
	expect_to_peer(f, PEER, "x", 1);
	f->now = start + 300 * SECOND;
	send_indication(f, PEER, "x");
	expect_events(f, 0);
	create_permission(f, PEER);
	send_indication(f, PEER, "x");
	expect_to_peer(f, PEER, "x", 1);
	fixture_free(f);
}

/** Nothing is relayed once the allocation has expired, even if no timer has run. */
static void test_dead_allocation(void **state)
{
	struct fixture *f = fixture_default();

	(void)state;
	allocate(f);
	f->now += 500 * SECOND;
	channel_bind(f, 0x4001, PEER);
	f->now += 100 * SECOND;
	clear(f);
	from_client(f, "\x40\x01\x00\x01x", 5);
	from_peer(f, "192.0.2.1", PEER, "x", 1);
	send_indication(f, PEER, "x");
	expect_events(f, 0);
	assert_int_equal(stats(f)->dropped[TURN_REASON_NO_ALLOCATION], 3);
	fixture_free(f);
}

/** Rate limits (not in RFC 8656): each allocation has a budget for each direction. */
static void test_limits(void **state)
{
	struct fixture *f = fixture_default();
	struct fake_limits *limits;

	(void)state;
	f->limited = true;
	allocate(f);
	f->limited = false;
	limits = only_limits(f);
	channel_bind(f, 0x4001, PEER);
	assert_ptr_equal(event(f, 0)->flow.limits, limits);
	limits->left[TURN_TO_PEER] = 8;
	limits->left[TURN_TO_CLIENT] = 5;
	clear(f);
	from_client(f, "\x40\x01\x00\x05hello", 9);
	expect_to_peer(f, PEER, "hello", 5);
	clear(f);
	from_client(f, "\x40\x01\x00\x05hello", 9);
	expect_events(f, 0);
	/* Channels and indications share the budget; a refused datagram is not charged. */
	send_indication(f, PEER, "hey!");
	expect_events(f, 0);
	send_indication(f, PEER, "hey");
	expect_to_peer(f, PEER, "hey", 3);
	clear(f);
	from_peer(f, "192.0.2.1", PEER, "hello", 5);
	expect_events(f, SEND_CLIENT, 0);
	from_peer(f, "192.0.2.1", PEER, "x", 1);
	from_peer(f, "192.0.2.1", "198.51.100.1:7001", "x", 1);
	expect_events(f, SEND_CLIENT, 0);
	assert_int_equal(stats(f)->dropped[TURN_REASON_POLICED], 4);
	assert_int_equal(stats(f)->to_peer.bytes, 8);
	assert_int_equal(stats(f)->to_client.bytes, 5);
	/* Data without a permission is not charged. */
	limits->left[TURN_TO_CLIENT] = 5;
	from_peer(f, "192.0.2.1", "198.51.100.9:1", "x", 1);
	assert_int_equal(limits->left[TURN_TO_CLIENT], 5);
	/* Other allocations have their own limits, or none. */
	f->tuple.client = addr("203.0.113.7:40001");
	f->nonce_len = 0;
	allocate(f);
	channel_bind(f, 0x4001, PEER);
	assert_null(event(f, 0)->flow.limits);
	refresh(f, 0);
	only_limits(f);
	fixture_free(f);
}

/* The owner is asked about a peer until it answers, and about each IP address once at a time. */
static void test_reach(void **state)
{
	struct fixture *f = bound();

	(void)state;
	f->reach_until = 0;
	from_client(f, "\x40\x01\x00\x05hello", 9);
	assert_false(f->again);
	from_client(f, "\x40\x01\x00\x05hello", 9);
	expect_events(f, 0);
	assert_int_equal(stats(f)->dropped[TURN_REASON_NO_NEIGHBOUR], 2);
	assert_int_equal(f->n_reach, 2);
	assert_true(f->again);
	f->reach_until = f->now + 3 * SECOND;
	for (int i = 0; i < 3; i++) {
		from_client(f, "\x40\x01\x00\x05hello", 9);
		expect_to_peer(f, PEER, "hello", 5);
		clear(f);
		f->now += SECOND;
	}
	assert_int_equal(f->n_reach, 3);
	/* It has not answered within that time. */
	f->reach_until = 0;
	from_client(f, "\x40\x01\x00\x05hello", 9);
	expect_events(f, 0);
	assert_int_equal(f->n_reach, 4);
	/* It has, by another port of the same address. */
	from_peer(f, "192.0.2.1", "198.51.100.1:7001", "hi", 2);
	clear(f);
	from_client(f, "\x40\x01\x00\x05hello", 9);
	expect_to_peer(f, PEER, "hello", 5);
	assert_int_equal(f->n_reach, 4);
	assert_int_equal(stats(f)->dropped[TURN_REASON_NO_NEIGHBOUR], 3);
	fixture_free(f);
}

static void test_no_limits_left(void **state)
{
	struct fixture *f = fixture_default();

	(void)state;
	f->limit_error = -ENOSPC;
	allocate_as(f, &f->alice, STUN_FAMILY_IPV4);
	expect_error(f, 508);
	expect_events(f, SEND_CLIENT, 0);
	f->limit_error = 0;
	/* If the allocation fails, its limits are freed: fixture_free() checks that. */
	f->limited = true;
	f->open_error = -EMFILE;
	f->open_failures = 1;
	allocate_as(f, &f->alice, STUN_FAMILY_IPV4);
	expect_error(f, 508);
	assert_int_equal(stats(f)->allocations, 0);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_channel_data_to_peer),
		cmocka_unit_test(test_bad_channel_data),
		cmocka_unit_test(test_channel_lifetime),
		cmocka_unit_test(test_peer_to_channel),
		cmocka_unit_test(test_data_indication),
		cmocka_unit_test(test_data_after_channel),
		cmocka_unit_test(test_v6),
		cmocka_unit_test(test_oversize),
		cmocka_unit_test(test_send),
		cmocka_unit_test(test_send_fingerprint),
		cmocka_unit_test(test_send_refused),
		cmocka_unit_test(test_send_lifetime),
		cmocka_unit_test(test_dead_allocation),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_reach),
		cmocka_unit_test(test_no_limits_left),
	};

	return cmocka_run_group_tests_name("turn relay", tests, NULL, NULL);
}
