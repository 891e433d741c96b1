/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Limits on the number of connections and on the rate of new ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/addr.h"
#include "net/admission.h"

#define SECOND 1000000000ull

static uint64_t now = SECOND;

static struct turnpike_addr at(const char *text)
{
	struct turnpike_addr addr;

	assert_int_equal(addr_parse(text, &addr), 0);
	return addr;
}

static enum admitted enter(struct admission *admission, const char *text)
{
	const struct turnpike_addr addr = at(text);

	return admission_enter(admission, &addr, now);
}

static void leave(struct admission *admission, const char *text)
{
	const struct turnpike_addr addr = at(text);

	admission_leave(admission, &addr, true);
}

static void leave_settled(struct admission *admission, const char *text)
{
	const struct turnpike_addr addr = at(text);

	admission_leave(admission, &addr, false);
}

/* A connection too many is admitted, so that its place can be that of another one. */
static void limits_all_connections(void **state)
{
	static const char *const sources[] = { "192.0.2.1:1", "192.0.2.2:1", "192.0.2.3:1" };
	struct admission *admission = admission_new(3, 0);

	(void)state;
	for (int i = 0; i < 3; i++) {
		assert_int_equal(enter(admission, sources[i]), ADMISSION_GRANTED);
		admission_settle(admission);
	}
	assert_int_equal(enter(admission, "192.0.2.4:1"), ADMISSION_FULL);
	leave_settled(admission, "192.0.2.2:1");
	assert_int_equal(enter(admission, "192.0.2.5:1"), ADMISSION_FULL);
	leave(admission, "192.0.2.5:1");
	leave(admission, "192.0.2.4:1");
	assert_int_equal(enter(admission, "192.0.2.6:1"), ADMISSION_GRANTED);
	admission_free(admission);
}

static void limits_strangers_to_half(void **state)
{
	struct admission *admission = admission_new(8, 0);

	(void)state;
	assert_int_equal(enter(admission, "192.0.2.1:1"), ADMISSION_GRANTED);
	assert_int_equal(enter(admission, "192.0.2.2:1"), ADMISSION_GRANTED);
	assert_int_equal(enter(admission, "192.0.2.3:1"), ADMISSION_GRANTED);
	assert_int_equal(enter(admission, "192.0.2.4:1"), ADMISSION_GRANTED);
	assert_int_equal(enter(admission, "192.0.2.5:1"), ADMISSION_FULL);
	leave(admission, "192.0.2.1:1");
	admission_settle(admission);
	assert_int_equal(enter(admission, "192.0.2.6:1"), ADMISSION_GRANTED);
	assert_int_equal(enter(admission, "192.0.2.7:1"), ADMISSION_FULL);
	leave_settled(admission, "192.0.2.2:1");
	assert_int_equal(enter(admission, "192.0.2.8:1"), ADMISSION_FULL);
	admission_free(admission);
}

static void limits_connections_of_a_source(void **state)
{
	struct admission *admission = admission_new(8, 0);

	(void)state;
	assert_int_equal(enter(admission, "192.0.2.1:1"), ADMISSION_GRANTED);
	assert_int_equal(enter(admission, "192.0.2.1:2"), ADMISSION_GRANTED);
	assert_int_equal(enter(admission, "192.0.2.1:3"), ADMISSION_REFUSED);
	assert_int_equal(enter(admission, "192.0.2.2:3"), ADMISSION_GRANTED);
	leave(admission, "192.0.2.1:1");
	assert_int_equal(enter(admission, "192.0.2.1:3"), ADMISSION_GRANTED);
	assert_int_equal(enter(admission, "192.0.2.1:4"), ADMISSION_REFUSED);
	admission_free(admission);
}

static void treats_an_ipv6_64_as_one_source(void **state)
{
	struct admission *admission = admission_new(8, 0);

	(void)state;
	assert_int_equal(enter(admission, "[2001:db8:0:1::1]:1"), ADMISSION_GRANTED);
	assert_int_equal(enter(admission, "[2001:db8:0:1:ffff:ffff:ffff:ffff]:1"),
			 ADMISSION_GRANTED);
	assert_int_equal(enter(admission, "[2001:db8:0:1::2]:1"), ADMISSION_REFUSED);
	assert_int_equal(enter(admission, "[2001:db8:0:2::2]:1"), ADMISSION_GRANTED);
	leave(admission, "[2001:db8:0:1::77]:9");
	assert_int_equal(enter(admission, "[2001:db8:0:1::2]:1"), ADMISSION_GRANTED);
	admission_free(admission);
}

