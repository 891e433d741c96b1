/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Bindings that wait for room: their order, their retries, and the cost of a refusal. Four
 * variables replace the kernel, and the clock is mocked.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "flows/binding.h"
#include "flows/waiting.h"
#include "private/array_len.h"

#define NS_PER_MS 1000000ull
#define NS_PER_S  1000000000ull
#define MAX       100
#define PAUSE     (10 * NS_PER_MS)

static struct waiting *waiting;
static __u64 now;
static __u64 cost; /* ns that an attempt takes */

/* The kernel. */
static int room4, room6; /* bindings that still fit, by the client's family */
static int hops;         /* free next hops */
static bool is_settled;  /* whether freed next hops may be used */
static int error;        /* with which the kernel refuses every binding; 0: none */
static int tries;
static int bound[MAX], n_bound; /* channels, in the order in which they were bound */
static struct turnpike_binding last;

int __wrap_clock_gettime(clockid_t id, struct timespec *ret);

int __wrap_clock_gettime(clockid_t id, struct timespec *ret)
{
	assert_int_equal(id, CLOCK_MONOTONIC);
	ret->tv_sec = (time_t)(now / NS_PER_S);
	ret->tv_nsec = (long)(now % NS_PER_S);
	return 0;
}

static int try_binding(void *arg, const struct turnpike_binding *binding)
{
	const bool is_v4 = binding->client.family == TURNPIKE_IPV4;

	assert_ptr_equal(arg, &room4);
	tries++;
	now += cost;
	if (error)
		return error;
	if ((is_v4 ? room4 : room6) == 0)
		return is_v4 ? SHORT_OF_FLOWS4 : SHORT_OF_FLOWS6;
	if (hops == 0)
		return SHORT_OF_NEXTHOPS;
	if (!is_settled)
		return SHORT_OF_TIME;
	hops--;
	*(is_v4 ? &room4 : &room6) -= 1;
	bound[n_bound++] = binding->channel;
	last = *binding;
	return 0;
}

static int set_up(void **state)
{
	(void)state;
	now = 1000 * NS_PER_S;
	cost = 0;
	room4 = room6 = 0;
	hops = MAX;
	is_settled = true;
	error = tries = n_bound = 0;
	return waiting_open(try_binding, &room4, MAX, &waiting);
}

static int tear_down(void **state)
{
	(void)state;
	waiting_close(waiting);
	return 0;
}

static struct turnpike_binding binding_of(int channel, __u32 family)
{
	return (struct turnpike_binding){
		.client = { .family = (__u8)family, .port = 1 },
		.server = { .family = (__u8)family, .port = 2 },
		.relay = { .family = TURNPIKE_IPV4, .port = 3 },
		.peer = { .family = TURNPIKE_IPV4, .port = (__be16)channel },
		.channel = (__u16)channel,
		.channel_expires = now + 600 * NS_PER_S,
		.permission_expires = now + 300 * NS_PER_S,
	};
}

static int bind4(int channel)
{
	const struct turnpike_binding binding = binding_of(channel, TURNPIKE_IPV4);

	return waiting_bind(waiting, &binding);
}

static int bind6(int channel)
{
	const struct turnpike_binding binding = binding_of(channel, TURNPIKE_IPV6);

	return waiting_bind(waiting, &binding);
}

static int unbind4(int channel)
{
	const struct turnpike_binding binding = binding_of(channel, TURNPIKE_IPV4);

	return waiting_unbind(waiting, &binding);
}

static __u32 count(enum turnpike_wait what)
{
	return waiting_count(waiting, what);
}

static __u32 count_all(void)
{
	enum turnpike_wait what;
	__u32 sum = 0;

	for (what = 0; what < TURNPIKE_WAIT_MAX; what++)
		sum += count(what);
	return sum;
}

/* Polls whenever something is due until @when, like a user of the library. */
static void poll_until(__u64 when)
{
	while (waiting_due(waiting) && waiting_due(waiting) <= when) {
		if (now < waiting_due(waiting))
			now = waiting_due(waiting);
		waiting_poll(waiting);
		assert_true(!waiting_due(waiting) || waiting_due(waiting) > now);
	}
	if (now < when)
		now = when;
}

