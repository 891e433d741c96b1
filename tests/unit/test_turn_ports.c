/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Nobody takes another one's port, nor all ports: ports at rest, shares, and the rate of new
 * allocations. */
#include <arpa/inet.h>
#include <errno.h>

#include "turn_fixture.h"

#define LO 50000

/* A server with so many ports and no limits; the ports of the other family are others. */
static struct turn_config with_ports(uint16_t n)
{
	struct turn_config config;

	fixture_config(&config);
	config.port_lo = LO;
	config.port_hi = (uint16_t)(LO + n - 1);
	config.user_quota = 0;
	return config;
}

static uint32_t at_rest(const struct fixture *f)
{
	return turn_server_ports_at_rest(f->server, f->now);
}

static uint16_t response_port(const struct fixture *f)
{
	return ntohs(response_addr(f, STUN_ATTR_XOR_RELAYED_ADDRESS).port);
}

static void expect_refused(struct fixture *f, const struct credentials *user, int code)
{
	allocate_as(f, user, STUN_FAMILY_IPV4);
	expect_error(f, code);
}

/* Allocates and releases until that is refused; returns how often it succeeded. */
static uint32_t grab(struct fixture *f, const struct credentials *user)
{
	for (uint32_t n = 0;; n++) {
		from_port(f, (uint16_t)(n + 1));
		allocate_as(f, user, STUN_FAMILY_IPV4);
		if (response(f).class == STUN_ERROR)
			return n;
		turn_server_client_gone(f->server, &f->tuple, f->now);
	}
}

static void test_rest(void **state)
{
	const struct turn_config config = with_ports(2);
	struct fixture *f = fixture_new(&config);
	uint16_t first, second;

	(void)state;
	allocate(f);
	first = response_port(f);
	refresh(f, 0);
	f->now += SECOND;
	allocate(f);
	second = response_port(f);
	assert_int_not_equal(first, second);
	refresh(f, 0);
	assert_int_equal(at_rest(f), 2);
	/* Not even for those who had them. */
	f->now += REST - SECOND - 1;
	expect_refused(f, &f->alice, 508);
	expect_refused(f, &f->bob, 508);
	f->now++;
	allocate_as(f, &f->bob, STUN_FAMILY_IPV4);
	assert_int_equal(response_port(f), first);
	from_port(f, 2);
	expect_refused(f, &f->bob, 508);
	f->now += SECOND;
	allocate_as(f, &f->bob, STUN_FAMILY_IPV4);
	assert_int_equal(response_port(f), second);
	assert_int_equal(at_rest(f), 0);
	fixture_free(f);
}

/* However an allocation ends. Rests need no timer. */
static void test_all_ends(void **state)
{
	const struct turn_config config = with_ports(1);
	struct fixture *f = fixture_new(&config);

	(void)state;
	for (int how = 0; how < 3; how++) {
		allocate(f);
		if (how == 0)
			refresh(f, 0);
		else if (how == 1)
			turn_server_client_gone(f->server, &f->tuple, f->now);
		else
			expire_at(f, f->now + 600 * SECOND);
		expect_refused(f, &f->bob, 508);
		assert_int_equal(turn_server_next_expiry(f->server), TURN_NEVER);
		assert_int_equal(at_rest(f), 1);
		f->now += REST;
		assert_int_equal(at_rest(f), 0);
	}
	fixture_free(f);
}

/* Both ports of a pair rest, also for those who want a pair. A reserved one that nobody used does
 * not. */
