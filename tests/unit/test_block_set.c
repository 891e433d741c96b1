/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sets of users and clients that are blocked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "net/block_set.h"
#include "private/array_len.h"

#define MANY 1000

static struct block of_user(const char *name)
{
	struct block block = { .until = TURN_NEVER };

	strcpy(block.user, name);
	return block;
}

static struct block of_prefix(const char *text)
{
	struct block block = { .until = TURN_NEVER };

	assert_int_equal(addr_cidr_parse(text, &block.prefix), 0);
	return block;
}

static bool has_client(const struct block_set *set, const char *text)
{
	struct turnpike_addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return block_set_has_client(set, &addr);
}

static void test_empty(void **state)
{
	struct block_set *set = block_set_new(NULL, 0);

	(void)state;
	assert_non_null(set);
	assert_false(block_set_has_user(set, ""));
	assert_false(block_set_has_user(set, "alice"));
	assert_false(has_client(set, "192.0.2.1"));
	block_set_free(set);
	assert_false(block_set_has_user(NULL, "alice"));
	assert_false(has_client(NULL, "192.0.2.1"));
	block_set_free(NULL);
}

/* A user is no prefix, and a prefix no user. The list may be reused. */
static void test_both(void **state)
{
	struct block list[] = { of_user("carol"), of_prefix("192.0.2.0/24"), of_user("alice"),
				of_prefix("2001:db8::/32"), of_user("bob") };
	struct block_set *set = block_set_new(list, ARRAY_LEN(list));

	(void)state;
	assert_non_null(set);
	memset(list, 0xff, sizeof(list));
	assert_true(block_set_has_user(set, "alice"));
	assert_true(block_set_has_user(set, "bob"));
	assert_true(block_set_has_user(set, "carol"));
	assert_false(block_set_has_user(set, ""));
	assert_false(block_set_has_user(set, "alic"));
	assert_false(block_set_has_user(set, "alice2"));
	assert_false(block_set_has_user(set, "192.0.2.0/24"));
	assert_true(has_client(set, "192.0.2.255"));
	assert_true(has_client(set, "[2001:db8:1::1]:3478"));
	assert_false(has_client(set, "192.0.3.0"));
	assert_false(has_client(set, "0.0.0.0"));
	assert_false(has_client(set, "::"));
	block_set_free(set);
}

static void test_many_users(void **state)
{
	static struct block list[MANY];
	char name[TURN_USERNAME_SIZE];
	struct block_set *set;

	(void)state;
	for (int i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "user-%d", (i * 7) % MANY);
		list[i] = of_user(name);
	}
	memset(list[MANY - 1].user, 'x', TURN_USERNAME_SIZE - 1);
	set = block_set_new(list, MANY);
	assert_non_null(set);
	for (int i = 0; i < MANY; i++)
		assert_true(block_set_has_user(set, list[i].user));
	list[MANY - 1].user[TURN_USERNAME_SIZE - 2] = '\0';
	assert_false(block_set_has_user(set, list[MANY - 1].user));
	block_set_free(set);
}

static void test_same(void **state)
{
	const struct block alice = of_user("alice"), bob = of_user("bob");
	const struct block narrow = of_prefix("192.0.2.0/24"), wide = of_prefix("192.0.2.0/23");
	const struct block other = of_prefix("192.0.3.0/24"), host = of_prefix("192.0.2.9/24");
	struct block ends = alice;

	(void)state;
	ends.until = 1;
	assert_true(block_is_same(&alice, &ends));
	assert_false(block_is_same(&alice, &bob));
	assert_false(block_is_same(&alice, &narrow));
	assert_true(block_is_same(&narrow, &host));
	assert_false(block_is_same(&narrow, &wide));
	assert_false(block_is_same(&narrow, &other));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_both),
		cmocka_unit_test(test_many_users),
		cmocka_unit_test(test_same),
	};

	return cmocka_run_group_tests_name("block_set", tests, NULL, NULL);
}
