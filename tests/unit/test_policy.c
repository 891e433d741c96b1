/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "private/array_len.h"
#include "turn/state/policy.h"

static struct turnpike_addr addr(const char *text)
{
	struct turnpike_addr result;

	assert_int_equal(addr_parse(text, &result), 0);
	return result;
}

static struct addr_cidr cidr(const char *text)
{
	struct addr_cidr result;

	assert_int_equal(addr_cidr_parse(text, &result), 0);
	return result;
}

static bool allows(const struct turn_config *config, const char *peer)
{
	struct turnpike_addr address = addr(peer);
	struct turn_policy *policy;
	bool result;

	assert_int_equal(turn_policy_new(config, &policy), 0);
	result = turn_policy_allows(policy, &address);
	turn_policy_free(policy);
	return result;
}

static void test_defaults(void **state)
{
	/* First and last address of each range, and their neighbours outside. */
	static const struct {
		const char *peer;
		bool allowed;
	} rows[] = {
		{ "0.0.0.0", false },
		{ "0.255.255.255", false },
		{ "1.0.0.0", true },
		{ "126.255.255.255", true },
		{ "127.0.0.0", false },
		{ "127.0.0.1:3478", false },
		{ "127.255.255.255", false },
		{ "128.0.0.0", true },
		{ "169.253.255.255", true },
		{ "169.254.0.0", false },
		{ "169.254.169.254:80", false },
		{ "169.255.0.0", true },
		{ "192.88.98.255", true },
		{ "192.88.99.1", false },
		{ "192.88.100.0", true },
		{ "223.255.255.255", true },
		{ "224.0.0.0", false },
		{ "239.255.255.255", false },
		{ "240.0.0.0", false },
		{ "255.255.255.255", false },
		{ "9.255.255.255", true },
		{ "10.0.0.0", false },
		{ "10.255.255.255", false },
		{ "11.0.0.0", true },
		{ "100.63.255.255", true },
		{ "100.64.0.0", false },
		{ "100.127.255.255", false },
		{ "100.128.0.0", true },
		{ "168.63.129.15", true },
		{ "168.63.129.16", false },
		{ "168.63.129.17", true },
		{ "172.15.255.255", true },
		{ "172.16.0.0", false },
		{ "172.31.255.255", false },
		{ "172.32.0.0", true },
		{ "191.255.255.255", true },
		{ "192.0.0.0", false },
		{ "192.0.0.9", true },
		{ "192.0.0.10", true },
		{ "192.0.0.11", false },
		{ "192.0.0.192", false },
		{ "192.0.0.255", false },
		{ "192.0.1.0", true },
		{ "192.0.2.1", false },
		{ "192.0.3.0", true },
		{ "192.31.196.1", true },
		{ "192.167.255.255", true },
		{ "192.168.0.0", false },
		{ "192.168.255.255", false },
		{ "192.169.0.0", true },
		{ "198.17.255.255", true },
		{ "198.18.0.0", false },
		{ "198.19.255.255", false },
		{ "198.20.0.0", true },
		{ "198.51.100.1", false },
		{ "203.0.113.1", false },
		{ "::", false },
		{ "::1", false },
		{ "::2", false },
		{ "fe7f::", true },
		{ "fe80::1", false },
		{ "febf::1", false },
		{ "fbff:ffff::", true },
		{ "fc00::", false },
		{ "fdff:ffff::1", false },
		{ "fe00::", true },
		{ "fec0::", false },
		{ "feff:ffff::", false },
		{ "ff00::", false },
		{ "ff02::1", false },
		{ "2001::1", false },
		{ "2001:0:ffff::1", false },
		{ "2001:1::", false },
		{ "2001:1::1", true },
		{ "2001:1::3", true },
		{ "2001:1::4", false },
		{ "2001:2::1", false },
		{ "2001:3::1", true },
		{ "2001:4:112::1", true },
		{ "2001:4:113::1", false },
		{ "2001:10::1", false },
		{ "2001:20::1", true },
		{ "2001:3f:ffff::1", true },
		{ "2001:40::", false },
		{ "2001:1ff:ffff::", false },
		{ "2001:200::", true },
		{ "100::", false },
		{ "100::ffff:ffff:ffff:ffff", false },
		{ "100:0:0:1::", false },
		{ "100:0:0:2::", true },
		{ "3ffe:ffff::", true },
		{ "3fff::", false },
		{ "3fff:fff:ffff::", false },
		{ "3fff:1000::", true },
		{ "5f00::", false },
		{ "5f01::", true },
		{ "2002::", false },
		{ "2002:ffff::1", false },
		{ "2003::1", true },
		{ "2001:db7::5", true },
		{ "2001:db8::5", false },
		{ "2001:db9::5", true },
		/* forms of IPv4 addresses */
		{ "::0.0.0.2", false },
		{ "::255.255.255.255", false },
		{ "::1:0:0", true },
		{ "::fffe:ffff:ffff", true },
		{ "::ffff:0.0.0.0", false },
		{ "::ffff:198.51.100.1", false },
		{ "::ffff:255.255.255.255", false },
		{ "::1:0:0:0", true },
		{ "::fffe:ffff:ffff:ffff", true },
		{ "::ffff:0:0.0.0.0", false },
		{ "::ffff:0:255.255.255.255", false },
		{ "::ffff:1:0:0", true },
		{ "64:ff9a:ffff:ffff:ffff:ffff:ffff:ffff", true },
		{ "64:ff9b::0.0.0.0", false },
		{ "64:ff9b::198.51.100.1", false },
		{ "64:ff9b::255.255.255.255", false },
		{ "64:ff9b::1:0:0", true },
		{ "64:ff9b:0:ffff:ffff:ffff:ffff:ffff", true },
		{ "64:ff9b:1::", false },
		{ "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", false },
		{ "64:ff9b:2::", true },
	};
	struct turn_config config = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (allows(&config, rows[i].peer) != rows[i].allowed)
			fail_msg("%s", rows[i].peer);
	}
}