static void assert_bound(const int *channels, int n)
{
	int i;

	assert_int_equal(n_bound, n);
	for (i = 0; i < n; i++)
		assert_int_equal(bound[i], channels[i]);
}

#define ASSERT_BOUND(...)                          \
	assert_bound((const int[]){ __VA_ARGS__ }, \
		     (int)(sizeof((const int[]){ __VA_ARGS__ }) / sizeof(int)))

static void test_no_wait_with_room(void **state)
{
	(void)state;
	room4 = 1;
	assert_int_equal(bind4(1), 0);
	ASSERT_BOUND(1);
	assert_int_equal(count_all(), 0);
	assert_int_equal(waiting_due(waiting), 0);
	assert_int_equal(unbind4(1), -ENOENT);
}

/* Room goes to the longest waiting. After the first that does not fit, no more are tried. */
static void test_room_goes_to_the_first(void **state)
{
	int i;

	(void)state;
	for (i = 1; i <= 20; i++)
		assert_int_equal(bind4(i), -EAGAIN);
	assert_int_equal(count(TURNPIKE_WAIT_FLOWS), 20);
	tries = 0;
	room4 = 2;
	waiting_has_room(waiting);
	poll_until(now + PAUSE);
	ASSERT_BOUND(1, 2);
	assert_int_equal(tries, 3);
	assert_int_equal(count(TURNPIKE_WAIT_FLOWS), 18);
	/* Without an unbind, nothing is tried. */
	poll_until(now + 2 * PAUSE);
	assert_int_equal(tries, 3);
}

/* A new binding does not take room that others wait for, even before they are due. */
static void test_new_ones_go_last(void **state)
{
	(void)state;
	assert_int_equal(bind4(1), -EAGAIN);
	assert_int_equal(bind4(2), -EAGAIN);
	room4 = 1;
	waiting_has_room(waiting);
	assert_int_equal(bind4(3), -EAGAIN);
	ASSERT_BOUND(1);
	room4 = 2;
	waiting_has_room(waiting);
	assert_int_equal(bind4(4), -EAGAIN);
	ASSERT_BOUND(1, 2, 3);
	assert_int_equal(count_all(), 1);
}

/* Each kind of room has its own queue. */
static void test_kinds_do_not_block_each_other(void **state)
{
	(void)state;
	assert_int_equal(bind6(1), -EAGAIN);
	assert_int_equal(bind4(2), -EAGAIN);
	room4 = room6 = 1;
	hops = 0;
	assert_int_equal(bind4(3), -EAGAIN);
	assert_int_equal(count(TURNPIKE_WAIT_FLOWS), 2);
	assert_int_equal(count(TURNPIKE_WAIT_NEXTHOPS), 1);
	hops = 1;
	room6 = 0;
	waiting_has_room(waiting);
	poll_until(now + PAUSE);
	ASSERT_BOUND(2);
	hops = 2;
	room4 = room6 = 1;
	waiting_has_room(waiting);
	poll_until(now + PAUSE);
	assert_int_equal(n_bound, 3);
	assert_int_equal(waiting_due(waiting), 0);
}

/* A binding that is short of something else moves to that queue. */
static void test_waits_for_what_is_short_now(void **state)
{
	(void)state;
	assert_int_equal(bind4(1), -EAGAIN);
	room4 = 1;
	hops = 0;
	waiting_has_room(waiting);
	poll_until(now + PAUSE);
	assert_int_equal(count(TURNPIKE_WAIT_FLOWS), 0);
	assert_int_equal(count(TURNPIKE_WAIT_NEXTHOPS), 1);
}

