/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Events for the owner's log. */
#include <string.h>

#include "turn_fixture.h"

#define PEER "198.51.100.2:7000"

static void expect_about(const struct logged *logged, enum turn_event_kind kind, const char *relay)
{
	struct turnpike_addr expected = addr(relay), client = addr("203.0.113.7:40000");

	assert_int_equal(logged->kind, kind);
	assert_true(addr_equal(&logged->tuple.client, &client));
	assert_string_equal(logged->username, "alice");
	assert_int_not_equal(logged->relay.port, 0);
	expected.port = logged->relay.port;
	assert_true(addr_equal(&logged->relay, &expected));
}

static void expect_peer(const struct logged *logged, const char *peer)
{
	struct turnpike_addr expected = addr(peer);

	assert_true(addr_equal(&logged->peer, &expected));
}

static void test_life(void **state)
{
	struct fixture *f = fixture_default();

	(void)state;
	allocate(f);
	expect_about(only_logged(f), TURN_EVENT_ALLOCATED, "192.0.2.1");
	assert_int_equal(only_logged(f)->lifetime, 600);
	/* A retransmission raises no event. */
	send_plain(f);
	assert_int_equal(f->n_logged, 0);
	refresh(f, 1200);
	expect_about(only_logged(f), TURN_EVENT_REFRESHED, "192.0.2.1");
	assert_int_equal(only_logged(f)->lifetime, 1200);
	create_permission(f, PEER);
	expect_about(only_logged(f), TURN_EVENT_PERMITTED, "192.0.2.1");
	expect_peer(only_logged(f), "198.51.100.2");
	channel_bind(f, 0x4001, PEER);
	expect_about(only_logged(f), TURN_EVENT_BOUND, "192.0.2.1");
	expect_peer(only_logged(f), PEER);
	assert_int_equal(only_logged(f)->channel, 0x4001);
	refresh(f, 0);
	expect_about(only_logged(f), TURN_EVENT_ENDED, "192.0.2.1");
	assert_string_equal(only_logged(f)->why, "refresh");
	send_plain(f);
	assert_int_equal(f->n_logged, 0);
	fixture_free(f);
}

static void test_ends(void **state)
{
	struct fixture *f = fixture_default();

	(void)state;
	allocate(f);
	clear(f);
	expire_at(f, f->now + 600 * SECOND);
	expect_about(only_logged(f), TURN_EVENT_ENDED, "192.0.2.1");
	assert_string_equal(only_logged(f)->why, "expired");
	allocate(f);
	clear(f);
	turn_server_client_gone(f->server, &f->tuple, f->now);
	assert_string_equal(only_logged(f)->why, "client gone");
	allocate(f);
	clear(f);
	f->now += 7 * SECOND;
	turn_server_free(f->server, f->now);
	expect_about(only_logged(f), TURN_EVENT_ENDED, "192.0.2.1");
	assert_string_equal(only_logged(f)->why, "stopping");
	assert_int_equal(only_logged(f)->age_ns, 7 * SECOND);
	f->server = NULL;
	fixture_free(f);
}

/* Drops and ICMP errors are events only while somebody watches. */
static void test_watched(void **state)
{
	struct fixture *f = fixture_default();

	(void)state;
	allocate(f);
	for (int watched = 0; watched < 2; watched++) {
		f->is_watched = watched;
		clear(f);
		from_peer(f, "192.0.2.1", PEER, "x", 1);
		assert_int_equal(f->n_logged, watched);
	}
	expect_about(only_logged(f), TURN_EVENT_DROPPED, "192.0.2.1");
	expect_peer(only_logged(f), PEER);
	assert_int_equal(only_logged(f)->reason, TURN_REASON_NO_PERMISSION);
	create_permission(f, PEER);
	clear(f);
	icmp_about(f, "192.0.2.1", PEER, 3, 3, 0);
	expect_about(only_logged(f), TURN_EVENT_ICMP, "192.0.2.1");
	expect_peer(only_logged(f), PEER);
	clear(f);
	from_client(f, "\xff", 1);
	assert_int_equal(only_logged(f)->kind, TURN_EVENT_DROPPED);
	assert_int_equal(only_logged(f)->reason, TURN_REASON_MALFORMED);
	fixture_free(f);
}

