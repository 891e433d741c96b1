/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/addr.h"
#include "private/array_len.h"

static void test_parse_v4(void **state)
{
	static const uint8_t ip[16] = { 192, 0, 2, 1 };
	struct turnpike_addr addr;

	(void)state;
	memset(&addr, 0xff, sizeof(addr));
	assert_int_equal(addr_parse("192.0.2.1:3478", &addr), 0);
	assert_memory_equal(addr.ip, ip, 16);
	assert_int_equal(ntohs(addr.port), 3478);
	assert_int_equal(addr.family, TURNPIKE_IPV4);
	assert_int_equal(addr.pad, 0);
	assert_int_equal(addr_parse("192.0.2.1", &addr), 0);
	assert_int_equal(addr.port, 0);
}

static void test_parse_v6(void **state)
{
	static const uint8_t ip[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 };
	static const char *const texts[] = { "2001:db8::1", "[2001:db8::1]",
					     "[2001:db8::1]:65535" };
	struct turnpike_addr addr;

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(addr_parse(texts[i], &addr), 0);
		assert_memory_equal(addr.ip, ip, 16);
		assert_int_equal(ntohs(addr.port), i == 2 ? 65535 : 0);
		assert_int_equal(addr.family, TURNPIKE_IPV6);
	}
}

static void test_parse_rejects(void **state)
{
	static const char *const texts[] = {
		"",
		"1.2.3",
		"1.2.3.4:",
		"1.2.3.4:65536",
		"1.2.3.4:+1",
		"1.2.3.4: 1",
		"1.2.3.4:1x",
		"1.2.3.4:1:2",
		"[1.2.3.4]:1",
		"[::1",
		"[::1]1",
		"[::1]:",
		"::1]",
		"fe80::1%lo",
		"example.org",
		"256.1.1.1:1",
		"1.2.3.4:999999",
		"[]:1",
		" 1.2.3.4",
		":1",
		"[::1]:1x",
		"1.2.3.4/8",
		"::ffff:1.2.3",
		"1234567890.1.1.1",
		"[[::1]]:1",
	};
	struct turnpike_addr addr, before;

	(void)state;
	memset(&before, 0x5a, sizeof(before));
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		addr = before;
		assert_int_equal(addr_parse(texts[i], &addr), -EINVAL);
		assert_memory_equal(&addr, &before, sizeof(addr));
	}
}

static void test_format_round_trip(void **state)
{
	static const char *const texts[] = {
		"192.0.2.1",
		"192.0.2.1:3478",
		"2001:db8::1",
		"[2001:db8::1]:3478",
		"[::ffff:255.255.255.255]:65535",
		"[1111:2222:3333:4444:5555:6666:7777:8888]:65535",
	};
	struct turnpike_addr addr;
	char text[ADDR_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(addr_parse(texts[i], &addr), 0);
		assert_string_equal(addr_format(&addr, text), texts[i]);
	}
	addr = (struct turnpike_addr){ 0 };
	assert_string_equal(addr_format(&addr, text), "-");
}

static void test_sockaddr(void **state)
{
	static const char *const texts[] = { "192.0.2.1:3478", "[2001:db8::1]:3478" };
	struct turnpike_addr addr, back;
	struct sockaddr_storage sa;
	struct sockaddr_in in;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(addr_parse(texts[i], &addr), 0);
		assert_int_equal(addr_to_sockaddr(&addr, &sa),
				 i == 0 ? sizeof(struct sockaddr_in) : sizeof(struct sockaddr_in6));
		assert_int_equal(addr_from_sockaddr(&sa, &back), 0);
		assert_true(addr_equal(&addr, &back));
	}
	assert_int_equal(addr_parse(texts[0], &addr), 0);
	addr_to_sockaddr(&addr, &sa);
	memcpy(&in, &sa, sizeof(in));
	assert_int_equal(in.sin_family, AF_INET);
	assert_int_equal(in.sin_port, htons(3478));
	assert_int_equal(ntohl(in.sin_addr.s_addr), 0xc0000201);
	addr.family = 0;
	assert_int_equal(addr_to_sockaddr(&addr, &sa), 0);
	sa.ss_family = AF_UNIX;
	assert_int_equal(addr_from_sockaddr(&sa, &back), -EAFNOSUPPORT);
}