/* An IPv4 /24 is none. */
static void limits_an_ipv6_48_to_half(void **state)
{
	struct admission *admission = admission_new(16, 0);
	char text[64];

	(void)state;
	for (int i = 0; i < 8; i++) {
		snprintf(text, sizeof(text), "[2001:db8:0:%x00::1]:1", i);
		assert_int_equal(enter(admission, text), ADMISSION_GRANTED);
		admission_settle(admission);
	}
	assert_int_equal(enter(admission, "[2001:db8:0:ffff::1]:1"), ADMISSION_REFUSED);
	assert_int_equal(enter(admission, "[2001:db8:1::1]:1"), ADMISSION_GRANTED);
	leave_settled(admission, "[2001:db8:0:300::1]:1");
	assert_int_equal(enter(admission, "[2001:db8:0:ffff::1]:1"), ADMISSION_GRANTED);
	assert_int_equal(enter(admission, "[2001:db8:0:fffe::1]:1"), ADMISSION_REFUSED);
	admission_free(admission);
	admission = admission_new(16, 0);
	for (int i = 0; i < 16; i++) {
		snprintf(text, sizeof(text), "192.0.2.%d:1", i);
		assert_int_equal(enter(admission, text), ADMISSION_GRANTED);
		admission_settle(admission);
	}
	admission_free(admission);
}

/* A refused connection does not count towards any limit. */
static void does_not_count_refusals(void **state)
{
	struct admission *admission = admission_new(4, 0);

	(void)state;
	assert_int_equal(enter(admission, "192.0.2.1:1"), ADMISSION_GRANTED);
	for (int i = 0; i < 10; i++)
		assert_int_equal(enter(admission, "192.0.2.1:1"), ADMISSION_REFUSED);
	assert_int_equal(enter(admission, "192.0.2.2:1"), ADMISSION_GRANTED);
	leave(admission, "192.0.2.1:1");
	leave(admission, "192.0.2.2:1");
	assert_int_equal(enter(admission, "192.0.2.1:1"), ADMISSION_GRANTED);
	assert_int_equal(enter(admission, "192.0.2.2:1"), ADMISSION_GRANTED);
	admission_free(admission);
}

/* Ended connections count towards the rate; those refused by another limit do not. */
static void limits_the_rate_of_a_source(void **state)
{
	struct admission *admission = admission_new(8, 3);
	int i;

	(void)state;
	assert_int_equal(enter(admission, "192.0.2.1:1"), ADMISSION_GRANTED);
	assert_int_equal(enter(admission, "192.0.2.1:2"), ADMISSION_GRANTED);
	for (i = 0; i < 100; i++)
		assert_int_equal(enter(admission, "192.0.2.1:3"), ADMISSION_REFUSED);
	for (i = 2; i < 30; i++) {
		leave(admission, "192.0.2.1:1");
		assert_int_equal(enter(admission, "192.0.2.1:1"), ADMISSION_GRANTED);
	}
	leave(admission, "192.0.2.1:1");
	assert_int_equal(enter(admission, "192.0.2.1:1"), ADMISSION_REFUSED);
	assert_int_equal(enter(admission, "192.0.2.2:1"), ADMISSION_GRANTED);
	now += SECOND / 3 + 1;
	assert_int_equal(enter(admission, "192.0.2.1:1"), ADMISSION_GRANTED);
	leave(admission, "192.0.2.1:1");
	assert_int_equal(enter(admission, "192.0.2.1:1"), ADMISSION_REFUSED);
	admission_set(admission, 8, 0);
	assert_int_equal(enter(admission, "192.0.2.1:1"), ADMISSION_GRANTED);
	admission_free(admission);
}

/* Connections beyond a lower limit stay. */
static void changes_the_limit(void **state)
{
	struct admission *admission = admission_new(2, 0);

	(void)state;
	assert_int_equal(enter(admission, "192.0.2.1:1"), ADMISSION_GRANTED);
	assert_int_equal(enter(admission, "192.0.2.2:1"), ADMISSION_FULL);
	admission_set(admission, 100, 0);
	for (int i = 0; i < 24; i++)
		assert_int_equal(enter(admission, "192.0.2.1:1"), ADMISSION_GRANTED);
	assert_int_equal(enter(admission, "192.0.2.1:1"), ADMISSION_REFUSED);
	admission_set(admission, 1, 0);
	assert_int_equal(enter(admission, "192.0.2.1:1"), ADMISSION_REFUSED);
	assert_int_equal(enter(admission, "192.0.2.3:1"), ADMISSION_FULL);
	admission_free(admission);
}

/* Even the smallest limit serves one connection at a time. */
static void accepts_tiny_limits(void **state)
{
	struct admission *admission = admission_new(0, 0);

	(void)state;
	assert_int_equal(enter(admission, "192.0.2.1:1"), ADMISSION_REFUSED);
	admission_free(admission);
	admission = admission_new(1, 0);
	assert_int_equal(enter(admission, "[2001:db8::1]:1"), ADMISSION_GRANTED);
	assert_int_equal(enter(admission, "192.0.2.1:1"), ADMISSION_FULL);
	leave(admission, "[2001:db8::1]:1");
	leave(admission, "192.0.2.1:1");
	assert_int_equal(enter(admission, "192.0.2.1:1"), ADMISSION_GRANTED);
	admission_free(admission);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits_all_connections),
		cmocka_unit_test(limits_strangers_to_half),
		cmocka_unit_test(limits_connections_of_a_source),
		cmocka_unit_test(treats_an_ipv6_64_as_one_source),
		cmocka_unit_test(limits_an_ipv6_48_to_half),
		cmocka_unit_test(does_not_count_refusals),
		cmocka_unit_test(limits_the_rate_of_a_source),
		cmocka_unit_test(changes_the_limit),
		cmocka_unit_test(accepts_tiny_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