static void expect_traffic(const struct turn_traffic *traffic, uint64_t packets, uint64_t bytes)
{
	assert_int_equal(traffic->packets, packets);
	assert_int_equal(traffic->bytes, bytes);
}

/* Data that is not relayed does not count, and each allocation has counters and a number of its
 * own. */
static void test_accounting(void **state)
{
	struct fixture *f = fixture_default();
	uint64_t id;

	(void)state;
	allocate(f);
	id = only_logged(f)->id;
	create_permission(f, PEER);
	send_indication(f, PEER, "abc");
	from_peer(f, "192.0.2.1", PEER, "defgh", 5);
	from_peer(f, "192.0.2.1", PEER, "", 0);
	from_peer(f, "192.0.2.1", "198.51.100.3:7000", "ij", 2);
	clear(f);
	f->now += 7 * SECOND;
	refresh(f, 0);
	assert_int_equal(only_logged(f)->id, id);
	assert_int_equal(only_logged(f)->age_ns, 7 * SECOND);
	expect_traffic(&only_logged(f)->traffic[TURN_TO_PEER], 1, 3);
	expect_traffic(&only_logged(f)->traffic[TURN_TO_CLIENT], 2, 5);
	allocate(f);
	clear(f);
	turn_server_client_gone(f->server, &f->tuple, f->now);
	assert_int_not_equal(only_logged(f)->id, id);
	expect_traffic(&only_logged(f)->traffic[TURN_TO_PEER], 0, 0);
	fixture_free(f);
}

/* What the kernel relayed counts for each flow that the allocation has had. */
static void test_accounting_in_kernel(void **state)
{
	struct fixture *f = fixture_default();

	(void)state;
	allocate(f);
	channel_bind(f, 0x4001, PEER);
	channel_bind(f, 0x4002, "198.51.100.3:7000");
	clear(f);
	refresh(f, 0);
	expect_traffic(&only_logged(f)->in_kernel[TURN_TO_PEER], 6, 600);
	expect_traffic(&only_logged(f)->in_kernel[TURN_TO_CLIENT], 2, 2);
	expect_traffic(&only_logged(f)->traffic[TURN_TO_PEER], 0, 0);
	fixture_free(f);
}

/* An allocation with two relays raises events for each. */
static void test_both_families(void **state)
{
	struct fixture *f = fixture_default();

	(void)state;
	allocate_both(f);
	assert_int_equal(f->n_logged, 2);
	expect_about(&f->logged[0], TURN_EVENT_ALLOCATED, "192.0.2.1");
	expect_about(&f->logged[1], TURN_EVENT_ALLOCATED, "2001:db8::1");
	refresh(f, 600);
	assert_int_equal(f->n_logged, 2);
	begin(f, STUN_REQUEST, TURN_REFRESH);
	stun_write_u32(&f->request, STUN_ATTR_REQUESTED_ADDRESS_FAMILY, STUN_FAMILY_IPV6 << 24);
	stun_write_u32(&f->request, STUN_ATTR_LIFETIME, 700);
	send_signed(f, &f->alice);
	expect_about(only_logged(f), TURN_EVENT_REFRESHED, "2001:db8::1");
	clear(f);
	expire_at(f, f->now + 600 * SECOND);
	expect_about(only_logged(f), TURN_EVENT_ENDED, "192.0.2.1");
	fixture_free(f);
}

