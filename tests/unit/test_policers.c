/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The numbers of policers and their levels. The mocked clock stands still. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

#include <turnpike/abi.h>

#include "flows/policers.h"

#define SECOND   1000000000ull
#define NOW      (1000 * SECOND)
#define OVERHEAD TURNPIKE_POLICER_OVERHEAD

int __wrap_clock_gettime(clockid_t id, struct timespec *ret);

int __wrap_clock_gettime(clockid_t id, struct timespec *ret)
{
	assert_int_equal(id, CLOCK_MONOTONIC);
	*ret = (struct timespec){ .tv_sec = NOW / SECOND };
	return 0;
}

static int make(struct policers *policers, __u64 rate, __u64 burst, __u32 parent, __u32 *ret)
{
	TURNPIKE_OPTS(turnpike_policer_opts, opts, .rate = rate, .burst = burst, .parent = parent);

	return policers_new(policers, &opts, ret);
}

/* Charge a packet that takes @units, of which the least is OVERHEAD. */
static int charge(struct policers *policers, __u32 index, __u32 units)
{
	return policers_charge(policers, index, units - OVERHEAD);
}

/* Indexes are unique and never 0, and all others are available. */
static void test_numbers(void **state)
{
	struct turnpike_policer map[8] = { 0 };
	struct policers policers = { 0 };
	bool used[8] = { 0 };
	__u32 index = 0, i;

	(void)state;
	assert_int_equal(policers_open(&policers, map, 8), 0);
	for (i = TURNPIKE_RESERVED_POLICERS; i < 8; i++) {
		assert_int_equal(make(&policers, 1000, 3000, 0, &index), 0);
		assert_in_range(index, TURNPIKE_RESERVED_POLICERS, 7);
		assert_false(used[index]);
		used[index] = true;
		assert_int_equal(map[index].burst, 3 * SECOND);
	}
	assert_int_equal(make(&policers, 1000, 0, 0, &index), -ENOSPC);
	policers_free(&policers, 3);
	assert_int_equal(map[3].cost, 0);
	assert_int_equal(make(&policers, 1000, 0, 0, &index), 0);
	assert_int_equal(index, 3);
	policers_free(&policers, 0);
	policers_free(&policers, 8);
	assert_int_equal(make(&policers, 1000, 0, 0, &index), -ENOSPC);
	assert_int_equal(policers_set(&policers, 0, 1, 1), -EINVAL);
	assert_int_equal(policers_set(&policers, 8, 1, 1), -EINVAL);
	assert_int_equal(map[0].cost, 0);
	policers_close(&policers);
}

/* A burst does not pass twice. */
static void test_charge(void **state)
{
	struct turnpike_policer map[4] = { 0 };
	struct policers policers = { 0 };
	__u32 index = 0;

	(void)state;
	assert_int_equal(policers_open(&policers, map, 4), 0);
	assert_int_equal(make(&policers, 1, 3600, 0, &index), 0);
	assert_int_equal(charge(&policers, index, 3600), 0);
	assert_int_equal(charge(&policers, index, 3600), -EDQUOT);
	assert_int_equal(policers_charge(&policers, 0, UINT32_MAX), 0);
	assert_int_equal(policers_charge(&policers, 4, UINT32_MAX), 0);
	policers_free(&policers, index);
	assert_int_equal(policers_charge(&policers, index, UINT32_MAX), 0);
	policers_close(&policers);
}

static __u32 number_under(struct policers *policers, __u32 parent, __u32 burst)
{
	__u32 index = 0;

	assert_int_equal(make(policers, 1, burst, parent, &index), 0);
	return index;
}