static void test_own_addresses(void **state)
{
	const struct turn_relay_address relays[] = {
		{ addr("10.0.0.5"), addr("198.51.100.9:77") },
		{ addr("2001:db8::5"), { .family = 0 } },
	};
	const struct turnpike_addr own[] = { addr("[2001:db8::6]:3478"), addr("198.51.100.7:3478"),
					     addr("10.0.0.5:3478") };
	const struct turn_config config = {
		.relays = relays, .n_relays = 2, .self_addrs = own, .n_self_addrs = 3
	};

	(void)state;
	/* Relays are peers by their external address, even if it is a listener, too. */
	assert_false(allows(&config, "10.0.0.5:50000"));
	assert_true(allows(&config, "198.51.100.9:50000"));
	assert_true(allows(&config, "[2001:db8::5]:1"));
	assert_false(allows(&config, "::ffff:198.51.100.9"));
	assert_false(allows(&config, "::ffff:10.0.0.5"));
	assert_false(allows(&config, "[2001:db8::6]:1"));
	assert_false(allows(&config, "198.51.100.7"));
	assert_false(allows(&config, "::ffff:198.51.100.7"));
	assert_true(allows(&config, "198.51.100.8"));
	assert_true(allows(&config, "2001:db8::7"));
}

static void test_lists(void **state)
{
	const struct addr_cidr allow[] = { cidr("127.0.0.1/32"), cidr("10.1.0.0/16"), cidr("::1") };
	const struct addr_cidr deny[] = { cidr("10.0.0.0/8"), cidr("2001:db8::/32") };
	const struct turn_config config = {
		.allow = allow,
		.n_allow = 3,
		.deny = deny,
		.n_deny = 2,
	};

	(void)state;
	assert_true(allows(&config, "127.0.0.1"));
	assert_true(allows(&config, "::1"));
	assert_false(allows(&config, "127.0.0.2"));
	assert_true(allows(&config, "10.1.2.3"));
	assert_false(allows(&config, "10.2.2.3"));
	assert_false(allows(&config, "2001:db8:1::1"));
}

