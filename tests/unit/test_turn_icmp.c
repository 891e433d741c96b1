/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* ICMP errors: RFC 8656 sections 11.5 and 18.13. */
#include <string.h>

#include "private/array_len.h"
#include "turn_fixture.h"

#define PEER4  "198.51.100.1:7000"
#define PEER6  "[2001:db8::7]:7000"
#define RELAY4 "192.0.2.1"
#define RELAY6 "2001:db8::1"

static struct fixture *permitted(void)
{
	struct fixture *f = fixture_default();

	allocate_both(f);
	create_permission(f, PEER4);
	create_permission(f, PEER6);
	expect_success(f, &f->alice);
	clear(f);
	return f;
}

/** The only event is a Data indication with these two attributes and no other. */
static void expect_indication(const struct fixture *f, const char *peer, const char *icmp)
{
	struct turnpike_addr expected = addr(peer), from;
	struct stun_attr attr = { 0 };
	struct stun_message msg;

	expect_events(f, SEND_CLIENT, 0);
	assert_memory_equal(&event(f, 0)->tuple, &f->tuple, sizeof(f->tuple));
	assert_int_equal(stun_parse(event(f, 0)->data, event(f, 0)->len, &msg), 0);
	assert_int_equal(msg.class, STUN_INDICATION);
	assert_int_equal(msg.method, TURN_DATA);
	assert_true(stun_next_attr(&msg, &attr));
	assert_int_equal(attr.type, STUN_ATTR_XOR_PEER_ADDRESS);
	assert_int_equal(stun_attr_xor_addr(&msg, &attr, &from), 0);
	assert_true(addr_equal(&from, &expected));
	assert_true(stun_next_attr(&msg, &attr));
	assert_int_equal(attr.type, 0x8004);
	assert_int_equal(attr.len, 8);
	assert_memory_equal(attr.value, icmp, 8);
	assert_false(stun_next_attr(&msg, &attr));
}

/** Error Data is the MTU for "packet too big", else zero. */
static void test_kinds(void **state)
{
	static const struct {
		const char *relay;
		const char *peer;
		uint8_t type, code;
		const char *icmp; /* NULL: not reported */
	} rows[] = {
		{ RELAY4, PEER4, 3, 0, "\0\0\3\0\0\0\0\0" },
		{ RELAY4, PEER4, 3, 3, "\0\0\3\3\0\0\0\0" },
		{ RELAY4, PEER4, 3, 4, "\0\0\3\4\0\0\5\x14" },
		{ RELAY4, PEER4, 3, 255, "\0\0\3\xff\0\0\0\0" },
		{ RELAY4, PEER4, 11, 0, "\0\0\x0b\0\0\0\0\0" },
		{ RELAY4, PEER4, 11, 1, "\0\0\x0b\1\0\0\0\0" },
		{ RELAY4, PEER4, 0, 0, NULL },
		{ RELAY4, PEER4, 1, 0, NULL },
		{ RELAY4, PEER4, 2, 0, NULL },
		{ RELAY4, PEER4, 4, 0, NULL },
		{ RELAY4, PEER4, 5, 0, NULL },
		{ RELAY4, PEER4, 12, 0, NULL },
		{ RELAY6, PEER6, 1, 4, "\0\0\1\4\0\0\0\0" },
		{ RELAY6, PEER6, 2, 0, "\0\0\2\0\0\0\5\x14" },
		{ RELAY6, PEER6, 3, 0, "\0\0\3\0\0\0\0\0" },
		{ RELAY6, PEER6, 3, 4, "\0\0\3\4\0\0\0\0" },
		{ RELAY6, PEER6, 0, 0, NULL },
		{ RELAY6, PEER6, 4, 0, NULL },
		{ RELAY6, PEER6, 11, 0, NULL },
	};
	struct fixture *f = permitted();
	uint64_t reported = 0;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		icmp_about(f, rows[i].relay, rows[i].peer, rows[i].type, rows[i].code, 1300);
		if (rows[i].icmp)
			expect_indication(f, rows[i].peer, rows[i].icmp);
		else
			expect_events(f, 0);
		reported += rows[i].icmp != NULL;
		clear(f);
	}
	assert_int_equal(stats(f)->icmp, reported);
	/* It does not count as application data. */
	assert_int_equal(stats(f)->to_client.packets, 0);
	fixture_free(f);
}

/** A permission covers an IP address: the error may have any port, or none. */
static void test_permission(void **state)
{
	struct fixture *f = permitted();
	uint64_t start = f->now;

	(void)state;
	icmp_about(f, RELAY4, "198.51.100.1:1", 3, 3, 0);
	expect_indication(f, "198.51.100.1:1", "\0\0\3\3\0\0\0\0");
	clear(f);
	icmp_about(f, RELAY4, "198.51.100.1", 3, 3, 0);
	expect_indication(f, "198.51.100.1", "\0\0\3\3\0\0\0\0");
	clear(f);
	icmp_about(f, RELAY4, "198.51.100.2:7000", 3, 3, 0);
	icmp_about(f, RELAY6, "[2001:db8::8]:7000", 1, 4, 0);
	expect_events(f, 0);
	f->now = start + 300 * SECOND - 1;
	icmp_about(f, RELAY4, PEER4, 3, 3, 0);
	expect_indication(f, PEER4, "\0\0\3\3\0\0\0\0");
	clear(f);
	f->now = start + 300 * SECOND;
	icmp_about(f, RELAY4, PEER4, 3, 3, 0);
	expect_events(f, 0);
	fixture_free(f);
}

/** An error never comes as ChannelData, which only carries application data. */
static void test_channel(void **state)
{
	struct fixture *f = permitted();

	(void)state;
	channel_bind(f, 0x4000, PEER4);
	clear(f);
	icmp_about(f, RELAY4, PEER4, 11, 0, 0);
	expect_indication(f, PEER4, "\0\0\x0b\0\0\0\0\0");
	fixture_free(f);
}

static void test_dead_allocation(void **state)
{
	struct fixture *f = permitted();

	(void)state;
	f->now += 500 * SECOND;
	create_permission(f, PEER4);
	f->now += 100 * SECOND;
	clear(f);
	icmp_about(f, RELAY4, PEER4, 3, 3, 0);
	expect_events(f, 0);
	fixture_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_permission),
		cmocka_unit_test(test_channel),
		cmocka_unit_test(test_dead_allocation),
	};

	return cmocka_run_group_tests_name("turn icmp", tests, NULL, NULL);
}
