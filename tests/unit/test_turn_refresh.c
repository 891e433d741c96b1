/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Refresh: RFC 8656 section 8.2. */
#include <string.h>

#include "turn_fixture.h"

static void test_expiry(void **state)
{
	struct fixture *f = fixture_default();
	uint64_t start = f->now;

	(void)state;
	assert_int_equal(turn_server_next_expiry(f->server), TURN_NEVER);
	allocate(f);
	assert_true(turn_server_next_expiry(f->server) == start + 600 * SECOND);
	clear(f);
	expire_at(f, start + 600 * SECOND - 1);
	expect_events(f, 0);
	expire_at(f, start + 600 * SECOND);
	expect_events(f, CLOSE_RELAY, 0);
	assert_int_equal(stats(f)->allocations, 0);
	/* Even if timers are late, a request finds no expired allocation. */
	allocate(f);
	f->now += 600 * SECOND;
	refresh(f, 600);
	expect_error(f, 437);
	assert_int_equal(event(f, 0)->kind, CLOSE_RELAY);
	fixture_free(f);
}

static void test_refresh(void **state)
{
	struct fixture *f = fixture_default();
	uint64_t start = f->now;

	(void)state;
	allocate(f);
	refresh(f, 1200);
	expect_success(f, &f->alice);
	expect_events(f, SEND_CLIENT, 0);
	assert_int_equal(response_u32(f, STUN_ATTR_LIFETIME), 1200);
	assert_true(turn_server_next_expiry(f->server) == start + 1200 * SECOND);
	refresh(f, 1);
	assert_int_equal(response_u32(f, STUN_ATTR_LIFETIME), 600);
	begin(f, STUN_REQUEST, TURN_REFRESH);
	send_signed(f, &f->alice);
	assert_int_equal(response_u32(f, STUN_ATTR_LIFETIME), 600);
	refresh(f, 100000);
	assert_int_equal(response_u32(f, STUN_ATTR_LIFETIME), 3600);
	assert_true(turn_server_next_expiry(f->server) == start + 3600 * SECOND);
	refresh(f, 0);
	expect_success(f, &f->alice);
	expect_events(f, CLOSE_RELAY, SEND_CLIENT, 0);
	assert_int_equal(response_u32(f, STUN_ATTR_LIFETIME), 0);
	refresh(f, 0);
	expect_error(f, 437);
	fixture_free(f);
}

/** RFC 8489 section 6.3.1: answered alike for 40 s, without touching newer allocations. */
static void test_refresh_retransmission(void **state)
{
	struct fixture *f = fixture_default();

	(void)state;
	allocate(f);
	refresh(f, 1200);
	f->now += SECOND;
	send_plain(f);
	expect_success(f, &f->alice);
	assert_int_equal(response_u32(f, STUN_ATTR_LIFETIME), 1200);
	refresh(f, 0);
	expect_success(f, &f->alice);
	f->now += 40 * SECOND - 1;
	send_plain(f);
	expect_success(f, &f->alice);
	expect_events(f, SEND_CLIENT, 0);
	assert_int_equal(response_u32(f, STUN_ATTR_LIFETIME), 0);
	f->now++;
	send_plain(f);
	expect_error(f, 437);
	allocate(f);
	refresh(f, 0);
	/* From another 5-tuple it is no retransmission. */
	from_port(f, 9);
	send_plain(f);
	expect_error(f, 438);
	fixture_free(f);
}

/** The same after a new allocation, and for one family of two. */
static void test_late_retransmission(void **state)
{
	struct fixture *f = fixture_default();
	struct stun_writer late;
	uint8_t buf[sizeof(f->request_buf)];

	(void)state;
	allocate(f);
	refresh(f, 0);
	memcpy(buf, f->request_buf, sizeof(buf));
	late = f->request;
	allocate(f);
	memcpy(f->request_buf, buf, sizeof(buf));
	f->request = late;
	send_plain(f);
	expect_success(f, &f->alice);
	assert_int_equal(stats(f)->allocations, 1);
	refresh(f, 0);
	allocate_both(f);
	begin(f, STUN_REQUEST, TURN_REFRESH);
	stun_write_u32(&f->request, STUN_ATTR_REQUESTED_ADDRESS_FAMILY, STUN_FAMILY_IPV4 << 24);
	stun_write_u32(&f->request, STUN_ATTR_LIFETIME, 0);
	send_signed(f, &f->alice);
	expect_success(f, &f->alice);
	send_plain(f);
	expect_success(f, &f->alice);
	assert_int_equal(stats(f)->relays, 1);
	fixture_free(f);
}

static void refresh_family(struct fixture *f, const char *value, size_t len)
{
	begin(f, STUN_REQUEST, TURN_REFRESH);
	stun_write_bytes(&f->request, STUN_ATTR_REQUESTED_ADDRESS_FAMILY, value, len);
	stun_write_u32(&f->request, STUN_ATTR_LIFETIME, 0);
	send_signed(f, &f->alice);
}

static void test_refresh_errors(void **state)
{
	struct fixture *f = fixture_default();

	(void)state;
	allocate(f);
	refresh_family(f, "\x02\0\0\0", 4);
	expect_error(f, 443);
	refresh_family(f, "\x01\0\0", 3);
	expect_error(f, 400);
	begin(f, STUN_REQUEST, TURN_REFRESH);
	stun_write_bytes(&f->request, STUN_ATTR_LIFETIME, "", 0);
	send_signed(f, &f->alice);
	expect_error(f, 400);
	assert_int_equal(stats(f)->allocations, 1);
	refresh_family(f, "\x01\xff\xff\xff", 4);
	expect_success(f, &f->alice);
	assert_int_equal(stats(f)->allocations, 0);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_expiry),
		cmocka_unit_test(test_refresh),
		cmocka_unit_test(test_refresh_retransmission),
		cmocka_unit_test(test_late_retransmission),
		cmocka_unit_test(test_refresh_errors),
	};

	return cmocka_run_group_tests_name("turn refresh", tests, NULL, NULL);
}
