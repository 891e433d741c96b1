/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* RFC 8489 section 10: redirection to other servers. */
#include <string.h>

#include "turn/methods/alternate.h"
#include "turn_fixture.h"

/* Stores up to @max ALTERNATE-SERVER addresses that a client at @client gets; returns how many. */
static size_t alternates_for(struct fixture *f, const char *client,
			     struct turnpike_addr *alternates, size_t max)
{
	static const uint8_t transaction[STUN_TRANSACTION_LEN];
	struct turn_request request = { .server = f->server, .tuple = &f->tuple };
	struct stun_attr attr = { 0 };
	struct stun_writer writer;
	struct stun_message msg;
	uint8_t buf[256];
	size_t len, n = 0;

	f->tuple.client = addr(client);
	stun_writer_begin(&writer, buf, sizeof(buf), STUN_ERROR, TURN_ALLOCATE, transaction);
	turn_write_alternates(&request, &writer);
	assert_int_equal(stun_writer_end(&writer, &len), 0);
	assert_int_equal(stun_parse(buf, len, &msg), 0);
	while (stun_next_attr(&msg, &attr)) {
		assert_int_equal(attr.type, STUN_ATTR_ALTERNATE_SERVER);
		assert_true(n < max);
		/* The plain form, not the XOR form. */
		assert_int_equal(stun_attr_addr(&attr, &alternates[n++]), 0);
	}
	return n;
}

static bool has_alternate(struct fixture *f, const char *client)
{
	struct turn_request request = { .server = f->server, .tuple = &f->tuple };

	f->tuple.client = addr(client);
	return turn_has_alternate(&request);
}

static void test_none(void **state)
{
	struct fixture *f = fixture_default();

	(void)state;
	assert_false(has_alternate(f, "203.0.113.7:1"));
	fixture_free(f);
}

/* The client's family comes first; without an alternate of that family there is no 300. */
static void test_families(void **state)
{
	static const char *const both[] = { "[2001:db8::99]:3479", "192.0.2.99:3478" };
	struct fixture *f = fixture_with_alternates(both, 2);
	struct turnpike_addr v6 = addr(both[0]), v4 = addr(both[1]), got[2];

	(void)state;
	assert_true(has_alternate(f, "203.0.113.7:1"));
	assert_int_equal(alternates_for(f, "203.0.113.7:1", got, 2), 2);
	assert_true(addr_equal(&got[0], &v4) && addr_equal(&got[1], &v6));
	assert_true(has_alternate(f, "[2001:db8:7::1]:1"));
	assert_int_equal(alternates_for(f, "[2001:db8:7::1]:1", got, 2), 2);
	assert_true(addr_equal(&got[0], &v6) && addr_equal(&got[1], &v4));
	fixture_free(f);
	f = fixture_with_alternates(both, 1);
	assert_false(has_alternate(f, "203.0.113.7:1"));
	assert_true(has_alternate(f, "[2001:db8:7::1]:1"));
	assert_int_equal(alternates_for(f, "[2001:db8:7::1]:1", got, 2), 1);
	assert_true(addr_equal(&got[0], &v6));
	fixture_free(f);
}

/* Clients are spread over several alternates. */
static void test_choice(void **state)
{
	static const char *const three[] = { "192.0.2.1:1", "192.0.2.2:2", "192.0.2.3:3" };
	struct fixture *f = fixture_with_alternates(three, 3);
	unsigned int seen[3] = { 0 };
	struct turnpike_addr got;

	(void)state;
	for (int i = 0; i < 200; i++) {
		assert_int_equal(alternates_for(f, "203.0.113.7:1", &got, 1), 1);
		for (size_t j = 0; j < 3; j++) {
			struct turnpike_addr candidate = addr(three[j]);

			seen[j] += addr_equal(&got, &candidate);
		}
	}
	assert_true(seen[0] > 0 && seen[1] > 0 && seen[2] > 0);
	assert_int_equal(seen[0] + seen[1] + seen[2], 200);
	assert_int_equal(turn_alternates_set(f->server, NULL, 0), 0);
	assert_false(has_alternate(f, "203.0.113.7:1"));
	fixture_free(f);
}

/* A draining server redirects authenticated clients, in a response with integrity. */
static void test_draining(void **state)
{
	static const char *const one[] = { "192.0.2.99:3478" };
	struct fixture *f = fixture_with_alternates(one, 1);
	struct turnpike_addr expected = addr(one[0]), got;
	struct turn_config config;
	struct stun_message msg;
	struct stun_attr attr;

	(void)state;
	allocate(f);
	turn_server_drain(f->server, true);
	f->tuple.client = addr("203.0.113.7:2");
	f->nonce_len = 0;
	begin(f, STUN_REQUEST, TURN_ALLOCATE);
	send_plain(f);
	expect_error(f, 401);
	allocate_as(f, &f->alice, STUN_FAMILY_IPV4);
	expect_error(f, 300);
	msg = response(f);
	assert_int_equal(stun_check_integrity(&msg, f->alice.hmac), 0);
	assert_int_equal(stun_find_attr(&msg, STUN_ATTR_ALTERNATE_SERVER, &attr), 0);
	assert_int_equal(stun_attr_addr(&attr, &got), 0);
	assert_true(addr_equal(&got, &expected));
	/* There is no alternate for IPv6. */
	f->tuple.client = addr("[2001:db8:7::1]:2");
	f->nonce_len = 0;
	allocate_as(f, &f->alice, STUN_FAMILY_IPV4);
	expect_error(f, 508);
	/* A reload has removed the alternates. */
	fixture_config(&config);
	assert_int_equal(turn_server_reconfigure(f->server, &config, f->now), 0);
	f->tuple.client = addr("203.0.113.7:2");
	f->nonce_len = 0;
	allocate_as(f, &f->alice, STUN_FAMILY_IPV4);
	expect_error(f, 508);
	fixture_free(f);
}

/* A full server redirects, too (RFC 8656 section 7.2, 11th check), but not for its reservations. */
static void test_full(void **state)
{
	const struct turnpike_addr alternate = addr("192.0.2.99:3478");
	struct turn_config config;
	struct fixture *f;

	(void)state;
	fixture_config(&config);
	config.alternates = &alternate;
	config.n_alternates = 1;
	config.max_relays = 1;
	f = fixture_new(&config);
	allocate(f);
	f->tuple.client = addr("203.0.113.7:2");
	f->nonce_len = 0;
	allocate_as(f, &f->alice, STUN_FAMILY_IPV4);
	expect_error(f, 300);
	begin(f, STUN_REQUEST, TURN_ALLOCATE);
	stun_write_u32(&f->request, STUN_ATTR_REQUESTED_TRANSPORT, TURN_TRANSPORT_UDP << 24);
	stun_write_bytes(&f->request, STUN_ATTR_RESERVATION_TOKEN, "12345678", 8);
	send_signed(f, &f->alice);
	expect_error(f, 508);
	assert_int_equal(stats(f)->allocations, 1);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),   cmocka_unit_test(test_families),
		cmocka_unit_test(test_choice), cmocka_unit_test(test_draining),
		cmocka_unit_test(test_full),
	};

	return cmocka_run_group_tests_name("turn alternate", tests, NULL, NULL);
}
