/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The map of next hops as programs see it: hops change atomically, and the least recently freed
 * index is reused first.
 */
#include <errno.h>
#include <linux/membarrier.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>

#include <cmocka.h>

#include "net/hops.h"

#define MAX      5
#define NS_PER_S 1000000000ull

static struct turnpike_nexthop map[MAX];
static struct turnpike_nexthop seen[MAX]; /* the map at the last wait for programs */
static struct hops hops;
static int waits;
static __u64 now; /* ns */

long __wrap_syscall(long number, int command, unsigned int flags, int cpu);

long __wrap_syscall(long number, int command, unsigned int flags, int cpu)
{
	assert_int_equal(number, __NR_membarrier);
	assert_int_equal(command, MEMBARRIER_CMD_GLOBAL);
	assert_int_equal(flags | (unsigned int)cpu, 0);
	memcpy(seen, map, sizeof(map));
	waits++;
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	memset(map, 0, sizeof(map));
	waits = 0;
	now = NS_PER_S;
	return hops_open(map, MAX, &hops);
}

static int tear_down(void **state)
{
	(void)state;
	hops_close(&hops);
	return 0;
}

static struct turnpike_hop hop_by(__u32 ifindex)
{
	return (struct turnpike_hop){ .ifindex = ifindex, .mtu = 1500, .smac = { 2 } };
}

static void test_least_recently_freed_is_reused(void **state)
{
	static const __u32 expected[] = { 1, 2, 3, 4 };
	__u32 index;
	size_t i, round;

	(void)state;
	for (i = 0; i < MAX - 1; i++) {
		assert_int_equal(hops_take(&hops, now, &index), 0);
		assert_int_equal(index, expected[i]);
	}
	assert_int_equal(hops_take(&hops, now, &index), -ENOSPC);
	/* More iterations than elements, so that the ring wraps. */
	for (round = 0; round < 3; round++) {
		hops_give(&hops, 3);
		hops_give(&hops, 1);
		hops_give(&hops, 4);
		now += NS_PER_S;
		assert_int_equal(hops_take(&hops, now, &index), 0);
		assert_int_equal(index, 3);
		assert_int_equal(hops_take(&hops, now, &index), 0);
		assert_int_equal(index, 1);
		assert_int_equal(hops_take(&hops, now, &index), 0);
		assert_int_equal(index, 4);
		assert_int_equal(hops_take(&hops, now, &index), -ENOSPC);
	}
}

/* A program may go on reading the current hop while the next one is written. */
static void test_current_hop_is_not_overwritten(void **state)
{
	const struct turnpike_hop one = hop_by(1), two = hop_by(2);
	struct turnpike_nexthop before;
	__u32 index;

	(void)state;
	assert_int_equal(hops_take(&hops, now, &index), 0);
	hops_set(&hops, index, &one);
	before = map[index];
	assert_memory_equal(&before.hop[before.current & 1], &one, sizeof(one));
	hops_set(&hops, index, &two);
	assert_int_equal(map[index].current, before.current + 1);
	assert_memory_equal(&map[index].hop[before.current & 1], &one, sizeof(one));
	assert_memory_equal(&map[index].hop[map[index].current & 1], &two, sizeof(two));
	assert_memory_equal(hops_get(&hops, index), &two, sizeof(two));
	/* Setting the same hop changes nothing. */
	hops_set(&hops, index, &two);
	assert_int_equal(map[index].current, before.current + 1);
}

/* A program may have read @current before the last change, so that hop is not overwritten yet. */
static void test_programs_end_before_a_hop_is_overwritten(void **state)
{
	const struct turnpike_hop one = hop_by(1), two = hop_by(2), three = hop_by(3);
	__u32 first, second;

	(void)state;
	assert_int_equal(hops_take(&hops, now, &first), 0);
	assert_int_equal(hops_take(&hops, now, &second), 0);
	hops_set(&hops, first, &one);
	hops_set(&hops, second, &one);
	assert_int_equal(waits, 0);
	hops_set(&hops, first, &two);
	assert_int_equal(waits, 1);
	assert_memory_equal(&seen[first].hop[seen[first].current & 1], &one, sizeof(one));
	/* One wait is enough for all elements. */
	hops_set(&hops, second, &two);
	assert_int_equal(waits, 1);
	hops_set(&hops, first, &three);
	assert_int_equal(waits, 2);
	assert_memory_equal(&seen[first].hop[~seen[first].current & 1], &one, sizeof(one));
}

/* The same hop under another number: programs go on reading it, and nothing waits for them. */
static void test_renewed_hop_stays(void **state)
{
	const struct turnpike_hop one = hop_by(1);
	struct turnpike_nexthop before;
	__u32 index;
	int i;

	(void)state;
	assert_int_equal(hops_take(&hops, now, &index), 0);
	hops_set(&hops, index, &one);
	for (i = 0; i < 3; i++) {
		before = map[index];
		hops_renew(&hops, index);
		assert_int_not_equal(map[index].current, before.current);
		assert_int_equal(map[index].current & 1, before.current & 1);
		assert_memory_equal(map[index].hop, before.hop, sizeof(before.hop));
	}
	assert_int_equal(waits, 0);
}

