/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* RFC 8489 section 10: where clients are sent that there is no room for. */
#include <string.h>

#include "turn/request.h"
#include "turn_fixture.h"

static struct fixture *with_alternates(const char *const *alternates, size_t n)
{
	struct turnpike_addr addrs[4];
	struct turn_config config;

	fixture_config(&config);
	for (size_t i = 0; i < n; i++)
		addrs[i] = addr(alternates[i]);
	config.alternates = addrs;
	config.n_alternates = n;
	return fixture_new(&config);
}

/* What of ALTERNATE-SERVER a client at @client is told; at most @max. */
static size_t told(struct fixture *f, const char *client, struct turnpike_addr *alternates,
		   size_t max)
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
		/* It is no XOR form. */
		assert_int_equal(stun_attr_addr(&attr, &alternates[n++]), 0);
	}
	return n;
}

static int refusal(struct fixture *f, const char *client)
{
	struct turn_request request = { .server = f->server, .tuple = &f->tuple };

	f->tuple.client = addr(client);
	return turn_refuse_full(&request);
}

static void test_none(void **state)
{
	struct fixture *f = fixture_default();

	(void)state;
	assert_int_equal(refusal(f, "203.0.113.7:1"), 508);
	fixture_free(f);
}

/* The client's family comes first, and there is no 300 without it. */
static void test_families(void **state)
{
	static const char *const both[] = { "[2001:db8::99]:3479", "192.0.2.99:3478" };
	struct fixture *f = with_alternates(both, 2);
	struct turnpike_addr v6 = addr(both[0]), v4 = addr(both[1]), got[2];

	(void)state;
	assert_int_equal(refusal(f, "203.0.113.7:1"), 300);
	assert_int_equal(told(f, "203.0.113.7:1", got, 2), 2);
	assert_true(addr_equal(&got[0], &v4) && addr_equal(&got[1], &v6));
	assert_int_equal(refusal(f, "[2001:db8:7::1]:1"), 300);
	assert_int_equal(told(f, "[2001:db8:7::1]:1", got, 2), 2);
	assert_true(addr_equal(&got[0], &v6) && addr_equal(&got[1], &v4));
	fixture_free(f);
	f = with_alternates(both, 1);
	assert_int_equal(refusal(f, "203.0.113.7:1"), 508);
	assert_int_equal(refusal(f, "[2001:db8:7::1]:1"), 300);
	assert_int_equal(told(f, "[2001:db8:7::1]:1", got, 2), 1);
	assert_true(addr_equal(&got[0], &v6));
	fixture_free(f);
}

/* Each of several gets some of the clients. */
static void test_choice(void **state)
{
	static const char *const three[] = { "192.0.2.1:1", "192.0.2.2:2", "192.0.2.3:3" };
	struct fixture *f = with_alternates(three, 3);
	unsigned int seen[3] = { 0 };
	struct turnpike_addr got;

	(void)state;
	for (int i = 0; i < 200; i++) {
		assert_int_equal(told(f, "203.0.113.7:1", &got, 1), 1);
		for (size_t j = 0; j < 3; j++) {
			struct turnpike_addr candidate = addr(three[j]);

			seen[j] += addr_equal(&got, &candidate);
		}
	}
	assert_true(seen[0] > 0 && seen[1] > 0 && seen[2] > 0);
	assert_int_equal(seen[0] + seen[1] + seen[2], 200);
	assert_int_equal(turn_alternates_set(f->server, NULL, 0), 0);
	assert_int_equal(refusal(f, "203.0.113.7:1"), 508);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),
		cmocka_unit_test(test_families),
		cmocka_unit_test(test_choice),
	};

	return cmocka_run_group_tests_name("turn alternate", tests, NULL, NULL);
}
