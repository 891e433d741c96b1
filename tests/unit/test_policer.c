/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The arithmetic of a token bucket at given times, and many threads using one bucket. */
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
			turnpike_policer_make(TURNPIKE_POLICER_BYTES, rates[i], 3 * rates[i]);
		const unsigned __int128 scaled = (unsigned __int128)SECOND
						 << TURNPIKE_POLICER_SHIFT;

		assert_int_equal(policer.full, 0);
		assert_int_equal(policer.parent, 0);
		assert_int_equal(policer.unit, TURNPIKE_POLICER_BYTES);
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
		struct turnpike_policer policer =
			turnpike_policer_make(TURNPIKE_POLICER_BYTES, none[i], 1);

		assert_int_equal(policer.cost, 0);
		assert_true(charge(&policer, NOW, UINT32_MAX));
		assert_true(charge(&policer, NOW, UINT32_MAX));
	}
}

/*
 * The default burst is a quarter of a second, at least 64 KiB and what a packet costs besides, or
 * 64 packets. No burst exceeds an hour.
 */
static void test_bursts(void **state)
{
	(void)state;
	assert_int_equal(turnpike_policer_make(TURNPIKE_POLICER_BYTES, 1000000, 0).burst,
			 SECOND / 4);
	assert_int_equal(turnpike_policer_make(TURNPIKE_POLICER_BYTES, 65626, 0).burst, SECOND);
	assert_int_equal(turnpike_policer_make(TURNPIKE_POLICER_BYTES, 262504, 0).burst,
			 SECOND / 4);
	assert_int_equal(turnpike_policer_make(TURNPIKE_POLICER_BYTES, 262500, 0).burst,
			 65626 * SECOND / 262500);
	assert_int_equal(turnpike_policer_make(TURNPIKE_POLICER_PACKETS, 64, 0).burst, SECOND);
	assert_int_equal(turnpike_policer_make(TURNPIKE_POLICER_PACKETS, 255, 0).burst,
			 64 * SECOND / 255);
	assert_int_equal(turnpike_policer_make(TURNPIKE_POLICER_PACKETS, 260, 0).burst, SECOND / 4);
	assert_int_equal(turnpike_policer_make(TURNPIKE_POLICER_BYTES, 16000000000, 0).burst,
			 SECOND / 4);
	assert_int_equal(turnpike_policer_make(TURNPIKE_POLICER_BYTES, 3, 1).burst, SECOND / 3);
	assert_int_equal(
		turnpike_policer_make(TURNPIKE_POLICER_BYTES, 16000000000, 15999999999).burst,
		SECOND - 1);
	assert_int_equal(turnpike_policer_make(TURNPIKE_POLICER_BYTES, 10, 35999).burst,
			 35999 * SECOND / 10);
	assert_int_equal(turnpike_policer_make(TURNPIKE_POLICER_BYTES, 10, 36000).burst, HOUR);
	assert_int_equal(turnpike_policer_make(TURNPIKE_POLICER_BYTES, 1, UINT64_MAX).burst, HOUR);
	assert_int_equal(
		turnpike_policer_make(TURNPIKE_POLICER_BYTES, 16000000000, UINT64_MAX).burst, HOUR);
}

/* At 1,000 bytes per second, a byte takes a millisecond. */
static void test_by_the_byte(void **state)
{
	struct turnpike_policer policer = turnpike_policer_make(TURNPIKE_POLICER_BYTES, 1000, 1500);

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
	struct turnpike_policer policer = turnpike_policer_make(TURNPIKE_POLICER_BYTES, 1000, 1500);

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
	struct turnpike_policer policer =
		turnpike_policer_make(TURNPIKE_POLICER_BYTES, rate, 2 * DATAGRAM);
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
	struct turnpike_policer policer =
		turnpike_policer_make(TURNPIKE_POLICER_BYTES, 1, UINT64_MAX);
	size_t i;

	(void)state;
	assert_false(charge(&policer, NOW, DATAGRAM));
	assert_false(charge(&policer, NOW, 3601));
	assert_true(charge(&policer, NOW, 3600));
	assert_false(charge(&policer, NOW + SECOND - 1, 1));
	assert_true(charge(&policer, NOW + SECOND, 1));
	for (i = 2; i < RATES; i++) {
		policer = turnpike_policer_make(TURNPIKE_POLICER_BYTES, rates[i], 0);
		assert_true(charge(&policer, UINT64_MAX / 2, DATAGRAM));
		/* One byte too many, at rates where a byte takes 1 ns or more. */
		policer = turnpike_policer_make(TURNPIKE_POLICER_BYTES, rates[i], DATAGRAM - 1);
		if (rates[i] <= SECOND)
			assert_false(charge(&policer, UINT64_MAX / 2, DATAGRAM));
	}
}

