/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which packets routes, rules and policies are about, from the kernel's messages.
 */
#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "net/selector.h"
#include "private/array_len.h"

static struct turnpike_addr addr(const char *text)
{
	const bool is_v6 = strchr(text, ':') != NULL;
	struct turnpike_addr addr = { .family = is_v6 ? TURNPIKE_IPV6 : TURNPIKE_IPV4 };

	assert_int_equal(inet_pton(is_v6 ? AF_INET6 : AF_INET, text, addr.ip), 1);
	return addr;
}

/* An address as an attribute: all bytes, or fewer in a message that is cut off. */
static void put(struct nl_msg *msg, int type, const char *text, int missing)
{
	struct turnpike_addr value;

	if (!text)
		return;
	value = addr(text);
	assert_int_equal(
		nla_put(msg, type, (value.family == TURNPIKE_IPV4 ? 4 : 16) - missing, value.ip),
		0);
}

static bool concerns(const struct selector *selector, const char *local, const char *remote)
{
	const struct turnpike_addr from = addr(local), to = addr(remote);

	return selector_concerns(selector, &from, &to);
}

static void test_routes(void **state)
{
	static const struct {
		unsigned char family, src_len, dst_len;
		const char *src, *dst;
		int missing;
		const char *local, *remote;
		bool concerns;
	} cases[] = {
		{ AF_INET, 0, 24, NULL, "10.9.8.0", 0, "10.0.0.1", "10.9.8.255", true },
		{ AF_INET, 0, 24, NULL, "10.9.8.0", 0, "10.0.0.1", "10.9.9.0", false },
		{ AF_INET, 0, 23, NULL, "10.9.8.0", 0, "10.0.0.1", "10.9.9.0", true },
		{ AF_INET, 0, 32, NULL, "10.9.8.7", 0, "10.0.0.1", "10.9.8.7", true },
		{ AF_INET, 0, 32, NULL, "10.9.8.7", 0, "10.0.0.1", "10.9.8.6", false },
		{ AF_INET, 0, 0, NULL, NULL, 0, "10.0.0.1", "10.9.8.7", true },
		{ AF_INET, 0, 0, NULL, NULL, 0, "fd00::1", "fd00::2", false },
		/* The own address: it becomes local, or ceases to be. */
		{ AF_INET, 0, 32, NULL, "10.0.0.1", 0, "10.0.0.1", "10.9.8.7", true },
		{ AF_INET6, 0, 33, NULL, "fd00:0:8000::", 0, "fd01::1", "fd00:0:8000::", true },
		{ AF_INET6, 0, 33, NULL, "fd00:0:8000::", 0, "fd01::1", "fd00:0:7fff::", false },
		{ AF_INET6, 0, 128, NULL, "fd00::2", 0, "fd01::1", "fd00::2", true },
		{ AF_INET6, 16, 0, "fd01::", NULL, 0, "fd01::1", "fd00::2", true },
		{ AF_INET6, 16, 0, "fd02::", NULL, 0, "fd01::1", "fd00::2", false },
		{ AF_INET6, 16, 16, "fd01::", "fd00::", 0, "fd01::1", "fd00::2", true },
		{ AF_INET6, 16, 16, "fd01::", "fd00::", 0, "fd01::1", "fd01::2", false },
		/* In doubt, yes: an address without its end, or longer than any. */
		{ AF_INET, 0, 24, NULL, "10.9.8.0", 1, "10.0.0.1", "10.1.1.1", true },
		{ AF_INET, 0, 24, NULL, NULL, 0, "10.0.0.1", "10.1.1.1", true },
		{ AF_INET, 0, 255, NULL, "10.9.8.7", 0, "10.0.0.1", "10.9.8.7", true },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct rtmsg info = { .rtm_family = cases[i].family,
				      .rtm_src_len = cases[i].src_len,
				      .rtm_dst_len = cases[i].dst_len };
		struct nl_msg *msg = nlmsg_alloc_simple(RTM_NEWROUTE, 0);
		struct selector selector;

		assert_int_equal(nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO), 0);
		put(msg, RTA_SRC, cases[i].src, cases[i].missing);
		put(msg, RTA_DST, cases[i].dst, cases[i].missing);
		assert_true(selector_of_route(nlmsg_hdr(msg), &selector));
		assert_int_equal(concerns(&selector, cases[i].local, cases[i].remote),
				 cases[i].concerns);
		nlmsg_free(msg);
	}
}

