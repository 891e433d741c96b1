/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Limits on the number of connections and on the rate of new ones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

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

static bool enter(struct admission *admission, const char *text)
{
	const struct turnpike_addr addr = at(text);

	return admission_enter(admission, &addr, now);
}

static void leave(struct admission *admission, const char *text)
{
	const struct turnpike_addr addr = at(text);

	admission_leave(admission, &addr);
}

static void limits_all_connections(void **state)
{
	struct admission *admission = admission_new(3, 2, 0);

	(void)state;
	assert_true(enter(admission, "192.0.2.1:1"));
	assert_true(enter(admission, "192.0.2.2:1"));
	assert_true(enter(admission, "192.0.2.3:1"));
	assert_false(enter(admission, "192.0.2.4:1"));
	leave(admission, "192.0.2.2:1");
	assert_true(enter(admission, "192.0.2.4:1"));
	assert_false(enter(admission, "192.0.2.5:1"));
	admission_free(admission);
}

static void limits_connections_of_a_source(void **state)
{
	struct admission *admission = admission_new(100, 2, 0);

	(void)state;
	assert_true(enter(admission, "192.0.2.1:1"));
	assert_true(enter(admission, "192.0.2.1:2"));
	assert_false(enter(admission, "192.0.2.1:3"));
	assert_true(enter(admission, "192.0.2.2:3"));
	leave(admission, "192.0.2.1:1");
	assert_true(enter(admission, "192.0.2.1:3"));
	assert_false(enter(admission, "192.0.2.1:4"));
	admission_free(admission);
}

static void treats_an_ipv6_64_as_one_source(void **state)
{
	struct admission *admission = admission_new(100, 2, 0);

	(void)state;
	assert_true(enter(admission, "[2001:db8:0:1::1]:1"));
	assert_true(enter(admission, "[2001:db8:0:1:ffff:ffff:ffff:ffff]:1"));
	assert_false(enter(admission, "[2001:db8:0:1::2]:1"));
	assert_true(enter(admission, "[2001:db8:0:2::2]:1"));
	leave(admission, "[2001:db8:0:1::77]:9");
	assert_true(enter(admission, "[2001:db8:0:1::2]:1"));
	admission_free(admission);
}

/* A refused connection does not count towards any limit. */
static void does_not_count_refusals(void **state)
{
	struct admission *admission = admission_new(2, 1, 0);

	(void)state;
	assert_true(enter(admission, "192.0.2.1:1"));
	for (int i = 0; i < 10; i++)
		assert_false(enter(admission, "192.0.2.1:1"));
	assert_true(enter(admission, "192.0.2.2:1"));
	leave(admission, "192.0.2.1:1");
	leave(admission, "192.0.2.2:1");
	assert_true(enter(admission, "192.0.2.1:1"));
	assert_true(enter(admission, "192.0.2.2:1"));
	admission_free(admission);
}

/* Ended connections count towards the rate; those refused by another limit do not. */
static void limits_the_rate_of_a_source(void **state)
{
	struct admission *admission = admission_new(30, 2, 3);
	int i;

	(void)state;
	assert_true(enter(admission, "192.0.2.1:1"));
	assert_true(enter(admission, "192.0.2.1:2"));
	for (i = 0; i < 100; i++)
		assert_false(enter(admission, "192.0.2.1:3"));
	for (i = 2; i < 30; i++) {
		leave(admission, "192.0.2.1:1");
		assert_true(enter(admission, "192.0.2.1:1"));
	}
	leave(admission, "192.0.2.1:1");
	assert_false(enter(admission, "192.0.2.1:1"));
	assert_true(enter(admission, "192.0.2.2:1"));
	now += SECOND / 3 + 1;
	assert_true(enter(admission, "192.0.2.1:1"));
	leave(admission, "192.0.2.1:1");
	assert_false(enter(admission, "192.0.2.1:1"));
	admission_set_rate(admission, 0);
	assert_true(enter(admission, "192.0.2.1:1"));
	admission_free(admission);
}

static void accepts_zero_limits(void **state)
{
	struct admission *admission = admission_new(0, 1, 0);

	(void)state;
	assert_false(enter(admission, "192.0.2.1:1"));
	admission_free(admission);
	admission = admission_new(1, 0, 0);
	assert_false(enter(admission, "192.0.2.1:1"));
	admission_free(admission);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits_all_connections),
		cmocka_unit_test(limits_connections_of_a_source),
		cmocka_unit_test(treats_an_ipv6_64_as_one_source),
		cmocka_unit_test(does_not_count_refusals),
		cmocka_unit_test(limits_the_rate_of_a_source),
		cmocka_unit_test(accepts_zero_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
