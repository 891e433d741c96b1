/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Next hops when the kernel fails to answer: they keep what they know and ask again. When it
 * reports changes: only what they concern is asked for, and never much at once. rtnetlink is
 * mocked: one router behind one device.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <turnpike/turnpike.h>

#include "net/hops.h"
#include "net/monitor.h"
#include "net/nexthop.h"
#include "privileged/privileged.h"
#include "net/notifications.h"
#include "net/route.h"
#include "net/rules.h"
#include "private/array_len.h"

#define MAX     600
#define IFINDEX 7
#define VRF     8 /* the master of that */

static struct turnpike_nexthop map[MAX];
static struct nexthops *nexthops;
static time_t seconds;
static long ms;                          /* and milliseconds */
static int route_error, neighbour_error; /* 0: success */
static int route_questions, neighbour_questions;
static int read_error;
static const struct monitor_ops *kernel; /* reports as the kernel does */
static __u32 scope;                      /* of rules_change() since the last poll */
static int device_changes;

int __wrap_clock_gettime(clockid_t id, struct timespec *ret);
int __wrap_monitor_open(struct privileged *privileged, const struct monitor_ops *ops, int epoll,
			struct nl_sock **ret);
int __wrap_rules_open(const struct rules_ops *ops, int epoll, struct rules **ret);
void __wrap_rules_poll(struct rules *rules);
void __wrap_rules_change(struct rules *rules, enum rules_scope of);
void __wrap_rules_settle(struct rules *rules);
__u64 __wrap_rules_due(const struct rules *rules);
int __wrap_notifications_read(struct nl_sock *sock);
int __wrap_netlink_link(struct nl_sock *sock, int ifindex, const char *name,
			struct link_facts *ret);
int __wrap_netlink_route(struct nl_sock *sock, const struct turnpike_addr *src,
			 const struct turnpike_addr *dst, struct route_facts *ret);
int __wrap_netlink_neighbour(struct nl_sock *sock, __u32 ifindex, const struct turnpike_addr *addr,
			     struct neighbour_facts *ret);
int __wrap_netlink_use_neighbour(struct nl_sock *sock, __u32 ifindex,
				 const struct turnpike_addr *addr);

int __wrap_clock_gettime(clockid_t id, struct timespec *ret)
{
	assert_int_equal(id, CLOCK_MONOTONIC);
	*ret = (struct timespec){ .tv_sec = seconds, .tv_nsec = ms * 1000000 };
	return 0;
}

int __wrap_monitor_open(struct privileged *privileged, const struct monitor_ops *ops, int epoll,
			struct nl_sock **ret)
{
	(void)privileged;
	kernel = ops;
	(void)epoll;
	*ret = NULL;
	return 0;
}

int __wrap_rules_open(const struct rules_ops *ops, int epoll, struct rules **ret)
{
	(void)ops;
	(void)epoll;
	*ret = NULL;
	return 0;
}

void __wrap_rules_poll(struct rules *rules)
{
	(void)rules;
}

void __wrap_rules_change(struct rules *rules, enum rules_scope of)
{
	(void)rules;
	scope |= of;
}

void __wrap_rules_settle(struct rules *rules)
{
	(void)rules;
}

__u64 __wrap_rules_due(const struct rules *rules)
{
	(void)rules;
	return 0;
}

int __wrap_notifications_read(struct nl_sock *sock)
{
	(void)sock;
	return read_error;
}

int __wrap_netlink_link(struct nl_sock *sock, int ifindex, const char *name, struct link_facts *ret)
{
	(void)sock;
	assert_int_equal(ifindex, IFINDEX);
	assert_string_equal(name, "");
	*ret = (struct link_facts){ .ifindex = IFINDEX, .master = VRF };
	return 0;
}

int __wrap_netlink_route(struct nl_sock *sock, const struct turnpike_addr *src,
			 const struct turnpike_addr *dst, struct route_facts *ret)
{
	(void)sock;
	(void)src;
	(void)dst;
	route_questions++;
	if (!route_error)
		*ret = (struct route_facts){ .ifindex = IFINDEX,
					     .gateway = { .family = TURNPIKE_IPV4, .ip = { 10 } } };
	return route_error;
}

int __wrap_netlink_neighbour(struct nl_sock *sock, __u32 ifindex, const struct turnpike_addr *addr,
			     struct neighbour_facts *ret)
{
	(void)sock;
	neighbour_questions++;
	if (!neighbour_error)
		*ret = (struct neighbour_facts){
			.ifindex = ifindex, .addr = *addr, .valid = true, .mac = { 2 }
		};
	return neighbour_error;
}

int __wrap_netlink_use_neighbour(struct nl_sock *sock, __u32 ifindex,
				 const struct turnpike_addr *addr)
{
	(void)sock;
	(void)ifindex;
	(void)addr;
	return 0;
}

