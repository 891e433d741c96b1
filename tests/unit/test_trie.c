/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The index of addresses, compared with a search through all of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/trie.h"

#define N       200
#define CHANGES 1000
#define WALKS   10

struct thing {
	struct turnpike_addr addr;
	struct trie_member member;
	bool is_in;
	int found;
};

static struct thing things[N];
static struct trie trie;

/* Few different bytes, so that addresses are near each other, and some equal. */
static struct turnpike_addr any_address(void)
{
	static const __u8 bytes[] = { 0, 1, 0x7f, 0x80, 0xff };
	struct turnpike_addr addr = { .family = rand() % 2 ? TURNPIKE_IPV4 : TURNPIKE_IPV6 };
	const int size = addr.family == TURNPIKE_IPV4 ? 4 : 16;
	int i;

	for (i = 0; i < size; i += size / 4)
		addr.ip[i] = bytes[rand() % 5];
	return addr;
}

static struct prefix any_prefix(void)
{
	struct prefix prefix = { .addr = any_address() };

	prefix.len = (__u8)(rand() % (prefix.addr.family == TURNPIKE_IPV4 ? 33 : 129));
	return prefix;
}

/* Bit by bit. */
static bool begins_with(const struct turnpike_addr *addr, const struct prefix *prefix)
{
	int i;

	if (addr->family != prefix->addr.family)
		return false;
	for (i = 0; i < prefix->len; i++)
		if ((addr->ip[i / 8] ^ prefix->addr.ip[i / 8]) & 0x80 >> i % 8)
			return false;
	return true;
}

static void find(void *thing, void *arg)
{
	(void)arg;
	((struct thing *)thing)->found++;
}

static void check_walk(const struct prefix *prefix)
{
	int i;

	for (i = 0; i < N; i++)
		things[i].found = 0;
	trie_walk(&trie, prefix, find, NULL);
	for (i = 0; i < N; i++)
		assert_int_equal(things[i].found,
				 things[i].is_in && begins_with(&things[i].addr, prefix));
}

static void change(struct thing *thing)
{
	if (thing->is_in) {
		trie_remove(&trie, &thing->member);
	} else {
		thing->addr = any_address();
		thing->member.thing = thing;
		assert_int_equal(trie_add(&trie, &thing->addr, &thing->member), 0);
	}
	thing->is_in = !thing->is_in;
}

static void test_finds_what_a_prefix_covers(void **state)
{
	struct prefix prefix;
	int i, j;

	(void)state;
	srand(1);
	for (i = 0; i < CHANGES; i++) {
		change(&things[rand() % N]);
		for (j = 0; j < WALKS; j++) {
			prefix = any_prefix();
			check_walk(&prefix);
		}
	}
	for (i = 0; i < N; i++)
		if (things[i].is_in)
			change(&things[i]);
	assert_null(trie.root4);
	assert_null(trie.root6);
}

static void test_prefix_covers(void **state)
{
	struct turnpike_addr addr;
	struct prefix prefix;
	int i;

	(void)state;
	for (i = 0; i < CHANGES; i++) {
		addr = any_address();
		prefix = any_prefix();
		if (addr.family == prefix.addr.family)
			assert_int_equal(prefix_covers(&prefix, &addr),
					 begins_with(&addr, &prefix));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_finds_what_a_prefix_covers),
		cmocka_unit_test(test_prefix_covers),
	};

	return cmocka_run_group_tests_name("trie", tests, NULL, NULL);
}
