/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Requests to a real kernel's rtnetlink, in a network namespace of its own.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "net/link.h"
#include "net/netlink.h"
#include "net/route.h"
#include "private/array_len.h"

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

static struct turnpike_addr addr(const char *text)
{
	const bool is_v6 = strchr(text, ':') != NULL;
	struct turnpike_addr addr = { .family = is_v6 ? TURNPIKE_IPV6 : TURNPIKE_IPV4 };

	assert_int_equal(inet_pton(is_v6 ? AF_INET6 : AF_INET, text, addr.ip), 1);
	return addr;
}

/* Each kind of route, and what is no route for packets. */
static void test_routes(void **state)
{
	static const struct {
		const char *route;
		const char *gateway; /* NULL: an error */
		__u32 mtu;
	} cases[] = {
		{ "10.9.0.0/16 dev eth0", "", 0 },
		{ "10.9.0.0/16 via 10.0.0.2", "10.0.0.2", 0 },
		{ "10.9.0.0/16 via 10.0.0.2 mtu 1300", "10.0.0.2", 1300 },
		{ "10.9.0.0/16 via inet6 fd00::2 dev eth0", "fd00::2", 0 },
		{ "10.9.0.0/16 nexthop via 10.0.0.2 nexthop via 10.0.0.2 onlink dev eth0",
		  "10.0.0.2", 0 },
		{ "10.9.0.0/16 encap ip id 7 dst 10.0.0.3 via 10.0.0.2 dev eth0", NULL, 0 },
		{ "unreachable 10.9.0.0/16", NULL, 0 },
		{ "blackhole 10.9.0.0/16", NULL, 0 },
		{ "local 10.9.0.0/16 dev lo", NULL, 0 },
		{ "fd09::/16 dev eth0", "", 0 },
		{ "fd09::/16 via fd00::2 mtu 1290", "fd00::2", 1290 },
		{ "blackhole fd09::/16", NULL, 0 },
	};
	struct turnpike_addr local, remote, gateway;
	struct route_facts facts;
	struct link_facts link;
	char command[128];
	size_t i;

	(void)state;
	assert_true(ip("link set eth0 up") && ip("link set far0 up") && ip("link set lo up"));
	assert_true(ip("addr add 10.0.0.1/24 dev eth0"));
	assert_true(ip("addr add fd00::1/64 dev eth0 nodad"));
	assert_int_equal(netlink_link(sock, 0, "eth0", &link), 0);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		const bool is_v6 = strstr(cases[i].route, "fd09") != NULL;

		print_message("ip route add %s\n", cases[i].route);
		snprintf(command, sizeof(command), "route add %s", cases[i].route);
		assert_true(ip(command));
		local = addr(is_v6 ? "fd00::1" : "10.0.0.1");
		remote = addr(is_v6 ? "fd09::9" : "10.9.0.9");
		if (!cases[i].gateway) {
			assert_true(netlink_route(sock, &local, &remote, &facts) < 0);
		} else {
			gateway = cases[i].gateway[0] ? addr(cases[i].gateway)
						      : (struct turnpike_addr){ 0 };
			assert_int_equal(netlink_route(sock, &local, &remote, &facts), 0);
			assert_int_equal(facts.ifindex, link.ifindex);
			assert_int_equal(facts.mtu, cases[i].mtu);
			assert_memory_equal(&facts.gateway, &gateway, sizeof(gateway));
		}
		snprintf(command, sizeof(command), "%s route flush %s", is_v6 ? "-6" : "-4",
			 is_v6 ? "root fd09::/16" : "root 10.9.0.0/16");
		assert_true(ip(command));
		if (strncmp(cases[i].route, "local", 5) == 0)
			assert_true(ip("route del local 10.9.0.0/16 dev lo"));
	}
	assert_true(netlink_is_local(sock, &local));
	assert_false(netlink_is_local(sock, &remote));
	remote = addr("10.0.0.2");
	assert_false(netlink_is_local(sock, &remote));
}

/* A late answer is not taken for that of the next request, and an error is the kernel's. */
static void test_exchange(void **state)
{
	struct {
		struct nlmsghdr header;
		struct ifinfomsg link;
	} request = { .header = { .nlmsg_len = sizeof(request),
				  .nlmsg_type = RTM_GETLINK,
				  .nlmsg_flags = NLM_F_REQUEST },
		      .link = { .ifi_index = 1 } };
	union {
		struct nlmsghdr header;
		__u8 bytes[NETLINK_MESSAGE_MAX];
	} answer;

	(void)state;
	assert_true(nl_send_simple(sock, RTM_GETLINK, 0, &(struct ifinfomsg){ .ifi_index = 2 },
				   sizeof(struct ifinfomsg)) > 0);
	assert_int_equal(netlink_exchange(sock, &request.header, &answer.header, sizeof(answer)),
			 0);
	assert_int_equal(answer.header.nlmsg_type, RTM_NEWLINK);
	assert_int_equal(((struct ifinfomsg *)NLMSG_DATA(&answer.header))->ifi_index, 1);
	assert_int_equal(netlink_exchange(sock, &request.header, &answer.header, 64), -EMSGSIZE);
	request.link.ifi_index = 12345;
	assert_int_equal(netlink_exchange(sock, &request.header, &answer.header, sizeof(answer)),
			 -ENODEV);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_late_answer, open_socket, close_socket),
		cmocka_unit_test_setup_teardown(test_interrupted_list, open_socket, close_socket),
		cmocka_unit_test_setup_teardown(test_routes, open_socket, close_socket),
		cmocka_unit_test_setup_teardown(test_exchange, open_socket, close_socket),
	};

	if (unshare(CLONE_NEWNET)) {
		printf("SKIPPED requests: no network namespace, run as root\n");
		return SKIPPED;
	}
	if (!ip("link add eth0 type veth peer name far0"))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
