/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Policers: the arithmetic of a bucket with a mocked clock, and many threads using one bucket. */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <turnpike/abi.h>

#include "policer_interrupted.h"
#include "flows/policers.h"
#include "private/array_len.h"

#define SECOND   1000000000ull
#define HOUR     (3600 * SECOND)
#define NOW      (12345 * SECOND + 678)
#define DATAGRAM 65507u

/* Bytes per second. The last one is the highest rate that is not unlimited. */
static const __u64 rates[] = { 1,       7,         1000,        12345,      1000000,
			       3333333, 125000000, 12500000000, 16000000000 };

#define RATES ARRAY_LEN(rates)

static bool charge(struct turnpike_policer *policer, __u64 now, __u32 bytes)
{
	return turnpike_policer_charge(policer, now, bytes);
}

/* A cost is rounded down by less than its last bit, a burst by less than 1 ns. */
static void test_of(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < RATES; i++) {
		const struct turnpike_policer policer =
			turnpike_policer_make(rates[i], 3 * rates[i]);
		const unsigned __int128 scaled = (unsigned __int128)SECOND
						 << TURNPIKE_POLICER_SHIFT;

		assert_int_equal(policer.full, 0);
		assert_int_equal(policer.parent, 0);
		assert_int_equal(policer.pad, 0);
		assert_true(policer.cost >= 1 << 12); /* the remaining precision */
		assert_true((unsigned __int128)policer.cost * rates[i] <= scaled);
		assert_true((unsigned __int128)(policer.cost + 1) * rates[i] > scaled);
		assert_int_equal(policer.burst, 3 * SECOND);
	}
}

static void test_no_limit(void **state)
{
	static const __u64 none[] = { 0, 16000000001, UINT64_MAX };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(none); i++) {
		struct turnpike_policer policer = turnpike_policer_make(none[i], 1);

		assert_int_equal(policer.cost, 0);
		assert_true(charge(&policer, NOW, UINT32_MAX));
		assert_true(charge(&policer, NOW, UINT32_MAX));
	}
}

/* The default burst is a quarter of a second, at least 64 KiB. No burst exceeds an hour. */
static void test_bursts(void **state)
{
	(void)state;
	assert_int_equal(turnpike_policer_make(1000000, 0).burst, SECOND / 4);
	assert_int_equal(turnpike_policer_make(65536, 0).burst, SECOND);
	assert_int_equal(turnpike_policer_make(262144, 0).burst, SECOND / 4);
	assert_int_equal(turnpike_policer_make(262140, 0).burst, 65536 * SECOND / 262140);
	assert_int_equal(turnpike_policer_make(16000000000, 0).burst, SECOND / 4);
	assert_int_equal(turnpike_policer_make(3, 1).burst, SECOND / 3);
	assert_int_equal(turnpike_policer_make(16000000000, 15999999999).burst, SECOND - 1);
	assert_int_equal(turnpike_policer_make(10, 35999).burst, 35999 * SECOND / 10);
	assert_int_equal(turnpike_policer_make(10, 36000).burst, HOUR);
	assert_int_equal(turnpike_policer_make(1, UINT64_MAX).burst, HOUR);
	assert_int_equal(turnpike_policer_make(16000000000, UINT64_MAX).burst, HOUR);
}

/* At 1,000 bytes per second, a byte takes a millisecond. */
static void test_by_the_byte(void **state)
{
	struct turnpike_policer policer = turnpike_policer_make(1000, 1500);

	(void)state;
	assert_false(charge(&policer, NOW, 1501));
	assert_int_equal(policer.full, 0); /* refused bytes are not charged */
	assert_true(charge(&policer, NOW, 1500));
	assert_int_equal(policer.full, NOW + 1500000000);
	assert_false(charge(&policer, NOW, 1));
	assert_true(charge(&policer, NOW, 0));
	assert_false(charge(&policer, NOW + 999999, 1));
	assert_true(charge(&policer, NOW + 1000000, 1));
	assert_false(charge(&policer, NOW + 1000000, 1));
	/* The bucket does not exceed its burst. */
	assert_false(charge(&policer, NOW + HOUR, 1501));
	assert_true(charge(&policer, NOW + HOUR, 750));
	assert_true(charge(&policer, NOW + HOUR, 750));
	assert_false(charge(&policer, NOW + HOUR, 1));
}