/** A wide prefix does not permit what is refused for a reason that it does not name. */
static void test_wide_prefixes(void **state)
{
	const struct addr_cidr wide[] = { cidr("0.0.0.0/0"), cidr("::/0") };
	const struct addr_cidr named[] = { cidr("127.0.0.0/8"), cidr("169.254.169.0/24"),
					   cidr("2002::/16") };
	const struct turn_config all = { .allow = wide, .n_allow = 2 },
				 some = { .allow = named, .n_allow = 3 };

	(void)state;
	assert_true(allows(&all, "8.8.8.8"));
	assert_true(allows(&all, "2003::1"));
	assert_false(allows(&all, "10.1.2.3"));
	assert_false(allows(&all, "fd00::1"));
	assert_false(allows(&all, "127.0.0.1"));
	assert_false(allows(&all, "169.254.169.254"));
	assert_false(allows(&all, "::1"));
	assert_false(allows(&all, "2002::1"));
	assert_true(allows(&some, "127.0.0.1"));
	assert_true(allows(&some, "169.254.169.1"));
	assert_false(allows(&some, "169.254.1.1"));
	assert_true(allows(&some, "2002::1"));
}

static const char *const private_peers[] = { "10.1.2.3",     "172.20.1.1", "192.168.1.1",
					     "100.64.1.1",   "198.18.0.1", "192.0.2.1",
					     "fd12:3456::1", "fc00::1",    "2001:db8::1" };

static const char *const services[] = {
	"169.254.169.254",   "169.254.170.2",   "169.254.42.42",      "100.100.100.200",
	"100.96.0.96",       "168.63.129.16",   "192.0.0.192",        "fd00:ec2::254",
	"fd00:ec2::23",      "fd20:ce::254",    "fd00:c1::a9fe:a9fe", "fd00:42::42",
	"fd00:a9fe:a9fe::1", "fe80::a9fe:a9fe",
};