static void test_pair(void **state)
{
	const struct turn_config config = with_ports(2);
	struct fixture *f = fixture_new(&config);
	struct stun_message msg;
	struct stun_attr token;

	(void)state;
	for (int used = 0; used < 2; used++) {
		from_port(f, 1);
		begin_allocate(f);
		stun_write_bytes(&f->request, STUN_ATTR_EVEN_PORT, "\x80", 1);
		send_signed(f, &f->alice);
		expect_success(f, &f->alice);
		msg = response(f);
		assert_int_equal(stun_find_attr(&msg, STUN_ATTR_RESERVATION_TOKEN, &token), 0);
		if (used) {
			from_port(f, 2);
			begin_allocate(f);
			stun_write_bytes(&f->request, STUN_ATTR_RESERVATION_TOKEN, token.value,
					 token.len);
			send_signed(f, &f->alice);
			expect_success(f, &f->alice);
			refresh(f, 0);
		}
		from_port(f, 1);
		refresh(f, 0);
		f->now += 60 * SECOND; /* a reservation */
		assert_int_equal(at_rest(f), used + 1);
		from_port(f, 3);
		begin_allocate(f);
		stun_write_bytes(&f->request, STUN_ATTR_EVEN_PORT, "\x80", 1);
		send_signed(f, &f->bob);
		expect_error(f, 508);
		f->now += REST;
	}
	fixture_free(f);
}

static void test_quota(void **state)
{
	struct fixture *f = fixture_default(); /* a quota of 3 */

	(void)state;
	allocate(f);
	assert_int_equal(grab(f, &f->alice), 2);
	expect_error(f, 486);
	assert_int_equal(turn_stats_by_reason(stats(f), TURN_REASON_USER_QUOTA), 1);
	f->now += REST - 1;
	expect_refused(f, &f->alice, 486);
	/* The other's quota is not concerned. */
	assert_int_equal(grab(f, &f->bob), 3);
	f->now++;
	assert_int_equal(grab(f, &f->alice), 2);
	fixture_free(f);
}

/* An allocation for both families counts once, also at rest, until its last port has rested. */
static void test_quota_of_both(void **state)
{
	struct turn_config config;
	struct fixture *f;

	(void)state;
	fixture_config(&config);
	config.user_quota = 1;
	f = fixture_new(&config);
	for (int apart = 0; apart < 2; apart++) {
		from_port(f, 1);
		allocate_both(f);
		expect_success(f, &f->alice);
		if (apart) {
			begin(f, STUN_REQUEST, TURN_REFRESH);
			stun_write_u32(&f->request, STUN_ATTR_LIFETIME, 0);
			stun_write_u32(&f->request, STUN_ATTR_REQUESTED_ADDRESS_FAMILY,
				       STUN_FAMILY_IPV4 << 24);
			send_signed(f, &f->alice);
			f->now += SECOND;
		}
		refresh(f, 0);
		assert_int_equal(at_rest(f), 2);
		from_port(f, 2);
		f->now += REST - 1;
		expect_refused(f, &f->alice, 486);
		assert_int_equal(at_rest(f), apart ? 1 : 2);
		f->now++;
	}
	allocate(f);
	fixture_free(f);
}

/* A port that another program has is avoided as long, at nobody's cost; other failures take none.
 */
static void test_failed_ports(void **state)
{
	struct turn_config config = with_ports(2);
	struct fixture *f;

	(void)state;
	config.user_quota = 1;
	f = fixture_new(&config);
	f->open_failures = 1;
	f->open_error = -EMFILE;
	expect_refused(f, &f->alice, 508);
	assert_int_equal(at_rest(f), 0);
	f->open_failures = 1;
	f->open_error = -EADDRINUSE;
	allocate(f);
	assert_int_equal(at_rest(f), 1);
	expect_refused(f, (from_port(f, 2), &f->bob), 508);
	f->now += REST;
	allocate_as(f, &f->bob, STUN_FAMILY_IPV4);
	expect_success(f, &f->bob);
	fixture_free(f);
}

/* One user gets three quarters of the ports, live or at rest, and the next one three quarters of
 * what is left. */