/* A clock that lags by a tick gives no credit. */
static void test_late_clock(void **state)
{
	struct turnpike_policer policer = turnpike_policer_make(1000, 1500);

	(void)state;
	assert_true(charge(&policer, NOW, 1500));
	assert_false(charge(&policer, NOW - 4000000, 1));
	assert_false(charge(&policer, NOW, 1));
}

/*
 * Sends datagrams at the highest possible rate for an hour. The bytes that pass must match rate and
 * burst, except for the last datagram and rounding: 1 ns per datagram and the last bit of the cost.
 */
static void hour_at(__u64 rate, __u32 size, __u64 step)
{
	struct turnpike_policer policer = turnpike_policer_make(rate, 2 * DATAGRAM);
	const __u64 steps = HOUR / step;
	unsigned __int128 fair, rounded;
	__u64 passed = 0, n = 0, i;

	for (i = 0; i <= steps; i++) {
		while (charge(&policer, NOW + i * step, size)) {
			passed += size;
			n++;
		}
	}
	fair = (unsigned __int128)(steps * step + policer.burst) * rate / SECOND;
	rounded = fair / policer.cost + (unsigned __int128)n * rate / SECOND + 1;
	assert_true(passed <= fair + rounded);
	assert_true(passed + size + (unsigned __int128)step * rate / SECOND + 1 >= fair);
}

static void test_long(void **state)
{
	(void)state;
	hour_at(7, 1, SECOND);
	hour_at(1000, 1200, SECOND / 10);
	hour_at(12345, 172, SECOND / 50);
	hour_at(1000000, 1199, SECOND / 100);
	hour_at(3333333, 1200, SECOND / 1000 + 7);
	hour_at(100000, DATAGRAM, SECOND / 10);
}

/* Neither the largest datagram at the highest cost nor late times overflow. */
static void test_extremes(void **state)
{
	struct turnpike_policer policer = turnpike_policer_make(1, UINT64_MAX);
	size_t i;

	(void)state;
	assert_false(charge(&policer, NOW, DATAGRAM));
	assert_false(charge(&policer, NOW, 3601));
	assert_true(charge(&policer, NOW, 3600));
	assert_false(charge(&policer, NOW + SECOND - 1, 1));
	assert_true(charge(&policer, NOW + SECOND, 1));
	for (i = 2; i < RATES; i++) {
		policer = turnpike_policer_make(rates[i], 0);
		assert_true(charge(&policer, UINT64_MAX / 2, DATAGRAM));
		/* One byte too many, at rates where a byte takes 1 ns or more. */
		policer = turnpike_policer_make(rates[i], DATAGRAM - 1);
		if (rates[i] <= SECOND)
			assert_false(charge(&policer, UINT64_MAX / 2, DATAGRAM));
	}
}

#define THREADS 8
#define SIZE    100u
#define ROUNDS  200000

struct crowd {
	struct turnpike_policer policer;
	pthread_barrier_t start;
	__u64 now; /* advances with each charge */
	__u64 passed;
};

static void *push(void *arg)
{
	struct crowd *crowd = arg;
	__u64 passed = 0;
	int i;

	pthread_barrier_wait(&crowd->start);
	for (i = 0; i < ROUNDS; i++) {
		const __u64 now = __atomic_add_fetch(&crowd->now, 100, __ATOMIC_RELAXED);

		passed += charge(&crowd->policer, now, SIZE);
	}
	__atomic_add_fetch(&crowd->passed, passed, __ATOMIC_RELAXED);
	return NULL;
}

