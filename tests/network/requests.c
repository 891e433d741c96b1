/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Requests to a real kernel's rtnetlink, in a network namespace of its own.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/link.h"
#include "net/netlink.h"

#define SKIPPED 77

static struct nl_sock *sock;

static bool ip(const char *words)
{
	char command[128];

	snprintf(command, sizeof(command), "ip %s", words);
	return system(command) == 0;
}

static int open_socket(void **state)
{
	(void)state;
	return netlink_open(NETLINK_ROUTE, &sock);
}

static int close_socket(void **state)
{
	(void)state;
	nl_socket_free(sock);
	return 0;
}

/* A late response must not be taken for that of the next request. */
static void test_late_answer(void **state)
{
	struct ifinfomsg header = { .ifi_index = 1 };
	struct link_facts link;

	(void)state;
	assert_true(nl_send_simple(sock, RTM_GETLINK, 0, &header, sizeof(header)) > 0);
	assert_int_equal(netlink_link(sock, 0, "eth0", &link), 0);
	assert_string_equal(link.name, "eth0");
	assert_int_equal(netlink_link(sock, 0, "eth9", &link), -ENODEV);
	assert_int_equal(netlink_link(sock, 1, "", &link), 0);
	assert_string_equal(link.name, "lo");
}

#define MANY_LINKS 100 /* more than one message has room for */

static int add_link_once(struct nl_msg *msg, void *arg)
{
	bool *added = arg;

	(void)msg;
	if (!*added)
		assert_true(ip("link add late type veth peer name latefar"));
	*added = true;
	return NL_OK;
}

/* A list that changes while it is read is reported, and the socket is in order afterwards. */
static void test_interrupted_list(void **state)
{
	struct ifinfomsg header = { .ifi_index = 0 };
	struct link_facts *links;
	bool added = false;
	char command[64];
	size_t n;
	int i;

	(void)state;
	for (i = 0; i < MANY_LINKS; i += 2) {
		snprintf(command, sizeof(command), "link add m%d type veth peer name m%d", i,
			 i + 1);
		assert_true(ip(command));
	}
	assert_int_equal(
		netlink_ask(sock, netlink_request(RTM_GETLINK, NLM_F_DUMP, &header, sizeof(header)),
			    add_link_once, &added),
		-EINTR);
	assert_int_equal(netlink_links(sock, &links, &n), 0);
	assert_true(n >= MANY_LINKS + 5); /* and lo, eth0, far0, late, latefar */
	free(links);
	for (i = 0; i < MANY_LINKS; i += 2) {
		snprintf(command, sizeof(command), "link del m%d", i);
		assert_true(ip(command));
	}
	assert_true(ip("link del late"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_late_answer, open_socket, close_socket),
		cmocka_unit_test_setup_teardown(test_interrupted_list, open_socket, close_socket),
	};

	if (unshare(CLONE_NEWNET)) {
		printf("SKIPPED requests: no network namespace, run as root\n");
		return SKIPPED;
	}
	if (!ip("link add eth0 type veth peer name far0"))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
