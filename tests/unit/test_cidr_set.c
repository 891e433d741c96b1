/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Compares sets of prefixes with a search from prefix to prefix. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/cidr_set.h"
#include "private/array_len.h"

static struct turnpike_addr addr(const char *text)
{
	struct turnpike_addr result;

	assert_int_equal(addr_parse(text, &result), 0);
	return result;
}

static bool has(const struct cidr_set *set, const char *text)
{
	const struct turnpike_addr address = addr(text);

	return cidr_set_has(set, &address);
}

static void test_empty(void **state)
{
	struct cidr_set *set = cidr_set_new(NULL, 0);

	(void)state;
	assert_non_null(set);
	assert_false(has(set, "0.0.0.0"));
	assert_false(has(NULL, "::"));
	cidr_set_free(set);
	cidr_set_free(NULL);
}

static void test_bounds(void **state)
{
	static const char *const texts[] = { "10.1.0.0/16",   "10.1.2.0/24", "10.0.0.0/30",
					     "10.1.0.0/32",   "192.0.2.7",   "2001:db8::/32",
					     "2001:db8::/64", "fe80::1" };
	static const struct {
		const char *text;
		bool wanted;
	} rows[] = {
		{ "9.255.255.255", false },
		{ "10.0.0.0", true },
		{ "10.0.0.3:5000", true },
		{ "10.0.0.4", false },
		{ "10.0.255.255", false },
		{ "10.1.0.0", true },
		{ "10.1.2.9", true },
		{ "10.1.3.0", true },
		{ "10.1.255.255", true },
		{ "10.2.0.0", false },
		{ "192.0.2.6", false },
		{ "192.0.2.7", true },
		{ "192.0.2.8", false },
		{ "255.255.255.255", false },
		{ "::", false },
		{ "a01::", false },
		{ "2001:db7:ffff::", false },
		{ "2001:db8:ffff::1", true },
		{ "2001:db9::", false },
		{ "fe80::1", true },
		{ "fe80::2", false },
	};
	struct addr_cidr list[ARRAY_LEN(texts)];
	struct cidr_set *set;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		assert_int_equal(addr_cidr_parse(texts[i], &list[i]), 0);
	set = cidr_set_new(list, ARRAY_LEN(list));
	assert_non_null(set);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		if (has(set, rows[i].text) != rows[i].wanted)
			fail_msg("%s", rows[i].text);
	}
	cidr_set_free(set);
}

/* Few distinct bytes, so that prefixes often contain each other and the addresses. */
static struct turnpike_addr random_addr(void)
{
	struct turnpike_addr result = { .family = rand() % 2 ? TURNPIKE_IPV4 : TURNPIKE_IPV6 };

	for (size_t i = 0; i < addr_len(&result); i++)
		result.ip[i] = (uint8_t)(rand() % 3 ? 0 : 1 << rand() % 8);
	return result;
}

static struct addr_cidr random_cidr(void)
{
	const struct turnpike_addr address = random_addr();
	const unsigned int bits = 8 * (unsigned int)addr_len(&address);
	char text[ADDR_TEXT_MAX], with_prefix[ADDR_TEXT_MAX + 8];
	struct addr_cidr result;

	snprintf(with_prefix, sizeof(with_prefix), "%s/%u", addr_format(&address, text),
		 bits / 4 + (unsigned int)rand() % (bits - bits / 4 + 1));
	assert_int_equal(addr_cidr_parse(with_prefix, &result), 0);
	return result;
}

static void test_random(void **state)
{
	struct addr_cidr list[40];
	size_t found = 0;

	(void)state;
	srand(1);
	for (int round = 0; round < 200; round++) {
		const size_t n = (size_t)rand() % ARRAY_LEN(list);
		struct cidr_set *set;

		for (size_t i = 0; i < n; i++)
			list[i] = random_cidr();
		set = cidr_set_new(list, n);
		assert_non_null(set);
		for (int i = 0; i < 200; i++) {
			const struct turnpike_addr address = random_addr();
			bool wanted = false;

			for (size_t j = 0; j < n; j++)
				wanted |= addr_cidr_contains(&list[j], &address);
			assert_int_equal(cidr_set_has(set, &address), wanted);
			found += wanted;
		}
		cidr_set_free(set);
	}
	assert_in_range(found, 1000, 200 * 200 - 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests_name("cidr_set", tests, NULL, NULL);
}
