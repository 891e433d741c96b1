/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What an allocation, a user and all together may relay: in memory of the server's own, and in the
 * library's, whose map is an array here. The clock stands still.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "datapath/limits.h"
#include "flows/policers.h"

#define N 64

static struct turnpike_policer map[N];
static struct policers policers;

int __wrap_turnpike_policer_new(struct turnpike *tp, const struct turnpike_policer_opts *opts,
				__u32 *ret);
int __wrap_turnpike_policer_set(struct turnpike *tp, __u32 policer, __u64 rate, __u64 burst);
void __wrap_turnpike_policer_free(struct turnpike *tp, __u32 policer);
int __wrap_turnpike_police(struct turnpike *tp, __u32 policer, __u32 bytes);
int __wrap_clock_gettime(clockid_t id, struct timespec *ret);

int __wrap_turnpike_policer_new(struct turnpike *tp, const struct turnpike_policer_opts *opts,
				__u32 *ret)
{
	assert_non_null(tp);
	return policers_new(&policers, opts->rate, opts->burst, opts->parent, ret);
}

int __wrap_turnpike_policer_set(struct turnpike *tp, __u32 policer, __u64 rate, __u64 burst)
{
	assert_non_null(tp);
	return policers_set(&policers, policer, rate, burst);
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
	*ret = (struct timespec){ .tv_sec = 1000 };
	return 0;
}

/* Each test is run with both kinds of memory; the handle is only passed on. */
static struct turnpike *handle;

static int use_library(void **state)
{
	(void)state;
	handle = (struct turnpike *)&policers;
	return policers_open(&policers, map, N);
}

static int use_own(void **state)
{
	(void)state;
	handle = NULL;
	return policers_open(&policers, map, N);
}

/* Whatever was made is given back. */
static int nothing_left(void **state)
{
	const __u32 left = N - 1 - policers.n_free;

	(void)state;
	policers_close(&policers);
	return left ? -1 : 0;
}

static struct limits *opened(uint64_t allocation, uint64_t user, uint64_t total)
{
	const struct limits_rates rates = { allocation, user, total };
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

/* How many bytes pass one by one, but at most 100,000. */
static uint32_t left(struct limit *limit, enum turn_direction direction)
{
	uint32_t n = 0;

	while (n < 100000 && limits_charge(limit, direction, 1))
		n++;
	return n;
}

/* At these rates an hour's worth may come at once. */
static void test_shared(void **state)
{
	struct limits *limits = opened(1, 2, 3);
	struct limit *a = limit_of(limits, "alice"), *b = limit_of(limits, "alice");
	struct limit *c = limit_of(limits, "bob"), *d = limit_of(limits, "bob");

	(void)state;
	assert_int_equal(left(a, TURN_TO_PEER), 3600);
	assert_int_equal(left(b, TURN_TO_PEER), 3600); /* and the user's are used up */
	assert_int_equal(left(c, TURN_TO_PEER), 3600); /* and all together */
	assert_int_equal(left(d, TURN_TO_PEER), 0);
	assert_int_equal(left(d, TURN_TO_CLIENT), 3600);
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
	assert_false(limits_charge(b, TURN_TO_CLIENT, 601));
	assert_true(limits_charge(b, TURN_TO_CLIENT, 600));
	assert_int_equal(left(c, TURN_TO_CLIENT), 3600);

	/* A user is forgotten with the last allocation only. */
	limits_free(limits, a);
	a = limit_of(limits, "alice");
	assert_int_equal(left(a, TURN_TO_CLIENT), 0);
	limits_free(limits, a);
	limits_free(limits, b);
	a = limit_of(limits, "alice");
	assert_int_equal(left(a, TURN_TO_CLIENT), 3600);
	limits_free(limits, a);
	limits_free(limits, c);
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
	assert_int_equal(left(later, TURN_TO_PEER), 3600);
	limits_free(limits, later);
	limits_close(limits);
	limits_close(NULL);
}

static void set(struct limits *limits, uint64_t allocation, uint64_t user, uint64_t total)
{
	const struct limits_rates rates = { allocation, user, total };

	limits_set_rates(limits, &rates);
	assert_memory_equal(limits_rates(limits), &rates, sizeof(rates));
}

/* What is changed begins anew, what is not goes on. */
static void test_set_rates(void **state)
{
	struct limits *limits = opened(1, 2, 0);
	struct limit *a = limit_of(limits, "alice"), *b = limit_of(limits, "alice");

	(void)state;
	assert_int_equal(left(a, TURN_TO_PEER), 3600);
	set(limits, 1, 2, 1);
	assert_int_equal(left(a, TURN_TO_PEER), 0);
	assert_int_equal(left(b, TURN_TO_PEER), 3600); /* its own, the user's, and all */
	set(limits, 1, 2, 0);
	assert_int_equal(left(b, TURN_TO_PEER), 0); /* its own is empty still */
	limits_free(limits, b);
	b = limit_of(limits, "alice");
	assert_int_equal(left(b, TURN_TO_PEER), 0); /* and the user's */
	set(limits, 1, 1, 0);
	assert_int_equal(left(a, TURN_TO_PEER), 0);
	assert_int_equal(left(b, TURN_TO_PEER), 3600);
	set(limits, 2, 1, 0);
	assert_int_equal(left(a, TURN_TO_PEER), 0); /* its own is full, the user's empty */
	assert_int_equal(left(a, TURN_TO_CLIENT), 3600);
	set(limits, 0, 0, 0);
	assert_int_equal(left(a, TURN_TO_PEER), 100000);
	assert_int_equal(left(b, TURN_TO_PEER), 100000);
	set(limits, 1, 0, 0);
	assert_int_equal(left(b, TURN_TO_PEER), 3600);
	limits_free(limits, a);
	limits_free(limits, b);
	limits_close(limits);
}

/* However far it got, nothing is left of it. */
static void test_full(void **state)
{
	struct limits *limits = opened(1, 1, 1);
	struct limit *all[N], *more;
	int n = 0;

	(void)state;
	while (n < N && !limits_new(limits, n < 3 ? "alice" : "bob", &all[n]))
		n++;
	if (handle) {
		/* Of 63, all together have 2, each of the users 2, and each allocation 2. */
		assert_int_equal(n, 28);
		assert_int_equal(policers.n_free, 1);
		assert_int_equal(limits_new(limits, "carol", &more), -ENOSPC);
		assert_int_equal(limits_new(limits, "bob", &more), -ENOSPC);
		assert_int_equal(policers.n_free, 1);
		limits_free(limits, all[--n]);
		assert_int_equal(limits_new(limits, "carol", &more), -ENOSPC);
		assert_int_equal(policers.n_free, 3);
		limits_free(limits, all[--n]);
		more = limit_of(limits, "carol");
		assert_int_equal(policers.n_free, 1);
		limits_free(limits, more);
	}
	while (n > 0)
		limits_free(limits, all[--n]);
	limits_close(limits);
}

#define BOTH(TEST)                                                    \
	{ #TEST ", library", TEST, use_library, nothing_left, NULL }, \
	{                                                             \
#TEST ", own", TEST, use_own, nothing_left, NULL      \
	}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		BOTH(test_shared),    BOTH(test_user_only), BOTH(test_none),
		BOTH(test_set_rates), BOTH(test_full),
	};

	return cmocka_run_group_tests_name("limits", tests, NULL, NULL);
}