static bool egress(void *arg, __u32 ifindex, struct egress *ret)
{
	(void)arg;
	*ret = (struct egress){ .ifindex = ifindex, .mtu = 1500 };
	return true;
}

static bool attached(void *arg, __u32 ifindex, const char *name)
{
	(void)arg;
	(void)name;
	return ifindex == IFINDEX;
}

static void changed(void *arg)
{
	(void)arg;
	device_changes++;
}

static void rules_changed(void *arg)
{
	(void)arg;
}

static struct privileged privileged = { .socket = -1 };

static int set_up(void **state)
{
	const struct nexthop_owner owner = { .egress = egress,
					     .attached = attached,
					     .changed = changed,
					     .rules_changed = rules_changed };

	(void)state;
	memset(map, 0, sizeof(map));
	seconds = 1000;
	ms = 0;
	route_error = neighbour_error = read_error = 0;
	return nexthops_open(&owner, map, MAX, &privileged, &nexthops);
}

static int tear_down(void **state)
{
	(void)state;
	nexthops_close(nexthops);
	return 0;
}

static struct nexthop_pair pair_of(int number)
{
	const struct turnpike_addr local = { .family = TURNPIKE_IPV4, .ip = { 192, 0, 2, 1 } };
	const struct turnpike_addr remote = { .family = TURNPIKE_IPV4,
					      .ip = { 10, 1, (__u8)(number >> 8), (__u8)number } };

	return nexthop_pair(&local, &remote);
}

static struct nexthop *get(int number)
{
	const struct nexthop_pair pair = pair_of(number);
	struct nexthop *nexthop;

	assert_int_equal(nexthops_get(nexthops, &pair, 1, &nexthop), 0);
	return nexthop;
}

static void poll_after_a_second(void)
{
	seconds++;
	assert_int_equal(nexthops_poll(nexthops), 0);
}

/* Temporary errors keep the next hop; any other error means that there is no route. */
static void test_known_ways(void **state)
{
	static const int passing[] = { -ENOBUFS, -ENOMEM, -EINTR, -EBUSY, -EIO };
	struct nexthop *nexthop = get(1);
	size_t i;

	(void)state;
	assert_true(nexthop_resolved(nexthops, nexthop));
	for (i = 0; i < ARRAY_LEN(passing); i++) {
		route_error = neighbour_error = passing[i];
		nexthops_refresh(nexthops);
		assert_true(nexthop_resolved(nexthops, nexthop));
	}
	route_error = -ENETUNREACH;
	nexthops_refresh(nexthops);
	assert_false(nexthop_resolved(nexthops, nexthop));
	nexthop_put(nexthops, nexthop);
}

/* While the kernel fails, one query per second is made. After a success, all are retried. */
static void test_new_ways(void **state)
{
	enum { N = 200, SLOTS_A_ROUND = 256 };
	struct nexthop *all[N];
	int i;

	(void)state;
	route_error = -ENOBUFS;
	for (i = 0; i < N; i++) {
		all[i] = get(i);
		assert_false(nexthop_resolved(nexthops, all[i]));
	}
	route_questions = 0;
	poll_after_a_second();
	assert_in_range(route_questions, 1, 1 + SLOTS_A_ROUND); /* including the periodic queries */
	route_error = 0;
	poll_after_a_second();
	for (i = 0; i < N; i++) {
		assert_true(nexthop_resolved(nexthops, all[i]));
		nexthop_put(nexthops, all[i]);
	}
}

/* Failed queries are retried before the periodic queries, regardless of the number of slots. */
static void test_unsure_ones_come_first(void **state)
{
	enum { N = 550 };
	struct nexthop *all[N];
	int i;

	(void)state;
	for (i = 0; i < N; i++) {
		route_error = i == N - 1 ? -ENOBUFS : 0;
		all[i] = get(i);
	}
	route_error = 0;
	poll_after_a_second();
	assert_true(nexthop_resolved(nexthops, all[N - 1]));
	for (i = 0; i < N; i++)
		nexthop_put(nexthops, all[i]);
}

/* A failed query is not retried after its next hop is freed. */
static void test_given_back(void **state)
{
	(void)state;
	route_error = -ENOBUFS;
	nexthop_put(nexthops, get(1));
	route_questions = 0;
	poll_after_a_second();
	assert_int_equal(route_questions, 0);
}

/* How many routes nexthops_poll() asks for. The clock moves only when a test says so. */
static int questions(void)
{
	route_questions = neighbour_questions = device_changes = 0;
	assert_int_equal(nexthops_poll(nexthops), read_error);
	return route_questions;
}

static struct selector to(__u8 family, __u8 third, __u8 fourth, __u8 len)
{
	return (struct selector){
		.family = family,
		.src.addr.family = family,
		.dst = { .addr = { .family = family, .ip = { 10, 1, third, fourth } }, .len = len },
	};
}

