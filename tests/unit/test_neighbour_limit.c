/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Neighbours that do not answer: how many a user may have at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "datapath/neighbour_limit.h"

#define SECOND 1000000000ull
#define MANY   1000

static uint64_t now = 1000 * SECOND;

static unsigned int probes(struct neighbour_limit *limit, const char *user,
			   enum turnpike_family family)
{
	unsigned int n = 0;

	while (n < MANY && neighbour_limit_probe(limit, user, family, now))
		n++;
	return n;
}

/* In no three seconds there are more than the limit. */
static void test_probes(void **state)
{
	struct neighbour_limit *limit = neighbour_limit_new();
	unsigned int n;

	(void)state;
	assert_int_equal(probes(limit, "alice", TURNPIKE_IPV4), MANY);
	neighbour_limit_set(limit, 60, 30, now);
	n = probes(limit, "alice", TURNPIKE_IPV4);
	assert_int_equal(n, 30);
	for (int i = 0; i < 30; i++) {
		now += NEIGHBOUR_PROBE_NS / 30;
		n += probes(limit, "alice", TURNPIKE_IPV4);
	}
	assert_int_equal(n, 60);
	assert_int_equal(probes(limit, "alice", TURNPIKE_IPV6), 15);
	assert_int_equal(probes(limit, "bob", TURNPIKE_IPV4), 30);
	now += 3600 * SECOND;
	assert_int_equal(probes(limit, "alice", TURNPIKE_IPV4), 30);
	neighbour_limit_set(limit, 0, 1, now);
	assert_int_equal(probes(limit, "alice", TURNPIKE_IPV4), MANY);
	assert_int_equal(probes(limit, "alice", TURNPIKE_IPV6), 1);
	neighbour_limit_free(limit);
	neighbour_limit_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_probes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