static void test_mapped(void **state)
{
	struct turnpike_addr mapped, plain, v4;

	(void)state;
	assert_int_equal(addr_parse("[::ffff:192.0.2.1]:7", &mapped), 0);
	assert_int_equal(addr_parse("[::fffe:c000:201]:7", &plain), 0);
	assert_int_equal(addr_parse("192.0.2.1:7", &v4), 0);
	assert_true(addr_is_v4_mapped(&mapped));
	assert_false(addr_is_v4_mapped(&plain));
	assert_false(addr_is_v4_mapped(&v4));
	mapped = addr_unmap(&mapped);
	assert_true(addr_equal(&mapped, &v4));
	v4 = plain;
	plain = addr_unmap(&plain);
	assert_true(addr_equal(&plain, &v4));
	plain = addr_without_port(&plain);
	assert_int_equal(plain.port, 0);
	assert_memory_equal(plain.ip, v4.ip, 16);
}

static bool matches(const char *cidr_text, const char *addr_text)
{
	struct addr_cidr cidr;
	struct turnpike_addr addr;

	assert_int_equal(addr_cidr_parse(cidr_text, &cidr), 0);
	assert_int_equal(addr_parse(addr_text, &addr), 0);
	return addr_cidr_contains(&cidr, &addr);
}

static void test_cidr_match(void **state)
{
	(void)state;
	assert_true(matches("0.0.0.0/0", "255.255.255.255"));
	assert_false(matches("0.0.0.0/0", "::1"));
	assert_false(matches("::/0", "1.2.3.4"));
	assert_true(matches("192.0.2.77/24", "192.0.2.1:99"));
	assert_false(matches("192.0.2.0/24", "192.0.3.0"));
	assert_true(matches("10.128.0.0/9", "10.255.255.255"));
	assert_false(matches("10.128.0.0/9", "10.127.255.255"));
	assert_true(matches("192.0.2.1", "192.0.2.1"));
	assert_false(matches("192.0.2.1/32", "192.0.2.0"));
	assert_true(matches("fe80::/10", "febf:ffff::1"));
	assert_false(matches("fe80::/10", "fec0::"));
	assert_true(matches("2001:db8::1/128", "2001:db8::1"));
	assert_false(matches("2001:db8::1/128", "2001:db8::"));
}

static void test_cidr_parse(void **state)
{
	static const char *const texts[] = {
		"1.2.3.4/33", "::/129", "1.2.3.4/",    "1.2.3.4/-1",
		"1.2.3/8",    "/8",     "1.2.3.4:1/8", "",
	};
	struct addr_cidr cidr;
	struct turnpike_addr first;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_int_equal(addr_cidr_parse(texts[i], &cidr), -EINVAL);
	assert_int_equal(addr_cidr_parse("10.255.255.255/9", &cidr), 0);
	assert_int_equal(addr_parse("10.128.0.0", &first), 0);
	assert_true(addr_equal(&cidr.addr, &first));
	assert_int_equal(cidr.prefix, 9);
}

static struct turnpike_addr parsed(const char *text)
{
	struct turnpike_addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return addr;
}