#define THREADS 8
#define SIZE    100u
#define ROUNDS  200000
#define COST    (SIZE + TURNPIKE_POLICER_OVERHEAD)

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
	struct crowd crowd = { .policer = turnpike_policer_make(TURNPIKE_POLICER_BYTES, 10000000,
								50000),
			       .now = NOW };
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

/* A rate may change while others charge, which ThreadSanitizer checks. The burst passes anyway. */
static void test_crowd_changed(void **state)
{
	struct crowd crowd = { .policer = turnpike_policer_make(TURNPIKE_POLICER_BYTES, 10000000,
								50000),
			       .now = NOW };
	pthread_t threads[THREADS];
	int i;

	(void)state;
	pthread_barrier_init(&crowd.start, NULL, THREADS);
	for (i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, push, &crowd), 0);
	for (i = 0; i < 1000; i++)
		turnpike_policer_change(&crowd.policer,
					__atomic_load_n(&crowd.now, __ATOMIC_RELAXED),
					i % 2 ? 10000000 : 20000000, 50000);
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	pthread_barrier_destroy(&crowd.start);
	assert_true(crowd.passed >= 50000 / COST);
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
		levels->policers[i] =
			turnpike_policer_make(TURNPIKE_POLICER_BYTES, 1000, bursts[i]);
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
	struct turnpike_policer total = turnpike_policer_make(TURNPIKE_POLICER_BYTES, 1000000,
							      THREADS * ROUNDS / 20 * COST);
	const __u32 bursts[] = { ROUNDS * COST / 2 };
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
		assert_int_equal(taken(kin[i].levels.level[0], NOW), kin[i].passed * COST);
		passed += kin[i].passed;
	}
	pthread_barrier_destroy(&start);
	assert_int_equal(total.full - NOW, passed * COST * 1000);
	assert_true(passed >= THREADS * ROUNDS / 20);
	assert_true(passed <= THREADS * ROUNDS / 20 + THREADS);
}