static void test_rules(void **state)
{
	static const struct {
		__u8 src_len, dst_len;
		__u32 flags;
		const char *src, *dst;
		bool concerns; /* 10.0.0.1 and 10.9.8.7 */
	} cases[] = {
		{ 0, 0, 0, NULL, NULL, true },
		{ 32, 0, 0, "10.0.0.1", NULL, true },
		{ 32, 0, 0, "10.0.0.2", NULL, false },
		{ 0, 16, 0, NULL, "10.9.0.0", true },
		{ 0, 16, 0, NULL, "10.8.0.0", false },
		{ 32, 16, 0, "10.0.0.1", "10.9.0.0", true },
		{ 32, 16, 0, "10.0.0.1", "10.8.0.0", false },
		/* Packets that come in. */
		{ 16, 32, 0, "10.9.0.0", "10.0.0.1", true },
		{ 16, 0, 0, "10.9.0.0", NULL, true },
		{ 32, 0, FIB_RULE_INVERT, "10.0.0.2", NULL, true },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct fib_rule_hdr info = { .family = AF_INET,
					     .src_len = cases[i].src_len,
					     .dst_len = cases[i].dst_len,
					     .flags = cases[i].flags };
		struct nl_msg *msg = nlmsg_alloc_simple(RTM_NEWRULE, 0);
		struct selector selector;

		assert_int_equal(nlmsg_append(msg, &info, sizeof(info), NLMSG_ALIGNTO), 0);
		put(msg, FRA_SRC, cases[i].src, 0);
		put(msg, FRA_DST, cases[i].dst, 0);
		assert_true(selector_of_rule(nlmsg_hdr(msg), &selector));
		assert_int_equal(concerns(&selector, "10.0.0.1", "10.9.8.7"), cases[i].concerns);
		assert_false(concerns(&selector, "fd00::1", "fd00::2"));
		nlmsg_free(msg);
	}
}

static void test_policies(void **state)
{
	struct xfrm_selector policy = { 0 };
	struct selector selector = selector_of_policy(&policy);

	(void)state;
	/* One that is deleted by its number is not described. */
	assert_true(concerns(&selector, "10.0.0.1", "10.9.8.7"));
	assert_true(concerns(&selector, "fd00::1", "fd00::2"));
	policy.family = AF_INET;
	policy.prefixlen_d = 16;
	policy.daddr.a4 = htonl(0x0a090000);
	selector = selector_of_policy(&policy);
	assert_true(concerns(&selector, "10.0.0.1", "10.9.8.7"));
	assert_true(concerns(&selector, "10.9.8.7", "10.0.0.1"));
	assert_false(concerns(&selector, "10.0.0.1", "10.8.8.7"));
	assert_false(concerns(&selector, "fd00::1", "fd00::2"));
}

/* Routes of labels and multicast are none of ours. */
static void test_other_families(void **state)
{
	struct rtmsg route = { .rtm_family = AF_MPLS, .rtm_dst_len = 20 };
	struct fib_rule_hdr rule = { .family = RTNL_FAMILY_IPMR };
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_NEWROUTE, 0);
	struct selector selector;

	(void)state;
	assert_int_equal(nlmsg_append(msg, &route, sizeof(route), NLMSG_ALIGNTO), 0);
	assert_false(selector_of_route(nlmsg_hdr(msg), &selector));
	nlmsg_free(msg);
	msg = nlmsg_alloc_simple(RTM_NEWRULE, 0);
	assert_int_equal(nlmsg_append(msg, &rule, sizeof(rule), NLMSG_ALIGNTO), 0);
	assert_false(selector_of_rule(nlmsg_hdr(msg), &selector));
	nlmsg_free(msg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_routes),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_policies),
		cmocka_unit_test(test_other_families),
	};

	return cmocka_run_group_tests_name("selector", tests, NULL, NULL);
}
