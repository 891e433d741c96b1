/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rate limits per allocation, per user and in total, with the policers in user space or in the
 * library. An array replaces the library's map, and the mocked clock stands still until a test
 * moves it.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <time.h>

#include <cmocka.h>

#include "datapath/limits.h"
#include "flows/policers.h"

#define N     64
#define START 1000

/* At a rate of 1, the burst is an hour's worth: so many empty packets. */
#define FULL (3600 / TURNPIKE_POLICER_OVERHEAD)

/* No bucket holds as many. */
#define MANY 1000

static time_t now; /* s */
static struct turnpike_policer map[N];
static struct policers policers;

int __wrap_turnpike_policer_new(struct turnpike *tp, const struct turnpike_policer_opts *opts,
				__u32 *ret);
int __wrap_turnpike_policer_set(struct turnpike *tp, __u32 policer, __u64 rate, __u64 burst);
__u64 __wrap_turnpike_policer_full(const struct turnpike *tp, __u32 policer);
void __wrap_turnpike_policer_free(struct turnpike *tp, __u32 policer);
int __wrap_turnpike_police(struct turnpike *tp, __u32 policer, __u32 bytes);
int __wrap_clock_gettime(clockid_t id, struct timespec *ret);

int __wrap_turnpike_policer_new(struct turnpike *tp, const struct turnpike_policer_opts *opts,
				__u32 *ret)
{
	assert_non_null(tp);
	return policers_new(&policers, opts, ret);
}

int __wrap_turnpike_policer_set(struct turnpike *tp, __u32 policer, __u64 rate, __u64 burst)
{
	assert_non_null(tp);
	return policers_set(&policers, policer, rate, burst);
}

__u64 __wrap_turnpike_policer_full(const struct turnpike *tp, __u32 policer)
{
	assert_non_null(tp);
	return policers_full(&policers, policer);
}

void __wrap_turnpike_policer_free(struct turnpike *tp, __u32 policer)
{
	assert_non_null(tp);
	policers_free(&policers, policer);
}

int __wrap_turnpike_police(struct turnpike *tp, __u32 policer, __u32 bytes)
{
	assert_non_null(tp);
	return policers_charge(&policers, policer, bytes);
}

int __wrap_clock_gettime(clockid_t id, struct timespec *ret)
{
	assert_int_equal(id, CLOCK_MONOTONIC);
	*ret = (struct timespec){ .tv_sec = now };
	return 0;
}

/* Each test runs with both kinds of policers. NULL: those in user space. */
static struct turnpike *handle;

static int use_library(void **state)
{
	(void)state;
	handle = (struct turnpike *)&policers;
	return 0;
}

static int use_user_space(void **state)
{
	(void)state;
	handle = NULL;
	return 0;
}

static int setup(void **state)
{
	(void)state;
	now = START;
	return policers_open(&policers, map, N);
}

/* All policers have been freed. */
static int check_freed(void **state)
{
	const __u32 left = N - TURNPIKE_RESERVED_POLICERS - policers.n_free;

	(void)state;
	policers_close(&policers);
	return left ? -1 : 0;
}

static struct limits *opened(uint64_t allocation, uint64_t user, uint64_t total)
{
	const struct limits_rates rates = { .allocation = allocation,
					    .user = user,
					    .total = total };
	struct limits *limits;

	assert_int_equal(limits_open(handle, &rates, &limits), 0);
	return limits;
}

static struct limit *limit_of(struct limits *limits, const char *account)
{
	struct limit *limit;

	assert_int_equal(limits_new(limits, account, &limit), 0);
	return limit;
}

/* Counts the empty packets that pass, up to MANY. */
static uint32_t remaining(struct limit *limit, enum turn_direction direction)
{
	uint32_t n = 0;

	while (n < MANY && limits_charge(limit, direction, 0))
		n++;
	return n;
}

/* The same for a new allocation, which is given back. */
static uint32_t remaining_of(struct limits *limits, const char *account,
			     enum turn_direction direction)
{
	struct limit *limit = limit_of(limits, account);
	const uint32_t n = remaining(limit, direction);

	limits_free(limits, limit);
	return n;
}

static void test_shared(void **state)
{
	struct limits *limits = opened(1, 2, 3);
	struct limit *a = limit_of(limits, "alice"), *b = limit_of(limits, "alice");
	struct limit *c = limit_of(limits, "bob"), *d = limit_of(limits, "bob");

	(void)state;
	assert_int_equal(remaining(a, TURN_TO_PEER), FULL);
	assert_int_equal(remaining(b, TURN_TO_PEER), FULL); /* now the user's limit is exhausted */
	assert_int_equal(remaining(c, TURN_TO_PEER), FULL); /* now the total is exhausted */
	assert_int_equal(remaining(d, TURN_TO_PEER), 0);
	assert_int_equal(remaining(d, TURN_TO_CLIENT), FULL);
	limits_free(limits, a);
	limits_free(limits, b);
	limits_free(limits, c);
	limits_free(limits, d);
	limits_close(limits);
}