/* A thread that always loses the race is charged anyway. A refusal needs no atomic update. */
static void test_interrupted(void **state)
{
	struct turnpike_policer policer = turnpike_policer_make(TURNPIKE_POLICER_BYTES, 1000, 1500);
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

/* With 1 to 4 levels, where each level in turn is one byte short. */
static void test_levels(void **state)
{
	int n, low, i;

	(void)state;
	for (n = 0; n <= TURNPIKE_POLICER_LEVELS; n++) {
		for (low = 0; low <= n; low++) {
			__u32 bursts[] = { 1090, 1090, 1090, 1090 };
			const bool fits = low == n;
			struct levels levels;

			if (!fits)
				bursts[low]--;
			make_levels(&levels, n, bursts);
			assert_int_equal(turnpike_policers_charge(levels.level, NOW, 1000), fits);
			for (i = 0; i < n; i++)
				assert_int_equal(taken(levels.level[i], NOW), fits ? 1090 : 0);
			if (!fits)
				continue;
			turnpike_policers_give_back(levels.level, TURNPIKE_POLICER_LEVELS, 1000);
			for (i = 0; i < n; i++)
				assert_int_equal(taken(levels.level[i], NOW), 0);
		}
	}
}

/* A refund keeps earlier charges, and those of others since. */
static void test_give_back(void **state)
{
	struct turnpike_policer policer = turnpike_policer_make(TURNPIKE_POLICER_BYTES, 1000, 1500);

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
	policer = turnpike_policer_make(TURNPIKE_POLICER_BYTES, 0, 0);
	turnpike_policer_give_back(&policer, UINT32_MAX);
	assert_int_equal(policer.full, 0);
}

/* Levels above one without a limit are charged, too. */
static void test_no_limit_between(void **state)
{
	const __u32 bursts[] = { 2000, 2000, 1590 };
	struct levels levels;

	(void)state;
	make_levels(&levels, 3, bursts);
	turnpike_policer_change(&levels.policers[1], NOW, 0, 0);
	assert_false(turnpike_policers_charge(levels.level, NOW, 1501));
	assert_true(turnpike_policers_charge(levels.level, NOW, 1500));
	assert_int_equal(taken(levels.level[0], NOW), 1590);
	assert_int_equal(levels.policers[1].full, 0);
	assert_false(turnpike_policers_charge(levels.level, NOW, 1));
}

/* A packet takes its data and the overhead from a bucket of bytes, and one from one of packets. */
static void test_units(void **state)
{
	struct turnpike_policer bytes = turnpike_policer_make(TURNPIKE_POLICER_BYTES, 1000, 1500);
	struct turnpike_policer packets = turnpike_policer_make(TURNPIKE_POLICER_PACKETS, 1000, 3);
	struct turnpike_policer *level[TURNPIKE_POLICER_LEVELS] = { &bytes, &packets };

	(void)state;
	assert_true(turnpike_policers_charge(level, NOW, 0));
	assert_int_equal(taken(&bytes, NOW), TURNPIKE_POLICER_OVERHEAD);
	assert_true(turnpike_policers_charge(level, NOW, 100));
	assert_int_equal(taken(&bytes, NOW), 100 + 2 * TURNPIKE_POLICER_OVERHEAD);
	assert_int_equal(taken(&packets, NOW), 2);
	/* Refused because of the bytes, and then, because of the packets. */
	assert_false(turnpike_policers_charge(level, NOW, 1500 - 100 - 3 * 90 + 1));
	assert_int_equal(taken(&packets, NOW), 2);
	assert_true(turnpike_policers_charge(level, NOW, 0));
	assert_false(turnpike_policers_charge(level, NOW, 0));
	assert_int_equal(taken(&bytes, NOW), 100 + 3 * TURNPIKE_POLICER_OVERHEAD);
	assert_true(turnpike_policers_charge(level, NOW + 1000000, 0));
	turnpike_policers_give_back(level, TURNPIKE_POLICER_LEVELS, 0);
	assert_int_equal(taken(&packets, NOW), 3);
}

/* A change keeps the parent, the unit, and the part of the burst that is missing. */
static void test_change(void **state)
{
	struct turnpike_policer policer = turnpike_policer_make(TURNPIKE_POLICER_BYTES, 1000, 1500);

	(void)state;
	policer.parent = 7;
	assert_true(charge(&policer, NOW, 500));
	turnpike_policer_change(&policer, NOW, 2000, 300);
	assert_int_equal(policer.parent, 7);
	assert_int_equal(policer.unit, TURNPIKE_POLICER_BYTES);
	assert_false(charge(&policer, NOW, 201));
	assert_true(charge(&policer, NOW, 200));
	assert_false(charge(&policer, NOW, 1));
	assert_false(charge(&policer, NOW + 499999, 1));
	assert_true(charge(&policer, NOW + 500000, 1));
}

/* No sequence of changes fills an empty bucket, and none empties a full one. */
static void test_changes(void **state)
{
	static const __u64 to[][2] = { { 1000, 0 },       { 16000000000, 0 },
				       { 1, 0 },          { 1000000, 1 },
				       { 0, 0 },          { 1000000, 0 },
				       { 7, UINT64_MAX }, { 3333333, UINT64_MAX } };
	struct turnpike_policer empty = turnpike_policer_make(TURNPIKE_POLICER_BYTES, 1000, 1500);
	struct turnpike_policer full = empty;
	size_t i;

	(void)state;
	empty.full = NOW + empty.burst;
	for (i = 0; i < 2 * ARRAY_LEN(to); i++) {
		const __u64 *change = to[i % ARRAY_LEN(to)];

		turnpike_policer_change(&empty, NOW, change[0], change[1]);
		turnpike_policer_change(&full, NOW, change[0], change[1]);
		assert_true(full.full <= NOW);
		if (empty.cost)
			assert_int_equal(empty.full, NOW + empty.burst);
	}
}

/* What is continued lacks as much, but never more than all. */
static void test_continue(void **state)
{
	struct turnpike_policer policer = turnpike_policer_make(TURNPIKE_POLICER_BYTES, 1000, 1500);

	(void)state;
	turnpike_policer_continue(&policer, NOW, NOW + SECOND);
	assert_false(charge(&policer, NOW, 501));
	assert_true(charge(&policer, NOW, 500));
	turnpike_policer_continue(&policer, NOW, NOW + HOUR);
	assert_int_equal(policer.full, NOW + policer.burst);
	turnpike_policer_continue(&policer, NOW, 0);
	assert_int_equal(policer.full, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_of),
		cmocka_unit_test(test_no_limit),
		cmocka_unit_test(test_bursts),
		cmocka_unit_test(test_by_the_byte),
		cmocka_unit_test(test_late_clock),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_crowd_changed),
		cmocka_unit_test(test_crowd_above),
		cmocka_unit_test(test_interrupted),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_give_back),
		cmocka_unit_test(test_no_limit_between),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_change),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_continue),
	};

	return cmocka_run_group_tests_name("a policer", tests, NULL, NULL);
}