static void test_range(void **state)
{
	/* A range, and the prefixes that it splits into. */
	static const struct {
		const char *first;
		const char *last;
		const char *cidrs[8];
	} rows[] = {
		{ "10.0.0.1", "10.0.0.1", { "10.0.0.1" } },
		{ "0.0.0.0", "255.255.255.255", { "0.0.0.0/0" } },
		{ "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", { "::/0" } },
		{ "255.255.255.255", "255.255.255.255", { "255.255.255.255" } },
		{ "10.0.0.0", "10.255.255.255", { "10.0.0.0/8" } },
		{ "10.0.0.1",
		  "10.0.0.14",
		  { "10.0.0.1", "10.0.0.2/31", "10.0.0.4/30", "10.0.0.8/30", "10.0.0.12/31",
		    "10.0.0.14" } },
		{ "10.0.0.255", "10.0.1.1", { "10.0.0.255", "10.0.1.0/31" } },
		{ "127.255.255.255", "128.0.0.0", { "127.255.255.255", "128.0.0.0" } },
		{ "2001:db8::ffff", "2001:db8::1:1", { "2001:db8::ffff", "2001:db8::1:0/127" } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct turnpike_addr first = parsed(rows[i].first), last = parsed(rows[i].last);
		bool more = true;
		size_t n = 0;

		for (; more; n++) {
			struct addr_cidr cidr, be;

			more = addr_range_cut(&first, &last, &cidr);
			assert_non_null(rows[i].cidrs[n]);
			assert_int_equal(addr_cidr_parse(rows[i].cidrs[n], &be), 0);
			assert_memory_equal(&cidr, &be, sizeof(cidr));
		}
		assert_null(rows[i].cidrs[n]);
	}
}

/* A zone survives sockets and comparisons. "lo" exists in every network namespace. */
static void test_zone(void **state)
{
	const unsigned int lo = if_nametoindex("lo");
	struct turnpike_addr plain, zoned, other;
	char text[ADDR_TEXT_MAX];
	struct sockaddr_storage sa;
	struct sockaddr_in6 in6;

	(void)state;
	assert_int_equal(addr_parse("[fe80::1]:5", &plain), 0);
	assert_true(addr_is_link_local(&plain));
	assert_int_equal(addr_zone(&plain), 0);
	zoned = addr_with_zone(&plain, lo);
	other = addr_with_zone(&plain, UINT32_MAX);
	assert_int_equal(addr_zone(&other), UINT32_MAX);
	assert_false(addr_equal(&plain, &zoned) || addr_equal(&zoned, &other));
	assert_string_equal(addr_format(&zoned, text), "[fe80::1%lo]:5");
	assert_string_equal(addr_format(&other, text), "[fe80::1%4294967295]:5");
	assert_int_equal(addr_to_sockaddr(&zoned, &sa), sizeof(in6));
	memcpy(&in6, &sa, sizeof(in6));
	assert_int_equal(in6.sin6_scope_id, lo);
	assert_memory_equal(&in6.sin6_addr, plain.ip, sizeof(plain.ip));
	assert_int_equal(addr_from_sockaddr(&sa, &other), 0);
	assert_true(addr_equal(&other, &zoned));
	other = addr_without_zone(&zoned);
	assert_true(addr_equal(&other, &plain));
}

/* All other addresses are unique without a zone. */
static void test_no_zone(void **state)
{
	static const char *const texts[] = { "2001:db8::1", "10.0.0.1", "fec0::1", "ff02::1" };
	struct turnpike_addr addr, zoned;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		assert_int_equal(addr_parse(texts[i], &addr), 0);
		zoned = addr_with_zone(&addr, 1);
		assert_true(addr_equal(&addr, &zoned));
		assert_int_equal(addr_zone(&addr), 0);
	}
	assert_int_equal(addr_parse("fe80:0:0:5::1", &addr), -EINVAL);
	assert_int_equal(addr_parse("fe80::1%lo", &addr), -EINVAL);
}

static void test_same_ip(void **state)
{
	struct turnpike_addr list[2], other;

	(void)state;
	assert_int_equal(addr_parse("192.0.2.1:1", &list[0]), 0);
	assert_int_equal(addr_parse("192.0.2.1:2", &list[1]), 0);
	assert_int_equal(addr_parse("[c000:201::]:1", &other), 0);
	assert_true(addr_same_ip(&list[0], &list[1]));
	assert_false(addr_same_ip(&list[0], &other)); /* the same bytes */
	assert_true(addr_list_has(list, 2, &list[1]));
	assert_false(addr_list_has(list, 1, &list[1]));
	assert_false(addr_list_has(list, 2, &other));
}

static void test_scope(void **state)
{
	static const struct {
		const char *text;
		bool is_loopback, is_local_only;
	} cases[] = {
		{ "127.0.0.0", true, true },
		{ "127.255.255.255", true, true },
		{ "126.255.255.255", false, false },
		{ "128.0.0.1", false, false },
		{ "169.254.0.1", false, true },
		{ "169.253.255.255", false, false },
		{ "169.255.0.0", false, false },
		{ "192.0.2.1", false, false },
		{ "::1", true, true },
		{ "::2", false, false },
		{ "::", false, false },
		{ "fe80::1", false, true },
		{ "febf::1", false, true },
		{ "fec0::1", false, false },
		{ "7f00::1", false, false },
		{ "2001:db8::1", false, false },
	};
	const struct turnpike_addr none = { 0 };
	struct turnpike_addr addr;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(addr_parse(cases[i].text, &addr), 0);
		assert_int_equal(addr_is_loopback(&addr), cases[i].is_loopback);
		assert_int_equal(addr_is_local_only(&addr), cases[i].is_local_only);
	}
	assert_false(addr_is_local_only(&none));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_range),
		cmocka_unit_test(test_parse_v4),
		cmocka_unit_test(test_parse_v6),
		cmocka_unit_test(test_parse_rejects),
		cmocka_unit_test(test_format_round_trip),
		cmocka_unit_test(test_sockaddr),
		cmocka_unit_test(test_mapped),
		cmocka_unit_test(test_zone),
		cmocka_unit_test(test_no_zone),
		cmocka_unit_test(test_same_ip),
		cmocka_unit_test(test_scope),
		cmocka_unit_test(test_cidr_match),
		cmocka_unit_test(test_cidr_parse),
	};

	return cmocka_run_group_tests_name("addr", tests, NULL, NULL);
}