static void test_user_only(void **state)
{
	struct limits *limits = opened(0, 1, 0);
	struct limit *a = limit_of(limits, "alice"), *b = limit_of(limits, "alice");
	struct limit *c = limit_of(limits, "bob");

	(void)state;
	assert_true(limits_charge(a, TURN_TO_CLIENT, 3000));
	assert_false(limits_charge(b, TURN_TO_CLIENT, 600 - 2 * TURNPIKE_POLICER_OVERHEAD + 1));
	assert_true(limits_charge(b, TURN_TO_CLIENT, 600 - 2 * TURNPIKE_POLICER_OVERHEAD));
	assert_int_equal(remaining(c, TURN_TO_CLIENT), FULL);
	limits_free(limits, a);
	a = limit_of(limits, "alice");
	assert_int_equal(remaining(a, TURN_TO_CLIENT), 0);
	limits_free(limits, a);
	limits_free(limits, b);
	limits_free(limits, c);
	limits_close(limits);
}

/* Packets of a user, of whatever length, in both of its allocations. */
static void test_packets(void **state)
{
	const struct limits_rates rates = { .user_packets = 1 };
	struct limits *limits;
	struct limit *a, *b;

	(void)state;
	assert_int_equal(limits_open(handle, &rates, &limits), 0);
	a = limit_of(limits, "alice");
	b = limit_of(limits, "alice");
	for (int i = 0; i < 10; i++)
		assert_true(limits_charge(a, TURN_TO_PEER, 65507));
	assert_int_equal(remaining(b, TURN_TO_PEER), TURNPIKE_POLICER_PACKET_BURST - 10);
	assert_int_equal(remaining(b, TURN_TO_CLIENT), TURNPIKE_POLICER_PACKET_BURST);
	limits_free(limits, a);
	limits_free(limits, b);
	now += 3;
	assert_int_equal(remaining_of(limits, "alice", TURN_TO_PEER), 3);
	assert_int_equal(remaining_of(limits, "bob", TURN_TO_PEER), TURNPIKE_POLICER_PACKET_BURST);
	limits_close(limits);
}

/* Who gives an allocation back and makes a new one goes on with the same buckets. */
static void test_anew(void **state)
{
	static const struct limits_rates kinds[] = { { .allocation = 1 }, { .user = 1 } };

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		struct limits *limits;

		assert_int_equal(limits_open(handle, &kinds[i], &limits), 0);
		assert_int_equal(remaining_of(limits, "alice", TURN_TO_PEER), FULL);
		for (int n = 0; n < 100; n++)
			assert_int_equal(remaining_of(limits, "alice", TURN_TO_PEER), 0);
		assert_int_equal(remaining_of(limits, "alice", TURN_TO_CLIENT), FULL);
		assert_int_equal(remaining_of(limits, "bob", TURN_TO_PEER), FULL);
		now += 2 * TURNPIKE_POLICER_OVERHEAD;
		assert_int_equal(remaining_of(limits, "alice", TURN_TO_PEER), 2);
		now += 3600;
		assert_int_equal(remaining_of(limits, "alice", TURN_TO_PEER), FULL);
		limits_close(limits);
	}
}

/* A new allocation lacks what the emptiest of its user's earlier ones does; others are unaffected.
 */
static void test_left(void **state)
{
	struct limits *limits = opened(1, 0, 0);
	struct limit *a = limit_of(limits, "alice"), *b = limit_of(limits, "alice");

	(void)state;
	assert_int_equal(remaining(a, TURN_TO_PEER), FULL);
	assert_true(limits_charge(b, TURN_TO_PEER, 0));
	limits_free(limits, a);
	assert_int_equal(remaining_of(limits, "alice", TURN_TO_PEER), 0);
	assert_int_equal(remaining(b, TURN_TO_PEER), FULL - 1);
	now += 1800;
	assert_true(limits_charge(b, TURN_TO_CLIENT, 0));
	limits_free(limits, b);
	assert_int_equal(remaining_of(limits, "alice", TURN_TO_PEER), FULL / 2);
	limits_close(limits);
}

/* Users without allocations occupy no policers, and beyond the bound, the first one starts anew. */
static void test_resting(void **state)
{
	struct limits *limits = opened(1, 1, 0);
	char name[16];

	(void)state;
	for (int i = 0; i <= LIMITS_RESTING_MAX; i++) {
		struct limit *limit;

		snprintf(name, sizeof(name), "u%d", i);
		limit = limit_of(limits, name);
		assert_true(limits_charge(limit, TURN_TO_PEER, 3600 - TURNPIKE_POLICER_OVERHEAD));
		limits_free(limits, limit);
		if (handle)
			assert_int_equal(policers.n_free, N - TURNPIKE_RESERVED_POLICERS - 2);
	}
	assert_int_equal(remaining_of(limits, "u1", TURN_TO_PEER), 0);
	assert_int_equal(remaining_of(limits, name, TURN_TO_PEER), 0);
	assert_int_equal(remaining_of(limits, "u0", TURN_TO_PEER), FULL);
	limits_close(limits);
}