/*
 * No charge is lost. A thread that loses the race too often charges without a check. Until the
 * bucket has recovered, each thread can do so once, which bounds the excess.
 */
static void test_crowd(void **state)
{
	struct crowd crowd = { .policer = turnpike_policer_make(10000000, 50000), .now = NOW };
	const __u64 elapsed = (__u64)THREADS * ROUNDS * 100;
	pthread_t threads[THREADS];
	__u64 bytes, allowed;
	int i;

	(void)state;
	pthread_barrier_init(&crowd.start, NULL, THREADS);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, push, &crowd), 0);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&crowd.start);
	assert_int_equal(crowd.now, NOW + elapsed);
	bytes = crowd.passed * SIZE;
	allowed = 50000 + elapsed / 100; /* a byte takes 100 ns */
	assert_true(bytes <= allowed + THREADS * SIZE);
	/* The bucket was never full after the start, so @full contains all that passed. */
	assert_true(crowd.policer.full >= NOW + bytes * 100);
	assert_true(bytes + SIZE >= elapsed / 100);
}

/* Levels with 1 byte per millisecond. */
struct levels {
	struct turnpike_policer policers[TURNPIKE_POLICER_LEVELS];
	struct turnpike_policer *level[TURNPIKE_POLICER_LEVELS];
};

static void make_levels(struct levels *levels, int n, const __u32 *bursts)
{
	int i;

	*levels = (struct levels){ 0 };
	for (i = 0; i < n; i++) {
		levels->policers[i] = turnpike_policer_make(1000, bursts[i]);
		levels->level[i] = &levels->policers[i];
	}
}

/* The bytes missing from a bucket at @now. */
static __u64 taken(const struct turnpike_policer *policer, __u64 now)
{
	return policer->full > now ? (policer->full - now) / 1000000 : 0;
}

struct kin {
	struct levels levels;
	pthread_barrier_t *start;
	__u64 passed;
};

static void *push_levels(void *arg)
{
	struct kin *kin = arg;
	int i;

	pthread_barrier_wait(kin->start);
	for (i = 0; i < ROUNDS; i++)
		kin->passed += turnpike_policers_charge(kin->levels.level, NOW, SIZE);
	return NULL;
}

/* Threads with a bucket each share a parent: refused bytes do not stay charged. */
static void test_crowd_above(void **state)
{
	struct turnpike_policer total =
		turnpike_policer_make(1000000, THREADS * ROUNDS / 10 * SIZE);
	const __u32 bursts[] = { ROUNDS * SIZE / 2 };
	struct kin kin[THREADS];
	pthread_t threads[THREADS];
	pthread_barrier_t start;
	__u64 passed = 0;
	int i;

	(void)state;
	pthread_barrier_init(&start, NULL, THREADS);
	for (i = 0; i < THREADS; i++) {
		kin[i] = (struct kin){ .start = &start };
		make_levels(&kin[i].levels, 1, bursts);
		kin[i].levels.level[1] = &total;
		assert_int_equal(pthread_create(&threads[i], NULL, push_levels, &kin[i]), 0);
	}
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_int_equal(taken(kin[i].levels.level[0], NOW), kin[i].passed * SIZE);
		passed += kin[i].passed;
	}
	pthread_barrier_destroy(&start);
	assert_int_equal(total.full - NOW, passed * SIZE * 1000);
	assert_true(passed >= THREADS * ROUNDS / 10);
	assert_true(passed <= THREADS * ROUNDS / 10 + THREADS);
}

/* A thread that always loses the race is charged anyway. A refusal needs no atomic update. */
static void test_interrupted(void **state)
{
	struct turnpike_policer policer = turnpike_policer_make(1000, 1500);
	bool passes;

	(void)state;
	policer.full = NOW + SECOND; /* 500 bytes remain */
	assert_int_equal(charge_interrupted(&policer, NOW, 500, &passes), TURNPIKE_POLICER_TRIES);
	assert_true(passes);
	assert_int_equal(policer.full, NOW + SECOND + SECOND / 2);
	assert_int_equal(charge_interrupted(&policer, NOW, 1, &passes), 0);
	assert_false(passes);
	assert_int_equal(policer.full, NOW + SECOND + SECOND / 2);
}