/* Events show external addresses, as the logs of other hosts do. */
static void test_behind_nat(void **state)
{
	const struct turn_relay_address relay = { addr("10.0.0.1"), addr("192.0.2.9") };
	struct turn_config config;
	struct fixture *f;

	(void)state;
	fixture_config(&config);
	config.relays = &relay;
	config.n_relays = 1;
	f = fixture_new(&config);
	allocate(f);
	expect_about(only_logged(f), TURN_EVENT_ALLOCATED, "192.0.2.9");
	create_permission(f, "192.0.2.9");
	expect_about(only_logged(f), TURN_EVENT_PERMITTED, "192.0.2.9");
	expect_peer(only_logged(f), "192.0.2.9");
	fixture_free(f);
}

static void expect_refused(const struct fixture *f, const char *username, enum turn_method method,
			   enum turn_reason reason)
{
	const struct logged *logged = only_logged(f);

	expect_error(f, turn_reasons[reason].code);
	assert_int_equal(logged->kind, TURN_EVENT_REFUSED);
	assert_string_equal(logged->username, username);
	assert_int_equal(logged->method, method);
	assert_int_equal(logged->code, turn_reasons[reason].code);
	assert_string_equal(turn_reasons[logged->reason].name, turn_reasons[reason].name);
	assert_memory_equal(&logged->tuple, &f->tuple, sizeof(f->tuple));
}

static void test_refused(void **state)
{
	static const char long_name[600] = { [0 ... 598] = 'x' };
	char longest[STUN_USERNAME_MAX + 1];
	struct fixture *f = fixture_default();

	(void)state;
	begin(f, STUN_REQUEST, TURN_ALLOCATE);
	send_plain(f);
	expect_refused(f, "", TURN_METHOD_ALLOCATE, TURN_REASON_NO_CREDENTIALS);
	/* The username is unverified, and cut to the longest valid length. */
	begin(f, STUN_REQUEST, TURN_REFRESH);
	stun_write_string(&f->request, STUN_ATTR_USERNAME, "mallory");
	send_plain(f);
	expect_refused(f, "mallory", TURN_METHOD_REFRESH, TURN_REASON_NO_CREDENTIALS);
	begin(f, STUN_REQUEST, TURN_REFRESH);
	stun_write_string(&f->request, STUN_ATTR_USERNAME, long_name);
	send_plain(f);
	memcpy(longest, long_name, STUN_USERNAME_MAX);
	longest[STUN_USERNAME_MAX] = '\0';
	expect_refused(f, longest, TURN_METHOD_REFRESH, TURN_REASON_NO_CREDENTIALS);
	create_permission(f, PEER);
	expect_refused(f, "alice", TURN_METHOD_CREATE_PERMISSION, TURN_REASON_NO_ALLOCATION);
	allocate(f);
	channel_bind(f, 0x4000, "127.0.0.1:53");
	expect_refused(f, "alice", TURN_METHOD_CHANNEL_BIND, TURN_REASON_DENIED_PEER);
	assert_int_equal(only_logged(f)->relay.family, 0);
	fixture_free(f);
}

/* The owner says whether a user gets an allocation; one that exists is not affected. */
static void test_blocked(void **state)
{
	struct fixture *f = fixture_default();

	(void)state;
	allocate(f);
	f->blocked = "alice";
	refresh(f, 600);
	from_port(f, 40001);
	clear(f);
	begin_allocate(f);
	send_signed(f, &f->alice);
	expect_refused(f, "alice", TURN_METHOD_ALLOCATE, TURN_REASON_BLOCKED);
	clear(f);
	allocate_as(f, &f->bob, STUN_FAMILY_IPV4);
	assert_int_equal(stats(f)->allocations, 2);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_ends),
		cmocka_unit_test(test_watched),
		cmocka_unit_test(test_accounting),
		cmocka_unit_test(test_accounting_in_kernel),
		cmocka_unit_test(test_both_families),
		cmocka_unit_test(test_behind_nat),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_blocked),
	};

	return cmocka_run_group_tests_name("turn event", tests, NULL, NULL);
}
