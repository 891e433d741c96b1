/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* A server as its owner sees it: configuration and listing. */
#include <errno.h>

#include "turn/walk.h"
#include "turn_fixture.h"

static void count_one(void *arg, const struct turn_allocation_info *info)
{
	struct turnpike_addr client = addr("203.0.113.7:40000");
	int *n = arg;

	assert_true(addr_equal(&info->tuple.client, &client));
	assert_string_equal(info->username, "alice");
	assert_int_equal(info->n_relays, 1);
	assert_true(addr_equal(&info->relays[0].addr, &info->relays[0].external));
	assert_true(info->relays[0].expiry_ns == 1600 * SECOND);
	assert_int_equal(info->permissions, 2);
	assert_int_equal(info->channels, 1);
	(*n)++;
}

static void test_listing(void **state)
{
	struct fixture *f = fixture_default();
	int n = 0;

	(void)state;
	turn_server_for_each_allocation(f->server, count_one, &n);
	assert_int_equal(n, 0);
	allocate(f);
	create_permission(f, "198.51.100.1");
	channel_bind(f, 0x4000, "198.51.100.2:5");
	turn_server_for_each_allocation(f->server, count_one, &n);
	assert_int_equal(n, 1);
	fixture_free(f);
}

static void expect_invalid(const struct turn_config *config)
{
	static const struct turn_ops no_ops;
	struct turn_server *server;

	assert_int_equal(turn_server_new(config, &no_ops, NULL, &server), -EINVAL);
}

static void test_bad_config(void **state)
{
	static const char long_text[129] = { [0 ... 127] = 'x' };
	const struct turn_relay_address mixed = { addr("10.0.0.1"), addr("2001:db8::1") };
	const struct turn_relay_address none = { 0 };
	struct turn_config good, config;

	(void)state;
	fixture_config(&good);
	config = good, config.realm = NULL, expect_invalid(&config);
	config = good, config.realm = "", expect_invalid(&config);
	config = good, config.realm = long_text, expect_invalid(&config);
	config = good, config.realm = "a\tb", expect_invalid(&config);
	config = good, config.realm = "\xff", expect_invalid(&config);
	config = good, config.software = long_text, expect_invalid(&config);
	config = good, config.relays = &mixed, config.n_relays = 1, expect_invalid(&config);
	config = good, config.relays = &none, config.n_relays = 1, expect_invalid(&config);
	config = good, config.port_lo = 0, expect_invalid(&config);
	config = good, config.port_lo = 2, config.port_hi = 1, expect_invalid(&config);
	config = good, config.default_lifetime = 0, expect_invalid(&config);
	config = good, config.max_lifetime = 599, expect_invalid(&config);
	config = good, config.nonce_lifetime = 0, expect_invalid(&config);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_listing),
		cmocka_unit_test(test_bad_config),
	};

	return cmocka_run_group_tests_name("turn server", tests, NULL, NULL);
}