/* All bindings leave and return at once: the freed next hops can be used within a second. */
static void test_settling(void **state)
{
	const __u64 start = now;
	int i;

	(void)state;
	room4 = MAX;
	is_settled = false;
	for (i = 1; i <= 50; i++) {
		assert_int_equal(bind4(i), -EAGAIN);
		now += NS_PER_MS; /* later bindings do not postpone that */
	}
	assert_int_equal(count(TURNPIKE_WAIT_SETTLING), 50);
	assert_int_equal(count(TURNPIKE_WAIT_NEXTHOPS), 0);
	is_settled = true;
	hops = 40;
	poll_until(start + NS_PER_S);
	assert_int_equal(n_bound, 40);
	assert_int_equal(count(TURNPIKE_WAIT_SETTLING), 0);
	assert_int_equal(count(TURNPIKE_WAIT_NEXTHOPS), 10);
}

/* If freed next hops must settle first, the binding is retried a second later. */
static void test_room_that_settles_later(void **state)
{
	(void)state;
	room4 = MAX;
	hops = 0;
	assert_int_equal(bind4(1), -EAGAIN);
	poll_until(now + 100 * NS_PER_S); /* the intervals are long by now */
	hops = 1;
	is_settled = false;
	waiting_has_room(waiting);
	poll_until(now + PAUSE);
	assert_int_equal(count(TURNPIKE_WAIT_SETTLING), 1);
	is_settled = true;
	poll_until(now + NS_PER_S);
	ASSERT_BOUND(1);
}

/* Errors end without an event, so retries follow after 1, 2, 4, 8, 16, 30, 30, ... seconds. */
static void test_errors_are_tried_at_intervals(void **state)
{
	static const __u64 seconds[] = { 1, 2, 4, 8, 16, 30, 30, 30 };
	size_t i;

	(void)state;
	room4 = MAX;
	error = -ENOMEM;
	assert_int_equal(bind4(1), -EAGAIN);
	assert_int_equal(count(TURNPIKE_WAIT_ERROR), 1);
	for (i = 0; i < ARRAY_LEN(seconds); i++) {
		tries = 0;
		poll_until(now + seconds[i] * NS_PER_S - 1);
		assert_int_equal(tries, 0);
		poll_until(now + 1);
		assert_int_equal(tries, 1);
	}
	/* A new error restarts the intervals for all. */
	assert_int_equal(bind4(2), -EAGAIN);
	error = 0;
	poll_until(now + NS_PER_S);
	ASSERT_BOUND(1, 2);
}

/* A round finds room without waiting_has_room(), and keeps the order. */
static void test_rounds(void **state)
{
	int i;

	(void)state;
	for (i = 1; i <= 10; i++)
		assert_int_equal(bind4(i), -EAGAIN);
	tries = 0;
	poll_until(now + NS_PER_S);
	assert_int_equal(tries, 10);
	room4 = 3;
	poll_until(now + 2 * NS_PER_S);
	ASSERT_BOUND(1, 2, 3);
	assert_int_equal(tries, 20);
}

static void test_final_refusals_do_not_wait(void **state)
{
	static const int finals[] = { -EINVAL, -EEXIST, -EADDRINUSE };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(finals); i++) {
		error = 0;
		assert_int_equal(bind4(1), -EAGAIN);
		error = finals[i];
		assert_int_equal(bind4(2), error);
		waiting_has_room(waiting);
		poll_until(now + PAUSE);
		assert_int_equal(count_all(), 0);
		assert_int_equal(waiting_due(waiting), 0);
	}
}

/* A refresh is not an attempt. It keeps the place in the queue, and changes the binding. */
static void test_refresh(void **state)
{
	struct turnpike_binding binding = binding_of(1, TURNPIKE_IPV4);

	(void)state;
	assert_int_equal(bind4(1), -EAGAIN);
	assert_int_equal(bind4(2), -EAGAIN);
	tries = 0;
	binding.channel_expires += NS_PER_S;
	binding.to_peer_policer = 7;
	assert_int_equal(waiting_bind(waiting, &binding), -EAGAIN);
	assert_int_equal(tries, 0);
	assert_int_equal(count_all(), 2);
	room4 = 1;
	waiting_has_room(waiting);
	poll_until(now + PAUSE);
	ASSERT_BOUND(1);
	assert_memory_equal(&last, &binding, sizeof(binding));
}

