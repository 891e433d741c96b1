/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * When changes of rules are reported. Sockets and the clock are mocked.
 */
#include <errno.h>
#include <linux/netlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include <cmocka.h>

#include "net/notifications.h"
#include "net/rules.h"

#define NS_PER_MS 1000000ull
#define MS_PER_S  1000

static struct rules *rules;
static __u64 now_ms;
static int open_error; /* of the socket of netfilter */
static int read_error; /* of all; 0: nothing has arrived */
static int reports;
static enum rules_scope last;
static bool policies; /* some require tunnels */
static int lists;     /* of policies */
static bool reported; /* that there are tunnels */

int __wrap_clock_gettime(clockid_t id, struct timespec *ret);
int __wrap_notifications_open(struct privileged *privileged, enum notifications what,
			      nl_recvmsg_msg_cb_t on_message, void *arg, int epoll,
			      struct nl_sock **ret);
int __wrap_notifications_read(struct nl_sock *sock);
bool __wrap_ipsec_has_tunnels(struct privileged *privileged);

int __wrap_clock_gettime(clockid_t id, struct timespec *ret)
{
	assert_int_equal(id, CLOCK_MONOTONIC);
	*ret = (struct timespec){ .tv_sec = (time_t)(now_ms / MS_PER_S),
				  .tv_nsec = (long)(now_ms % MS_PER_S * NS_PER_MS) };
	return 0;
}

int __wrap_notifications_open(struct privileged *privileged, enum notifications what,
			      nl_recvmsg_msg_cb_t on_message, void *arg, int epoll,
			      struct nl_sock **ret)
{
	(void)privileged;
	(void)on_message;
	(void)arg;
	(void)epoll;
	if (what == NOTIFICATIONS_NFTABLES && open_error)
		return open_error;
	*ret = nl_socket_alloc();
	return 0;
}

int __wrap_notifications_read(struct nl_sock *sock)
{
	assert_non_null(sock);
	return read_error;
}

bool __wrap_ipsec_has_tunnels(struct privileged *privileged)
{
	(void)privileged;
	lists++;
	return policies;
}

static void changed(enum rules_scope scope, void *arg)
{
	(void)arg;
	reports++;
	last = scope;
}

static void tunnels(bool has_tunnels, void *arg)
{
	(void)arg;
	assert_true(has_tunnels != reported);
	reported = has_tunnels;
}

static int open_rules(void)
{
	const struct rules_ops ops = { .changed = changed, .tunnels = tunnels };

	return rules_open(&ops, -1, &rules);
}

static int set_up(void **state)
{
	(void)state;
	now_ms = 1000;
	open_error = read_error = 0;
	reports = lists = 0;
	policies = reported = false;
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	rules_close(rules);
	rules = NULL;
	return 0;
}

/* The first at once, those of the next 50 ms at their end, and so on. */
static void test_window(void **state)
{
	(void)state;
	assert_int_equal(open_rules(), 0);
	assert_int_equal(rules_due(rules), 0);
	rules_change(rules, RULES_OF_IPV4);
	assert_int_equal(reports, 1);
	assert_int_equal(last, RULES_OF_IPV4);
	assert_int_equal(rules_due(rules), 0);
	now_ms += 20;
	rules_change(rules, RULES_OF_IPV6);
	assert_int_equal(rules_due(rules), 1050 * NS_PER_MS);
	now_ms += 29;
	rules_change(rules, RULES_OF_IPV6);
	rules_poll(rules);
	assert_int_equal(reports, 1);
	now_ms += 1;
	rules_poll(rules);
	assert_int_equal(reports, 2);
	assert_int_equal(last, RULES_OF_IPV6);
	assert_int_equal(rules_due(rules), 0);
	rules_change(rules, RULES_OF_IPV4);
	rules_change(rules, RULES_OF_IPV6);
	assert_int_equal(rules_due(rules), 1100 * NS_PER_MS);
	now_ms += 1000;
	rules_poll(rules);
	assert_int_equal(reports, 3);
	assert_int_equal(last, RULES_OF_ALL);
	/* And at once again after a pause. */
	now_ms += 1000;
	rules_change(rules, RULES_OF_IPV4);
	assert_int_equal(reports, 4);
}

/* A lost notification may have been about anything. */
static void test_lost(void **state)
{
	(void)state;
	assert_int_equal(open_rules(), 0);
	rules_poll(rules);
	assert_int_equal(reports, 0);
	read_error = -ENOBUFS;
	rules_poll(rules);
	assert_int_equal(reports, 1);
	assert_int_equal(last, RULES_OF_ALL);
}

/*
 * Policies that require tunnels are listed at the start, and after a lost notification: once a
 * second, as there may be many. Flows that they concern are confirmed again.
 */
static void test_tunnels(void **state)
{
	(void)state;
	policies = true;
	assert_int_equal(open_rules(), 0);
	assert_true(reported);
	assert_int_equal(lists, 1);
	reports = 0;
	now_ms += 1000;
	read_error = -ENOBUFS;
	policies = false;
	rules_poll(rules);
	assert_int_equal(lists, 2);
	assert_false(reported);
	assert_int_equal(reports, 1);
	now_ms += 999;
	policies = true;
	rules_poll(rules);
	assert_int_equal(lists, 2);
	read_error = 0;
	assert_int_equal(rules_due(rules), 3000 * NS_PER_MS);
	assert_int_equal(reports, 2);
	now_ms += 1;
	rules_poll(rules);
	assert_int_equal(lists, 3);
	assert_true(reported);
	now_ms += 50;
	rules_poll(rules);
	assert_int_equal(reports, 3);
	assert_int_equal(rules_due(rules), 0);
	now_ms += 5000;
	rules_poll(rules);
	assert_int_equal(lists, 3);
}

/* What a kernel does not have is said, and the rest is watched. */
static void test_missing(void **state)
{
	(void)state;
	assert_int_equal(open_rules(), 0);
	assert_int_equal(rules_unwatched(rules), 0);
	rules_close(rules);
	open_error = -EPROTONOSUPPORT;
	assert_int_equal(open_rules(), 0);
	assert_int_equal(rules_unwatched(rules), TURNPIKE_RULES_NETFILTER);
	read_error = -ENOBUFS;
	rules_poll(rules);
	assert_int_equal(reports, 1);
	rules_close(rules);
	rules = NULL;
	open_error = -ENOMEM;
	assert_int_equal(open_rules(), -ENOMEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_window, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_lost, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_tunnels, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_missing, set_up, tear_down),
	};

	return cmocka_run_group_tests_name("rules", tests, NULL, NULL);
}