static void assert_private(const struct turn_config *config, bool wanted)
{
	for (size_t i = 0; i < ARRAY_LEN(private_peers); i++) {
		if (allows(config, private_peers[i]) != wanted)
			fail_msg("%s", private_peers[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(services); i++) {
		if (allows(config, services[i]))
			fail_msg("%s", services[i]);
	}
	assert_true(allows(config, "8.8.8.8"));
	assert_true(allows(config, "2003::1"));
	assert_false(allows(config, "127.0.0.1"));
	assert_false(allows(config, "240.0.0.1"));
	assert_false(allows(config, "fe80::1"));
	assert_false(allows(config, "fec0::1"));
}

/** Peers in private networks are those of a relay that is in private networks only. */
static void test_private(void **state)
{
	const struct turn_relay_address relays[] = {
		{ .addr = addr("10.0.0.5") },
		{ .addr = addr("fd00::5") },
		{ .addr = addr("10.0.0.6"), .external = addr("9.9.9.9") },
		{ .addr = addr("2003::5") },
		{ .addr = addr("9.9.9.9"), .external = addr("10.0.0.7") },
	};
	static const struct {
		size_t first, n;
		bool permitted;
	} rows[] = {
		{ 0, 0, false }, { 0, 1, true },  { 0, 2, true },  { 1, 1, true }, { 2, 1, false },
		{ 0, 3, false }, { 1, 2, false }, { 3, 1, false }, { 4, 1, true }, { 0, 5, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct turn_config config = { .relays = relays + rows[i].first,
					      .n_relays = rows[i].n };

		assert_private(&config, rows[i].permitted);
		config.private_peers = TURN_PRIVATE_ALLOWED;
		assert_private(&config, true);
		config.private_peers = TURN_PRIVATE_DENIED;
		assert_private(&config, false);
	}
}

/** Relay addresses come and go: without any, nothing changes; after a public one, the refusal
 * stays. */
static void test_private_follows(void **state)
{
	static const struct {
		const char *relays[2];
		bool permitted;
	} steps[] = {
		{ { NULL }, false },
		{ { "10.0.0.1" }, true },
		{ { NULL }, true },
		{ { "fd00::1" }, true },
		{ { "fd00::1", "2001:4860::1" }, false },
		{ { "fd00::1" }, false },
		{ { NULL }, false },
	};
	const struct turnpike_addr peer = addr("192.168.1.1");
	struct turn_policy *before = NULL;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(steps); i++) {
		struct turn_relay_address relays[2] = { 0 };
		struct turn_config config;
		struct turn_policy *policy;

		turn_config_init(&config);
		config.relays = relays;
		while (config.n_relays < 2 && steps[i].relays[config.n_relays]) {
			relays[config.n_relays].addr = addr(steps[i].relays[config.n_relays]);
			config.n_relays++;
		}
		assert_int_equal(turn_policy_new(&config, &policy), 0);
		if (before)
			turn_policy_follow(policy, before);
		if (turn_policy_allows(policy, &peer) != steps[i].permitted)
			fail_msg("step %zu", i);
		turn_policy_free(before);
		before = policy;
	}
	turn_policy_free(before);
}

/** Where private peers are denied, prefixes permit what they name; denied ones stay denied. */
static void test_some_private(void **state)
{
	const struct turn_relay_address relay = { .addr = addr("9.9.9.9") };
	const struct addr_cidr allow[] = { cidr("10.1.0.0/16"), cidr("fd00::/8"),
					   cidr("172.0.0.0/8") };
	const struct addr_cidr deny = cidr("192.168.1.0/24");
	struct turn_config config = {
		.relays = &relay,
		.n_relays = 1,
		.allow = allow,
		.n_allow = ARRAY_LEN(allow),
		.deny = &deny,
		.n_deny = 1,
	};

	(void)state;
	assert_true(allows(&config, "10.1.2.3"));
	assert_false(allows(&config, "10.2.2.3"));
	assert_true(allows(&config, "fd00::1"));
	assert_false(allows(&config, "fd00:ec2::254"));
	assert_false(allows(&config, "fc00::1"));
	assert_false(allows(&config, "172.16.0.1"));
	config.private_peers = TURN_PRIVATE_ALLOWED;
	assert_true(allows(&config, "192.168.2.1"));
	assert_false(allows(&config, "192.168.1.1"));
}

/** A metadata service is permitted by its own address only. */
static void test_services(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(services); i++) {
		struct addr_cidr allow = cidr(services[i]);
		struct turn_config config = { .allow = &allow, .n_allow = 1 };

		assert_true(allows(&config, services[i]));
		config.private_peers = TURN_PRIVATE_ALLOWED;
		assert_true(allows(&config, services[i]));
		for (allow.prefix--; allow.prefix > 0; allow.prefix--) {
			assert_false(allows(&config, services[i]));
		}
	}
}

/** Addresses of this host are permitted one by one. */
static void test_allowed_own_addresses(void **state)
{
	const struct turn_relay_address relay = { addr("10.0.0.5"), addr("198.51.100.9") };
	const struct turnpike_addr own[] = { addr("10.0.0.6"), addr("127.0.0.1"), addr("fe80::6"),
					     addr("2001:db8::6"), addr("10.0.0.7") };
	const struct addr_cidr wide[] = { cidr("10.0.0.0/8"),      cidr("10.0.0.4/30"),
					  cidr("198.51.100.0/24"), cidr("fe80::/10"),
					  cidr("2001:db8::/32"),   cidr("127.0.0.0/8") };
	const struct addr_cidr nets[] = { cidr("10.2.0.0/16"), cidr("10.0.0.255/32"),
					  cidr("127.0.0.0/8") };
	const struct addr_cidr exact[] = { cidr("10.0.0.6"), cidr("2001:db8::6/128") };
	struct turn_config config = {
		.relays = &relay,
		.n_relays = 1,
		.self_addrs = own,
		.n_self_addrs = 5,
		.allow = wide,
		.n_allow = ARRAY_LEN(wide),
	};

	(void)state;
	assert_false(allows(&config, "10.0.0.5"));
	assert_false(allows(&config, "10.0.0.6"));
	assert_false(allows(&config, "10.0.0.7:53"));
	assert_true(allows(&config, "10.0.0.8"));
	assert_false(allows(&config, "fe80::6"));
	assert_true(allows(&config, "fe80::7"));
	assert_false(allows(&config, "2001:db8::6"));
	assert_true(allows(&config, "127.0.0.1"));
	config.self_nets = nets;
	config.n_self_nets = ARRAY_LEN(nets);
	assert_false(allows(&config, "10.2.3.4"));
	assert_false(allows(&config, "10.0.0.255"));
	assert_true(allows(&config, "10.3.3.4"));
	config.allow = exact;
	config.n_allow = ARRAY_LEN(exact);
	assert_true(allows(&config, "10.0.0.6"));
	assert_false(allows(&config, "10.0.0.7"));
	assert_true(allows(&config, "2001:db8::6"));
}

/** No list permits another form of an IPv4 address. */
static void test_embedding_peers(void **state)
{
	const struct addr_cidr allow[] = { cidr("0.0.0.0/0"), cidr("::/0"), cidr("::ffff:0:0/96"),
					   cidr("64:ff9b::192.0.2.1"), cidr("2001:db8:64::/96") };
	const struct addr_cidr translated[] = { cidr("2001:db8:64::/96"),
						cidr("2001:db8:100::/40") };
	const struct turn_config config = {
		.allow = allow,
		.n_allow = ARRAY_LEN(allow),
		.translated = translated,
		.n_translated = 2,
		.private_peers = TURN_PRIVATE_ALLOWED,
	};

	(void)state;
	assert_true(allows(&config, "192.0.2.1"));
	assert_false(allows(&config, "::192.0.2.1"));
	assert_false(allows(&config, "::ffff:192.0.2.1"));
	assert_false(allows(&config, "::ffff:0:192.0.2.1"));
	assert_false(allows(&config, "64:ff9b::192.0.2.1"));
	assert_false(allows(&config, "2001:db8:64::192.0.2.1"));
	assert_true(allows(&config, "2001:db8:64::1:0:0"));
	assert_false(allows(&config, "2001:db8:1c0:2:2100::"));
	assert_true(allows(&config, "2001:db8:200::"));
}

/** The deny list applies to relay addresses, the built-in table does not. */
static void test_relays(void **state)
{
	const struct turn_relay_address relays[] = {
		{ .addr = addr("10.0.0.5"), .external = addr("198.51.100.9") },
		{ .addr = addr("127.0.0.1") },
		{ .addr = addr("192.0.2.1") },
	};
	const struct addr_cidr deny[] = { cidr("10.0.0.0/8"), cidr("192.0.2.1") };
	const struct turn_config config = {
		.relays = relays, .n_relays = 3, .deny = deny, .n_deny = 2
	};

	(void)state;
	assert_true(allows(&config, "198.51.100.9"));
	assert_false(allows(&config, "10.0.0.5"));
	assert_true(allows(&config, "127.0.0.1"));
	assert_false(allows(&config, "127.0.0.2"));
	assert_false(allows(&config, "192.0.2.1"));
}

static void test_exempts(void **state)
{
	const struct addr_cidr allow = cidr("10.1.0.0/16");
	const struct turn_config config = { .allow = &allow, .n_allow = 1 };
	const struct turnpike_addr inside = addr("10.1.2.3"), outside = addr("10.2.2.3");
	struct turn_policy *policy;

	(void)state;
	assert_int_equal(turn_policy_new(&config, &policy), 0);
	assert_true(turn_policy_exempts(policy, &inside));
	assert_false(turn_policy_exempts(policy, &outside));
	turn_policy_free(policy);
}

static void test_tunnels(void **state)
{
	const struct addr_cidr allow = cidr("2001::/32");
	const struct turn_config config = { .allow = &allow, .n_allow = 1 };
	const struct turnpike_addr teredo = addr("2001::1"), six_to_four = addr("2002:c000:201::1"),
				   native = addr("2001:db8::1"), loopback = addr("::1"),
				   relay = addr("192.88.99.1");
	struct turn_policy *policy;

	(void)state;
	assert_int_equal(turn_policy_new(&config, &policy), 0);
	assert_true(turn_policy_allows(policy, &teredo));
	assert_true(turn_policy_is_tunnel(&teredo));
	assert_true(turn_policy_is_tunnel(&six_to_four));
	assert_true(turn_policy_is_tunnel(&relay));
	assert_false(turn_policy_is_tunnel(&native));
	assert_false(turn_policy_is_tunnel(&loopback));
	turn_policy_free(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_own_addresses),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_wide_prefixes),
		cmocka_unit_test(test_private),
		cmocka_unit_test(test_private_follows),
		cmocka_unit_test(test_some_private),
		cmocka_unit_test(test_services),
		cmocka_unit_test(test_allowed_own_addresses),
		cmocka_unit_test(test_embedding_peers),
		cmocka_unit_test(test_relays),
		cmocka_unit_test(test_exempts),
		cmocka_unit_test(test_tunnels),
	};

	return cmocka_run_group_tests_name("policy", tests, NULL, NULL);
}