/* With 1, 2 and 3 levels, where each level in turn is one byte short. */
static void test_levels(void **state)
{
	int n, low, i;

	(void)state;
	for (n = 0; n <= TURNPIKE_POLICER_LEVELS; n++) {
		for (low = 0; low <= n; low++) {
			__u32 bursts[] = { 1000, 1000, 1000 };
			const bool fits = low == n;
			struct levels levels;

			if (!fits)
				bursts[low]--;
			make_levels(&levels, n, bursts);
			assert_int_equal(turnpike_policers_charge(levels.level, NOW, 1000), fits);
			for (i = 0; i < n; i++)
				assert_int_equal(taken(levels.level[i], NOW), fits ? 1000 : 0);
			if (!fits)
				continue;
			turnpike_policers_give_back(levels.level, 1000);
			for (i = 0; i < n; i++)
				assert_int_equal(taken(levels.level[i], NOW), 0);
		}
	}
}

/* A refund keeps earlier charges, and those of others since. */
static void test_give_back(void **state)
{
	struct turnpike_policer policer = turnpike_policer_make(1000, 1500);

	(void)state;
	assert_true(charge(&policer, NOW, 300));
	assert_true(charge(&policer, NOW, 500));
	assert_true(charge(&policer, NOW, 700));
	turnpike_policer_give_back(&policer, 500);
	assert_int_equal(taken(&policer, NOW), 1000);
	assert_false(charge(&policer, NOW, 501));
	assert_true(charge(&policer, NOW, 500));
	/* A late refund does not fill the bucket beyond its burst. */
	turnpike_policer_give_back(&policer, 1500);
	assert_false(charge(&policer, NOW + HOUR, 1501));
	assert_true(charge(&policer, NOW + HOUR, 1500));
	/* A policer without a limit is not written. */
	policer = turnpike_policer_make(0, 0);
	turnpike_policer_give_back(&policer, UINT32_MAX);
	assert_int_equal(policer.full, 0);
}

/* Levels above one without a limit are charged, too. */
static void test_no_limit_between(void **state)
{
	const __u32 bursts[] = { 2000, 2000, 1500 };
	struct levels levels;

	(void)state;
	make_levels(&levels, 3, bursts);
	turnpike_policer_change(&levels.policers[1], 0, 0);
	assert_false(turnpike_policers_charge(levels.level, NOW, 1501));
	assert_true(turnpike_policers_charge(levels.level, NOW, 1500));
	assert_int_equal(taken(levels.level[0], NOW), 1500);
	assert_int_equal(levels.policers[1].full, 0);
	assert_false(turnpike_policers_charge(levels.level, NOW, 1));
}

/* A change refills the bucket and keeps the parent. */
static void test_change(void **state)
{
	struct turnpike_policer policer = turnpike_policer_make(1000, 1500);

	(void)state;
	policer.parent = 7;
	assert_true(charge(&policer, NOW, 1500));
	turnpike_policer_change(&policer, 2000, 500);
	assert_int_equal(policer.parent, 7);
	assert_false(charge(&policer, NOW, 501));
	assert_true(charge(&policer, NOW, 500));
	assert_false(charge(&policer, NOW + 499999, 1));
	assert_true(charge(&policer, NOW + 500000, 1));
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
		assert_int_equal(policers_new(&policers, 1000, 3000, 0, &index), 0);
		assert_in_range(index, TURNPIKE_RESERVED_POLICERS, 7);
		assert_false(used[index]);
		used[index] = true;
		assert_int_equal(map[index].burst, 3 * SECOND);
	}
	assert_int_equal(policers_new(&policers, 1000, 0, 0, &index), -ENOSPC);
	policers_free(&policers, 3);
	assert_int_equal(map[3].cost, 0);
	assert_int_equal(policers_new(&policers, 1000, 0, 0, &index), 0);
	assert_int_equal(index, 3);
	policers_free(&policers, 0);
	policers_free(&policers, 8);
	assert_int_equal(policers_new(&policers, 1000, 0, 0, &index), -ENOSPC);
	assert_int_equal(policers_set(&policers, 0, 1, 1), -EINVAL);
	assert_int_equal(policers_set(&policers, 8, 1, 1), -EINVAL);
	assert_int_equal(map[0].cost, 0);
	policers_close(&policers);
}