/* What a flow remembers of a freed element does not become true again, nor does 0 ever occur. */
static void test_numbers_go_on(void **state)
{
	const struct turnpike_hop one = hop_by(1), two = hop_by(2);
	__u32 index, before;
	int i;

	(void)state;
	map[1].current = UINT32_MAX - 1;
	assert_int_equal(hops_take(&hops, now, &index), 0);
	assert_int_equal(index, 1);
	assert_int_equal(map[1].current, UINT32_MAX);
	hops_renew(&hops, 1);
	assert_int_equal(map[1].current, 1);
	map[1].current = UINT32_MAX - 1;
	hops_renew(&hops, 1);
	assert_int_equal(map[1].current, 2);
	map[1].current = UINT32_MAX;
	hops_set(&hops, 1, &one);
	assert_int_equal(map[1].current, 2);
	assert_memory_equal(hops_get(&hops, 1), &one, sizeof(one));
	hops_set(&hops, 1, &two);
	before = map[1].current;
	hops_give(&hops, 1);
	for (i = 0; i < MAX - 1; i++)
		assert_int_equal(hops_take(&hops, now, &index), 0);
	assert_int_equal(index, 1);
	assert_int_equal(map[1].current, before + 1);
	assert_int_equal(hops_get(&hops, 1)->ifindex, 0);
}

/* Programs with the deleted flow end before its index gets another hop. */
static void test_programs_end_before_an_index_is_reused(void **state)
{
	const struct turnpike_hop one = hop_by(1);
	__u32 index;
	int i;

	(void)state;
	assert_int_equal(hops_take(&hops, now, &index), 0);
	hops_give(&hops, index);
	for (i = 0; i < MAX - 1; i++)
		assert_int_equal(hops_take(&hops, now, &index), 0);
	assert_int_equal(index, 1);
	hops_set(&hops, index, &one);
	assert_int_equal(waits, 1);
}

/* A freed hop, which a program may still read, stays until its element is taken. */
static void test_reused_element_is_not_resolved(void **state)
{
	const struct turnpike_hop one = hop_by(1), none = { 0 };
	__u32 index;
	int i;

	(void)state;
	assert_int_equal(hops_take(&hops, now, &index), 0);
	hops_set(&hops, index, &one);
	hops_give(&hops, index);
	assert_int_equal(waits, 0);
	assert_memory_equal(hops_get(&hops, index), &one, sizeof(one));
	for (i = 0; i < MAX - 1; i++)
		assert_int_equal(hops_take(&hops, now, &index), 0);
	assert_int_equal(index, 1);
	assert_int_equal(waits, 1);
	assert_memory_equal(&seen[index].hop[seen[index].current & 1], &one, sizeof(one));
	assert_memory_equal(hops_get(&hops, index), &none, sizeof(none));
	assert_memory_equal(&map[0], &(struct turnpike_nexthop){ 0 }, sizeof(map[0]));
}

/* Otherwise short-lived pairs could stall the server. */
static void test_waits_once_a_second(void **state)
{
	__u32 index;
	int i;

	(void)state;
	for (i = 0; i < MAX - 1; i++)
		assert_int_equal(hops_take(&hops, now, &index), 0);
	hops_give(&hops, index);
	assert_int_equal(hops_take(&hops, now, &index), 0);
	assert_int_equal(waits, 1);
	hops_give(&hops, index);
	assert_int_equal(hops_take(&hops, now, &index), -EAGAIN);
	assert_int_equal(waits, 1);
	now += NS_PER_S - 1;
	assert_int_equal(hops_take(&hops, now, &index), -EAGAIN);
	now += 1;
	assert_int_equal(hops_take(&hops, now, &index), 0);
	assert_int_equal(waits, 2);
}

/* A refused pair leaves no hop that must settle. */
static void test_prepared_both_or_none(void **state)
{
	__u32 index, i;

	(void)state;
	assert_int_equal(hops_prepare(&hops, MAX, now), -ENOSPC);
	assert_int_equal(hops_prepare(&hops, 0, now), 0);
	for (i = 0; i < MAX - 2; i++)
		assert_int_equal(hops_take(&hops, now, &index), 0);
	assert_int_equal(hops_prepare(&hops, 2, now), -ENOSPC);
	/* One of the two was never used, the other one was just freed. */
	hops_give(&hops, index);
	assert_int_equal(waits, 0);
	assert_int_equal(hops_prepare(&hops, 2, now), 0);
	assert_int_equal(waits, 1);
	assert_int_equal(hops_take(&hops, now, &index), 0);
	assert_int_equal(hops_take(&hops, now, &index), 0);
	assert_int_equal(waits, 1);
}

/* One wait settles all freed hops, regardless of their number. */
static void test_one_wait_settles_all(void **state)
{
	__u32 index, i;

	(void)state;
	for (i = 0; i < MAX - 1; i++)
		assert_int_equal(hops_take(&hops, now, &index), 0);
	for (i = 1; i < MAX; i++)
		hops_give(&hops, i);
	for (i = 1; i < MAX; i++)
		assert_int_equal(hops_take(&hops, now, &index), 0);
	assert_int_equal(waits, 1);
}

/* Two are equal by chance once in 2^32. */
static void test_identifications_start_at_random(void **state)
{
	__u32 first, second;

	(void)state;
	assert_int_equal(hops_take(&hops, now, &first), 0);
	assert_int_equal(hops_take(&hops, now, &second), 0);
	assert_int_not_equal(map[first].ip4_id, map[second].ip4_id);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_least_recently_freed_is_reused, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_current_hop_is_not_overwritten, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_programs_end_before_a_hop_is_overwritten,
						set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_renewed_hop_stays, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_numbers_go_on, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_programs_end_before_an_index_is_reused, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_reused_element_is_not_resolved, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_waits_once_a_second, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_prepared_both_or_none, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_one_wait_settles_all, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_identifications_start_at_random, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