static __u32 current(const struct nexthop *nexthop)
{
	return map[nexthop_index(nexthop)].current;
}

/* Return: how many routes it takes to reach one pair, and then to get another one. */
static int questions_of(int reached, int got)
{
	const struct nexthop_pair pair = pair_of(reached);
	struct nexthop *nexthop;

	route_questions = 0;
	assert_int_equal(nexthops_reach(nexthops, &pair), TURNPIKE_REACH_SHARED);
	nexthop = get(got);
	assert_true(nexthop_resolved(nexthops, nexthop));
	nexthop_put(nexthops, nexthop);
	return route_questions;
}

/* Who reaches a pair and gets it next asks once; an answer does not outlive the notifications. */
static void test_asked_once(void **state)
{
	const struct nexthop_pair pair = pair_of(1);
	struct nexthop *nexthop;

	(void)state;
	assert_int_equal(questions_of(1, 1), 1);
	assert_int_equal(questions_of(1, 1), 1);
	assert_int_equal(questions_of(1, 2), 2);
	/* The answer to the first question of these is still there. */
	route_questions = 0;
	nexthop_put(nexthops, get(1));
	assert_int_equal(route_questions, 0);
	nexthop_put(nexthops, get(1));
	assert_int_equal(route_questions, 1);

	assert_int_equal(nexthops_reach(nexthops, &pair), TURNPIKE_REACH_SHARED);
	assert_int_equal(nexthops_poll(nexthops), 0);
	route_questions = 0;
	nexthop_put(nexthops, get(1));
	assert_int_equal(route_questions, 1);
	assert_int_equal(nexthops_reach(nexthops, &pair), TURNPIKE_REACH_SHARED);
	nexthops_refresh(nexthops);
	route_questions = 0;
	nexthop_put(nexthops, get(1));
	assert_int_equal(route_questions, 1);
	assert_int_equal(nexthops_reach(nexthops, &pair), TURNPIKE_REACH_SHARED);
	nexthops_path_changed(nexthops, &pair.local, &pair.remote);
	route_questions = 0;
	nexthop_put(nexthops, get(1));
	assert_int_equal(route_questions, 1);

	/* An error is no answer. */
	route_error = -ENETUNREACH;
	assert_int_equal(nexthops_reach(nexthops, &pair), -ENETUNREACH);
	route_error = 0;
	nexthop = get(1);
	assert_true(nexthop_resolved(nexthops, nexthop));
	nexthop_put(nexthops, nexthop);
}

/* A route concerns the pairs that it covers, once for any number of changes. */
static void test_covered(void **state)
{
	enum { N = 500, COVERED = 20 };
	const struct selector host = to(TURNPIKE_IPV4, 0, COVERED, 32);
	const struct selector other = to(TURNPIKE_IPV4, 9, 0, 24);
	const struct selector other_family = to(TURNPIKE_IPV6, 0, COVERED, 32);
	struct nexthop *all[N];
	__u32 before[N];
	int i;

	(void)state;
	for (i = 0; i < N; i++)
		all[i] = get(i);
	seconds++;
	questions();
	for (i = 0; i < N; i++)
		before[i] = current(all[i]);
	scope = 0;
	for (i = 0; i < 1000; i++) {
		kernel->on_route(&other, kernel->arg);
		kernel->on_route(&other_family, kernel->arg);
	}
	assert_int_equal(questions(), 0);
	for (i = 0; i < N; i++)
		assert_int_equal(current(all[i]), before[i]);
	kernel->on_route(&host, kernel->arg);
	/* Before anything is asked. */
	assert_int_not_equal(current(all[COVERED]), before[COVERED]);
	kernel->on_route(&host, kernel->arg);
	assert_int_equal(questions(), 1);
	for (i = 0; i < N; i++)
		if (i != COVERED)
			assert_int_equal(current(all[i]), before[i]);
	assert_int_equal(scope, 0);
	assert_int_equal(device_changes, 0);
	for (i = 0; i < N; i++)
		nexthop_put(nexthops, all[i]);
}

/* A default route concerns all: no flow is sure at once, and the questions take their time. */
static void test_default_route(void **state)
{
	enum { N = 300, STINT = 256, STINT_MS = 10 };
	const struct selector any = to(TURNPIKE_IPV4, 0, 0, 0);
	struct nexthop *all[N];
	int i;

	(void)state;
	for (i = 0; i < N; i++)
		all[i] = get(i);
	seconds++;
	questions(); /* of a round */
	scope = 0;
	kernel->on_route(&any, kernel->arg);
	assert_int_equal(scope, RULES_OF_IPV4);
	assert_int_equal(questions(), STINT);
	/* However often it changes. */
	kernel->on_route(&any, kernel->arg);
	assert_int_equal(questions(), 0);
	ms += STINT_MS;
	assert_int_equal(questions(), STINT);
	ms += STINT_MS;
	assert_int_equal(questions(), N - STINT);
	ms += STINT_MS;
	assert_int_equal(questions(), 0);
	for (i = 0; i < N; i++)
		nexthop_put(nexthops, all[i]);
}

