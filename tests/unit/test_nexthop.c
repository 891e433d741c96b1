/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Next hops when the kernel fails to answer: they keep what they know and ask again. rtnetlink is
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

#include "net/hops.h"
#include "net/monitor.h"
#include "net/nexthop.h"
#include "net/notifications.h"
#include "net/route.h"
#include "net/rules.h"
#include "private/array_len.h"

#define MAX     600
#define IFINDEX 7

static struct turnpike_nexthop map[MAX];
static struct nexthops *nexthops;
static time_t seconds;
static int route_error, neighbour_error; /* 0: success */
static int route_questions;

int __wrap_clock_gettime(clockid_t id, struct timespec *ret);
int __wrap_monitor_open(const struct monitor_ops *ops, int epoll, struct nl_sock **ret);
int __wrap_rules_open(const struct rules_ops *ops, int epoll, struct rules **ret);
void __wrap_rules_poll(struct rules *rules);
void __wrap_rules_change(struct rules *rules, enum rules_scope scope);
__u64 __wrap_rules_due(const struct rules *rules);
int __wrap_notifications_read(struct nl_sock *sock);
int __wrap_netlink_route(struct nl_sock *sock, const struct turnpike_addr *src,
			 const struct turnpike_addr *dst, struct route_facts *ret);
int __wrap_netlink_neighbour(struct nl_sock *sock, __u32 ifindex, const struct turnpike_addr *addr,
			     struct neighbour_facts *ret);
int __wrap_netlink_use_neighbour(struct nl_sock *sock, __u32 ifindex,
				 const struct turnpike_addr *addr);

int __wrap_clock_gettime(clockid_t id, struct timespec *ret)
{
	assert_int_equal(id, CLOCK_MONOTONIC);
	*ret = (struct timespec){ .tv_sec = seconds };
	return 0;
}

int __wrap_monitor_open(const struct monitor_ops *ops, int epoll, struct nl_sock **ret)
{
	(void)ops;
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

void __wrap_rules_change(struct rules *rules, enum rules_scope scope)
{
	(void)rules;
	(void)scope;
}

__u64 __wrap_rules_due(const struct rules *rules)
{
	(void)rules;
	return 0;
}

int __wrap_notifications_read(struct nl_sock *sock)
{
	(void)sock;
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
}

static int set_up(void **state)
{
	const struct nexthop_owner owner = { egress, attached, changed, changed, NULL };

	(void)state;
	memset(map, 0, sizeof(map));
	seconds = 1000;
	route_error = neighbour_error = 0;
	return nexthops_open(&owner, map, MAX, NULL, &nexthops);
}

static int tear_down(void **state)
{
	(void)state;
	nexthops_close(nexthops);
	return 0;
}

static struct nexthop *get(int number)
{
	const struct turnpike_addr local = { .family = TURNPIKE_IPV4, .ip = { 192, 0, 2, 1 } };
	const struct turnpike_addr remote = { .family = TURNPIKE_IPV4,
					      .ip = { 10, 1, (__u8)(number >> 8), (__u8)number } };
	const struct nexthop_pair pair = nexthop_pair(&local, &remote);
	struct nexthop *nexthop;

	assert_int_equal(nexthop_get(nexthops, &pair, &nexthop), 0);
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

/* Both pairs of a binding get a slot, or neither. */
static void test_prepare(void **state)
{
	const struct turnpike_addr local = { .family = TURNPIKE_IPV4, .ip = { 192, 0, 2, 1 } };
	const struct turnpike_addr a = { .family = TURNPIKE_IPV4, .ip = { 10, 9, 9, 1 } };
	const struct turnpike_addr b = { .family = TURNPIKE_IPV4, .ip = { 10, 9, 9, 2 } };
	const struct nexthop_pair to_a = nexthop_pair(&local, &a);
	const struct nexthop_pair to_b = nexthop_pair(&local, &b);
	struct nexthop *all[MAX];
	int i;

	(void)state;
	for (i = 0; i < MAX - 2; i++)
		all[i] = get(i);
	assert_int_equal(nexthops_prepare(nexthops, &to_a, &to_b), -ENOSPC);
	assert_int_equal(nexthops_prepare(nexthops, &to_a, &to_a), 0);
	assert_int_equal(nexthop_get(nexthops, &to_a, &all[i]), 0);
	assert_int_equal(nexthops_prepare(nexthops, &to_a, &to_b), -ENOSPC);
	assert_int_equal(nexthops_prepare(nexthops, &to_a, &to_a), 0);
	for (i = 0; i < MAX - 1; i++)
		nexthop_put(nexthops, all[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_known_ways, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_new_ways, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unsure_ones_come_first, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_given_back, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_prepare, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("nexthop", tests, NULL, NULL);
}