/* With the real clock: a burst of an hour does not pass twice. */
static void test_charge(void **state)
{
	struct turnpike_policer map[4] = { 0 };
	struct policers policers = { 0 };
	__u32 index = 0;

	(void)state;
	assert_int_equal(policers_open(&policers, map, 4), 0);
	assert_int_equal(policers_new(&policers, 1, 3600, 0, &index), 0);
	assert_int_equal(policers_charge(&policers, index, 3600), 0);
	assert_int_equal(policers_charge(&policers, index, 3600), -EDQUOT);
	assert_int_equal(policers_charge(&policers, 0, UINT32_MAX), 0);
	assert_int_equal(policers_charge(&policers, 4, UINT32_MAX), 0);
	policers_free(&policers, index);
	assert_int_equal(policers_charge(&policers, index, UINT32_MAX), 0);
	policers_close(&policers);
}

static __u32 number_under(struct policers *policers, __u32 parent, __u32 burst)
{
	__u32 index = 0;

	assert_int_equal(policers_new(policers, 1, burst, parent, &index), 0);
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
	assert_int_equal(policers_new(&policers, 1, 1, allocation[0], &index), -EINVAL);
	assert_int_equal(policers_new(&policers, 1, 1, 16, &index), -EINVAL);
	assert_int_equal(index, 99);

	assert_int_equal(policers_charge(&policers, allocation[0], 1501), -EDQUOT);
	assert_int_equal(policers_charge(&policers, allocation[0], 1500), 0);
	assert_int_equal(policers_charge(&policers, allocation[1], 501), -EDQUOT); /* the user */
	assert_int_equal(policers_charge(&policers, allocation[1], 500), 0);
	assert_int_equal(policers_charge(&policers, allocation[2], 1001), -EDQUOT); /* the total */
	assert_int_equal(policers_charge(&policers, allocation[2], 1000), 0);
	assert_int_equal(policers_charge(&policers, allocation[3], 1), -EDQUOT);

	/* A new total refills at once; the refusals before did not charge the lower levels. */
	assert_int_equal(policers_set(&policers, total, 1, 3000), 0);
	assert_int_equal(policers_charge(&policers, allocation[3], 1001), -EDQUOT);
	assert_int_equal(policers_charge(&policers, allocation[3], 1000), 0);

	/* A reused index has lost its former parent. */
	policers_free(&policers, allocation[3]);
	assert_int_equal(number_under(&policers, 0, 3600), allocation[3]);
	assert_int_equal(policers_charge(&policers, allocation[3], 3600), 0);
	policers_close(&policers);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_of),          cmocka_unit_test(test_no_limit),
		cmocka_unit_test(test_bursts),      cmocka_unit_test(test_by_the_byte),
		cmocka_unit_test(test_late_clock),  cmocka_unit_test(test_long),
		cmocka_unit_test(test_extremes),    cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_interrupted), cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_charge),      cmocka_unit_test(test_levels),
		cmocka_unit_test(test_give_back),   cmocka_unit_test(test_no_limit_between),
		cmocka_unit_test(test_change),      cmocka_unit_test(test_family),
		cmocka_unit_test(test_crowd_above),
	};

	return cmocka_run_group_tests_name("policers", tests, NULL, NULL);
}