static void test_share(void **state)
{
	const struct turn_config config = with_ports(64);
	struct fixture *f = fixture_new(&config);

	(void)state;
	assert_int_equal(grab(f, &f->alice), 48);
	expect_error(f, 486);
	assert_int_equal(turn_stats_by_reason(stats(f), TURN_REASON_PORT_SHARE), 1);
	for (uint16_t port = 101; port <= 112; port++) {
		from_port(f, port);
		allocate_as(f, &f->bob, STUN_FAMILY_IPV4);
		expect_success(f, &f->bob);
	}
	from_port(f, 113);
	expect_refused(f, &f->bob, 486);
	/* IPv6 has as many ports again; the allocations of both families count. */
	allocate_as(f, &f->bob, STUN_FAMILY_IPV6);
	expect_success(f, &f->bob);
	f->now += REST;
	assert_int_equal(grab(f, &f->alice), 39);
	fixture_free(f);
}

static void reconfigure(struct fixture *f, const struct turn_config *config)
{
	assert_int_equal(turn_server_reconfigure(f->server, config, f->now), 0);
}

static void test_rate(void **state)
{
	struct turn_config config = with_ports(64);
	struct fixture *f;

	(void)state;
	config.user_allocations = 4;
	f = fixture_new(&config);
	assert_int_equal(grab(f, &f->alice), 4);
	expect_error(f, 486);
	assert_int_equal(turn_stats_by_reason(stats(f), TURN_REASON_USER_ALLOCATIONS), 1);
	assert_int_equal(grab(f, &f->bob), 4);
	f->now += 15 * SECOND - 1;
	expect_refused(f, &f->alice, 486);
	f->now++;
	assert_int_equal(grab(f, &f->alice), 1);
	f->now += 600 * SECOND;
	assert_int_equal(grab(f, &f->alice), 4);
	config.user_allocations = 2;
	reconfigure(f, &config);
	f->now += 30 * SECOND - 1;
	expect_refused(f, &f->alice, 486);
	f->now++;
	assert_int_equal(grab(f, &f->alice), 1);
	f->now += 60 * SECOND;
	assert_int_equal(grab(f, &f->alice), 2);
	config.user_allocations = 0;
	reconfigure(f, &config);
	assert_true(grab(f, &f->alice) > 4);
	assert_int_equal(turn_stats_by_reason(stats(f), TURN_REASON_PORT_SHARE), 1);
	fixture_free(f);
}

/* A retransmission, and what is refused for any reason, costs nothing. A pair counts twice. */
static void test_free_of_charge(void **state)
{
	struct turn_config config = with_ports(64);
	struct fixture *f;

	(void)state;
	config.user_allocations = 4;
	f = fixture_new(&config);
	allocate(f);
	for (int i = 0; i < 9; i++) {
		send_plain(f);
		expect_success(f, &f->alice);
	}
	for (int i = 0; i < 9; i++)
		expect_refused(f, &f->alice, 437);
	from_port(f, 99);
	f->open_error = -EMFILE;
	f->open_failures = 9;
	for (int i = 0; i < 9; i++)
		expect_refused(f, &f->alice, 508);
	for (int i = 0; i < 9; i++) {
		begin(f, STUN_REQUEST, TURN_ALLOCATE);
		send_signed(f, &f->alice);
		expect_error(f, 400);
	}
	begin_allocate(f);
	stun_write_bytes(&f->request, STUN_ATTR_EVEN_PORT, "\x80", 1);
	send_signed(f, &f->alice);
	expect_success(f, &f->alice);
	assert_int_equal(grab(f, &f->alice), 1);
	assert_int_equal(turn_stats_by_reason(stats(f), TURN_REASON_USER_ALLOCATIONS), 1);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rest),           cmocka_unit_test(test_all_ends),
		cmocka_unit_test(test_pair),           cmocka_unit_test(test_quota),
		cmocka_unit_test(test_quota_of_both),  cmocka_unit_test(test_failed_ports),
		cmocka_unit_test(test_share),          cmocka_unit_test(test_rate),
		cmocka_unit_test(test_free_of_charge),
	};

	return cmocka_run_group_tests_name("turn ports", tests, NULL, NULL);
}