static void test_same_id_with_another_peer(void **state)
{
	struct turnpike_binding binding = binding_of(1, TURNPIKE_IPV4);

	(void)state;
	assert_int_equal(waiting_bind(waiting, &binding), -EAGAIN);
	binding.peer.port++;
	assert_int_equal(waiting_bind(waiting, &binding), -EEXIST);
}

/* An unbound binding never enters the kernel, since its port may be given to another client. */
static void test_unbound_is_never_tried(void **state)
{
	(void)state;
	assert_int_equal(bind4(1), -EAGAIN);
	assert_int_equal(bind4(2), -EAGAIN);
	assert_int_equal(unbind4(1), 0);
	assert_int_equal(unbind4(1), -ENOENT);
	assert_int_equal(count_all(), 1);
	room4 = MAX;
	waiting_has_room(waiting);
	poll_until(now + 100 * NS_PER_S);
	ASSERT_BOUND(2);
}

static void test_expired_is_forgotten(void **state)
{
	(void)state;
	assert_int_equal(bind4(1), -EAGAIN);
	now += 300 * NS_PER_S;
	assert_int_equal(bind4(2), -EAGAIN); /* starts a round */
	assert_int_equal(count_all(), 2);    /* the first channel has not expired */
	now += 300 * NS_PER_S;
	room4 = MAX;
	waiting_has_room(waiting);
	poll_until(now + PAUSE);
	ASSERT_BOUND(2);
}

/* A slice takes some milliseconds at most, and is followed by a pause. */
static void test_slices(void **state)
{
	__u64 start;
	int i, slices = 0;

	(void)state;
	for (i = 1; i <= 50; i++)
		assert_int_equal(bind4(i), -EAGAIN);
	room4 = MAX;
	cost = NS_PER_MS;
	waiting_has_room(waiting);
	while (count_all()) {
		now = waiting_due(waiting);
		start = now;
		waiting_poll(waiting);
		slices++;
		assert_in_range(now - start, 1, 5 * NS_PER_MS);
		if (count_all())
			assert_int_equal(waiting_due(waiting), now + PAUSE);
	}
	assert_int_equal(slices, 10);
	for (i = 0; i < 50; i++)
		assert_int_equal(bound[i], i + 1);
}

/* An attempt that waits for running programs is the only one of its slice. */
static void test_one_long_attempt_a_slice(void **state)
{
	(void)state;
	assert_int_equal(bind4(1), -EAGAIN);
	assert_int_equal(bind4(2), -EAGAIN);
	room4 = MAX;
	cost = 30 * NS_PER_MS;
	waiting_has_room(waiting);
	now = waiting_due(waiting);
	waiting_poll(waiting);
	ASSERT_BOUND(1);
}

static void test_queue_is_bounded(void **state)
{
	int i;

	(void)state;
	for (i = 1; i <= MAX; i++)
		assert_int_equal(bind4(i), -EAGAIN);
	assert_int_equal(bind4(i), -ENOSPC);
	error = -ENOMEM;
	assert_int_equal(bind4(i), -ENOMEM);
	assert_int_equal(count_all(), MAX);
	assert_int_equal(unbind4(1), 0);
	assert_int_equal(bind4(i), -EAGAIN);
}

#define TEST(NAME) cmocka_unit_test_setup_teardown(NAME, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_no_wait_with_room),
		TEST(test_room_goes_to_the_first),
		TEST(test_new_ones_go_last),
		TEST(test_kinds_do_not_block_each_other),
		TEST(test_waits_for_what_is_short_now),
		TEST(test_settling),
		TEST(test_room_that_settles_later),
		TEST(test_errors_are_tried_at_intervals),
		TEST(test_rounds),
		TEST(test_final_refusals_do_not_wait),
		TEST(test_refresh),
		TEST(test_same_id_with_another_peer),
		TEST(test_unbound_is_never_tried),
		TEST(test_expired_is_forgotten),
		TEST(test_slices),
		TEST(test_one_long_attempt_a_slice),
		TEST(test_queue_is_bounded),
	};

	return cmocka_run_group_tests_name("waiting", tests, NULL, NULL);
}