/* Two users with two allocations each share the limits of their parents. */
static void test_family(void **state)
{
	struct turnpike_policer map[16] = { 0 };
	struct policers policers = { 0 };
	__u32 total, user[2], allocation[4], index = 99;
	int i;

	(void)state;
	assert_int_equal(policers_open(&policers, map, 16), 0);
	total = number_under(&policers, 0, 3000);
	for (i = 0; i < 2; i++)
		user[i] = number_under(&policers, total, 2000);
	for (i = 0; i < 4; i++)
		allocation[i] = number_under(&policers, user[i / 2], 1500);
	assert_int_equal(make(&policers, 1, 1, 16, &index), -EINVAL);
	assert_int_equal(index, 99);

	assert_int_equal(charge(&policers, allocation[0], 1501), -EDQUOT);
	assert_int_equal(charge(&policers, allocation[0], 1500), 0);
	assert_int_equal(charge(&policers, allocation[1], 501), -EDQUOT); /* the user */
	assert_int_equal(charge(&policers, allocation[1], 500), 0);
	assert_int_equal(charge(&policers, allocation[2], 1001), -EDQUOT); /* the total */
	assert_int_equal(charge(&policers, allocation[2], 1000), 0);
	assert_int_equal(charge(&policers, allocation[3], OVERHEAD), -EDQUOT);

	/* A new total stays empty; the refusals before did not charge the lower levels. */
	assert_int_equal(policers_set(&policers, total, 2, 3000), 0);
	assert_int_equal(charge(&policers, allocation[3], OVERHEAD), -EDQUOT);
	assert_int_equal(policers_set(&policers, total, 0, 0), 0);
	assert_int_equal(charge(&policers, allocation[3], 1001), -EDQUOT);
	assert_int_equal(charge(&policers, allocation[3], 1000), 0);

	/* A reused index has lost its former parent. */
	policers_free(&policers, allocation[3]);
	assert_int_equal(number_under(&policers, 0, 3600), allocation[3]);
	assert_int_equal(charge(&policers, allocation[3], 3600), 0);
	policers_close(&policers);
}

/* Four levels, of bytes and packets, and no fifth. */
static void test_units(void **state)
{
	TURNPIKE_OPTS(turnpike_policer_opts, opts, .rate = 1, .burst = 2,
		      .unit = TURNPIKE_POLICER_PACKETS);
	struct turnpike_policer map[16] = { 0 };
	struct policers policers = { 0 };
	__u32 total, packets = 0, user, allocation, index = 99;

	(void)state;
	assert_int_equal(policers_open(&policers, map, 16), 0);
	total = number_under(&policers, 0, 3000);
	opts.parent = total;
	assert_int_equal(policers_new(&policers, &opts, &packets), 0);
	user = number_under(&policers, packets, 3000);
	allocation = number_under(&policers, user, 3000);
	assert_int_equal(make(&policers, 1, 1, allocation, &index), -EINVAL);
	opts.unit++;
	assert_int_equal(policers_new(&policers, &opts, &index), -EINVAL);
	assert_int_equal(index, 99);
	assert_int_equal(policers_charge(&policers, allocation, 0), 0);
	assert_int_equal(policers_charge(&policers, allocation, 1), 0);
	assert_int_equal(policers_charge(&policers, allocation, 0), -EDQUOT);
	assert_int_equal(policers_full(&policers, packets), NOW + 2 * SECOND);
	assert_int_equal(policers_full(&policers, total), NOW + (2 * OVERHEAD + 1) * SECOND);
	policers_close(&policers);
}

/* A policer that continues a freed one lacks as much as that one did. */
static void test_continued(void **state)
{
	TURNPIKE_OPTS(turnpike_policer_opts, opts, .rate = 1, .burst = 1500);
	struct turnpike_policer map[4] = { 0 };
	struct policers policers = { 0 };
	__u32 index = 0;

	(void)state;
	assert_int_equal(policers_open(&policers, map, 4), 0);
	assert_int_equal(policers_full(&policers, 0), 0);
	assert_int_equal(policers_full(&policers, 4), 0);
	assert_int_equal(policers_new(&policers, &opts, &index), 0);
	assert_int_equal(charge(&policers, index, 500), 0);
	opts.full = policers_full(&policers, index);
	assert_int_equal(opts.full, NOW + 500 * SECOND);
	policers_free(&policers, index);
	assert_int_equal(policers_new(&policers, &opts, &index), 0);
	assert_int_equal(charge(&policers, index, 1001), -EDQUOT);
	assert_int_equal(charge(&policers, index, 1000), 0);
	policers_close(&policers);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),   cmocka_unit_test(test_charge),
		cmocka_unit_test(test_family),    cmocka_unit_test(test_units),
		cmocka_unit_test(test_continued),
	};

	return cmocka_run_group_tests_name("policers", tests, NULL, NULL);
}