static void test_none(void **state)
{
	const struct limits_rates some = { .total = 1 };
	struct limits *limits = opened(0, 0, 0);
	struct limit *later;

	(void)state;
	assert_null(limit_of(limits, "alice"));
	assert_int_equal(limits_policer(NULL, TURN_TO_PEER), 0);
	limits_free(limits, NULL);
	limits_set_rates(limits, &some);
	later = limit_of(limits, "alice");
	assert_int_equal(remaining(later, TURN_TO_PEER), FULL);
	limits_free(limits, later);
	limits_close(limits);
	limits_close(NULL);
}

static void set(struct limits *limits, uint64_t allocation, uint64_t user, uint64_t total)
{
	const struct limits_rates rates = { .allocation = allocation,
					    .user = user,
					    .total = total };

	limits_set_rates(limits, &rates);
	assert_memory_equal(limits_rates(limits), &rates, sizeof(rates));
}

/* Changed limits stay as full as they are, used or not. One that was not there is full. */
static void test_set_rates(void **state)
{
	struct limits *limits = opened(1, 2, 0);
	struct limit *a = limit_of(limits, "alice"), *b = limit_of(limits, "alice");

	(void)state;
	assert_int_equal(remaining(a, TURN_TO_PEER), FULL);
	set(limits, 1, 2, 1);
	assert_int_equal(remaining(a, TURN_TO_PEER), 0);
	assert_int_equal(remaining(b, TURN_TO_PEER), FULL); /* allocation, user, total */
	set(limits, 2, 3, 4);
	assert_int_equal(remaining(a, TURN_TO_PEER), 0);
	set(limits, 0, 3, 0);
	assert_int_equal(remaining(a, TURN_TO_PEER), 0); /* the user is still exhausted */
	set(limits, 0, 0, 0);
	assert_int_equal(remaining(a, TURN_TO_PEER), MANY);
	set(limits, 1, 0, 0);
	assert_int_equal(remaining(a, TURN_TO_PEER), 0);
	assert_int_equal(remaining(a, TURN_TO_CLIENT), FULL);
	limits_free(limits, a);
	limits_free(limits, b);
	set(limits, 2, 3, 0);
	assert_int_equal(remaining_of(limits, "alice", TURN_TO_PEER), 0);
	limits_close(limits);
}

/* A failed limits_new() frees everything it has created. */
static void test_full(void **state)
{
	struct limits *limits = opened(1, 1, 1);
	struct limit *all[N], *more;
	int n = 0;

	(void)state;
	while (n < N && !limits_new(limits, n < 3 ? "alice" : "bob", &all[n]))
		n++;
	if (handle) {
		/* Of 62 policers, the total and each allocation have 2, each user has 4. */
		assert_int_equal(n, 26);
		assert_int_equal(policers.n_free, 0);
		assert_int_equal(limits_new(limits, "carol", &more), -ENOSPC);
		assert_int_equal(limits_new(limits, "bob", &more), -ENOSPC);
		assert_int_equal(policers.n_free, 0);
		for (__u32 left = 2; left <= 4; left += 2) {
			limits_free(limits, all[--n]);
			assert_int_equal(limits_new(limits, "carol", &more), -ENOSPC);
			assert_int_equal(policers.n_free, left);
		}
		limits_free(limits, all[--n]);
		more = limit_of(limits, "carol");
		assert_int_equal(policers.n_free, 0);
		limits_free(limits, more);
	}
	while (n > 0)
		limits_free(limits, all[--n]);
	limits_close(limits);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_shared, setup, check_freed),
		cmocka_unit_test_setup_teardown(test_user_only, setup, check_freed),
		cmocka_unit_test_setup_teardown(test_packets, setup, check_freed),
		cmocka_unit_test_setup_teardown(test_anew, setup, check_freed),
		cmocka_unit_test_setup_teardown(test_left, setup, check_freed),
		cmocka_unit_test_setup_teardown(test_resting, setup, check_freed),
		cmocka_unit_test_setup_teardown(test_none, setup, check_freed),
		cmocka_unit_test_setup_teardown(test_set_rates, setup, check_freed),
		cmocka_unit_test_setup_teardown(test_full, setup, check_freed),
	};
	int failed = cmocka_run_group_tests_name("library", tests, use_library, NULL);

	return failed + cmocka_run_group_tests_name("user space", tests, use_user_space, NULL);
}