/* When notifications were lost, all is asked for again, neighbours as well, in time. */
static void test_lost(void **state)
{
	enum { N = 300, STINT = 256, STINT_MS = 10 };
	struct nexthop *all[N];
	int i;

	(void)state;
	for (i = 0; i < N; i++)
		all[i] = get(i);
	seconds++;
	questions();
	scope = 0;
	read_error = -ENOBUFS;
	assert_int_equal(questions(), STINT);
	assert_int_equal(scope, RULES_OF_ALL);
	assert_int_equal(device_changes, 1);
	assert_int_equal(neighbour_questions, 1);
	read_error = 0;
	ms += STINT_MS;
	assert_int_equal(questions(), N - STINT);
	assert_int_equal(neighbour_questions, 0);
	ms += STINT_MS;
	assert_int_equal(questions(), 0);
	for (i = 0; i < N; i++)
		nexthop_put(nexthops, all[i]);
}

/* Of a device, only what packets depend on matters, and only of one that they use. */
static void test_links(void **state)
{
	struct link_facts link = { .name = "eth0", .ifindex = IFINDEX, .mtu = 1500, .up = true };
	struct link_facts other = { .name = "veth1", .ifindex = 99, .mtu = 1500, .up = true };
	struct nexthop *nexthop = get(1);

	(void)state;
	scope = 0;
	kernel->on_device(VRF, kernel->arg);
	assert_int_equal(scope, RULES_OF_ALL);
	/* The answer about its device may have been newer than this. */
	scope = 0;
	link.master = VRF;
	kernel->on_link(&link, false, kernel->arg);
	assert_int_equal(scope, RULES_OF_ALL);
	seconds++;
	questions();
	scope = 0;
	kernel->on_link(&other, false, kernel->arg);
	kernel->on_link(&other, true, kernel->arg);
	kernel->on_device(other.ifindex, kernel->arg);
	kernel->on_deleted(other.ifindex, kernel->arg);
	assert_int_equal(questions(), 0);
	assert_int_equal(device_changes, 0);
	/* Counters, or a program that is attached: the owner of the device may care. */
	link.received++;
	link.xdp_native = 1;
	kernel->on_link(&link, false, kernel->arg);
	assert_int_equal(questions(), 0);
	assert_int_equal(device_changes, 1);
	assert_int_equal(scope, 0);
	link.master = 3;
	kernel->on_link(&link, false, kernel->arg);
	assert_int_equal(scope, RULES_OF_ALL);
	assert_int_equal(questions(), 1);
	assert_int_equal(device_changes, 1);
	scope = 0;
	kernel->on_link(&link, true, kernel->arg);
	assert_int_equal(scope, RULES_OF_ALL);
	nexthop_put(nexthops, nexthop);
}

/* Both pairs of a binding get a slot, or neither. Equal ones share it. */
static void test_both_or_neither(void **state)
{
	const struct nexthop_pair different[] = { pair_of(1000), pair_of(1001) };
	const struct nexthop_pair equal[] = { pair_of(1000), pair_of(1000) };
	const struct nexthop_pair known[] = { pair_of(1001), pair_of(0) };
	struct nexthop *all[MAX], *both[2];
	int i;

	(void)state;
	for (i = 0; i < MAX - 2; i++)
		all[i] = get(i);
	assert_int_equal(nexthops_get(nexthops, different, 2, both), -ENOSPC);
	assert_int_equal(nexthops_used(nexthops), MAX - 2);
	assert_int_equal(nexthops_get(nexthops, equal, 2, both), 0);
	assert_ptr_equal(both[0], both[1]);
	assert_int_equal(nexthops_used(nexthops), MAX - 1);
	assert_int_equal(nexthops_get(nexthops, different, 2, both), -ENOSPC);
	assert_int_equal(nexthops_get(nexthops, known, 2, both), -ENOSPC);
	nexthop_put(nexthops, both[0]);
	assert_int_equal(nexthops_used(nexthops), MAX - 1);
	nexthop_put(nexthops, both[1]);
	assert_int_equal(nexthops_used(nexthops), MAX - 2);
	for (i = 0; i < MAX - 2; i++)
		nexthop_put(nexthops, all[i]);
	assert_int_equal(nexthops_used(nexthops), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_known_ways, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_new_ways, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unsure_ones_come_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_given_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_asked_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_covered, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_default_route, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_lost, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_links, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_both_or_neither, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("nexthop", tests, NULL, NULL);
}
