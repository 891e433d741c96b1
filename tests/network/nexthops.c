/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Next hops from a real kernel's routes, VLAN devices and path MTUs, in a network namespace of its
 * own. Nothing is attached: the map is plain memory, read as the programs read it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <netinet/icmp6.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/ip_icmp.h>
#include <netinet/udp.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include <turnpike/turnpike.h>

#include "private/array_len.h"
#include "base/checksum.h"
#include "fixture.h"
#include "net/neigh.h"
#include "net/netlink.h"

#define PORT    4000
#define SECONDS 10 /* to wait for what takes one */

/* Polls until the hop is @expected. */
static void becomes(const struct nexthop *nexthop, const struct turnpike_hop *expected)
{
	const struct timespec pause = { .tv_nsec = 50 * 1000 * 1000 };
	int i;

	for (i = 0; i < SECONDS * 20; i++) {
		assert_int_equal(nexthops_poll(nexthops), 0);
		if (memcmp(hop_of(nexthop), expected, sizeof(*expected)) == 0)
			return;
		nanosleep(&pause, NULL);
	}
	assert_memory_equal(hop_of(nexthop), expected, sizeof(*expected));
}

static void test_gateway(void **state)
{
	struct turnpike_hop expected = { .dmac = { 2, 0, 0, 0, 0, 2 },
					 .smac = { 2, 0, 0, 0, 0, 1 },
					 .ifindex = eth0.link.ifindex,
					 .mtu = 1500,
					 .flags = TURNPIKE_HOP_XDP_XMIT };
	struct nexthop *nexthop = get("10.0.0.1", "10.9.0.9");

	(void)state;
	assert_memory_equal(hop_of(nexthop), &expected, sizeof(expected));
	assert_true(nexthop_resolved(nexthops, nexthop));
	/* The largest MTU that a hop can hold. */
	assert_true(ip("link set eth0 mtu 65535"));
	expected.mtu = 65535;
	becomes(nexthop, &expected);
	assert_true(ip("link set eth0 mtu 1500"));
	expected.mtu = 1500;
	becomes(nexthop, &expected);
	nexthop_put(nexthops, nexthop);
}

/* Whether a pair needs a neighbour of its own, before and after there is a slot for it. */
static void test_reach(void **state)
{
	static const struct {
		const char *local;
		const char *remote;
		int expected;
	} cases[] = {
		{ "10.0.0.1", "10.0.0.77", TURNPIKE_REACH_UNRESOLVED },
		{ "10.0.0.1", "10.0.0.2", TURNPIKE_REACH_RESOLVED },
		{ "10.0.0.1", "10.9.0.9", TURNPIKE_REACH_SHARED },
		{ "fd00::1", "fd00::77", TURNPIKE_REACH_UNRESOLVED },
		{ "fd00::1", "fd09::9", TURNPIKE_REACH_SHARED },
		{ "10.0.0.1", "192.0.2.1", -ENETUNREACH },
	};
	struct turnpike_addr local, remote;
	struct nexthop_pair pair;
	size_t i;

	(void)state;
	assert_int_equal(nexthops_used(nexthops), 0);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		local = addr(cases[i].local);
		remote = addr(cases[i].remote);
		pair = nexthop_pair(&local, &remote);
		assert_int_equal(nexthops_reach(nexthops, &pair), cases[i].expected);
		get(cases[i].local, cases[i].remote);
		assert_int_equal(nexthops_reach(nexthops, &pair), cases[i].expected);
		assert_int_equal(nexthops_used(nexthops), i + 1);
	}
}

/* A route that changes between the question whether a pair needs a neighbour and the slot. */
static void test_changed_since(void **state)
{
	const struct turnpike_addr local = addr("10.0.0.1"), remote = addr("10.9.0.9");
	const struct nexthop_pair pair = nexthop_pair(&local, &remote);
	struct nexthop *nexthop;

	(void)state;
	assert_int_equal(nexthops_reach(nexthops, &pair), TURNPIKE_REACH_SHARED);
	assert_true(ip("route replace 10.9.0.0/16 via 10.0.0.3"));
	nexthop = get("10.0.0.1", "10.9.0.9");
	assert_int_equal(nexthops_poll(nexthops), 0);
	assert_int_equal(hop_of(nexthop)->dmac[5], 3);
	assert_true(ip("route replace 10.9.0.0/16 via 10.0.0.2"));
	nexthop_put(nexthops, nexthop);

	/* Read before the slot is made, the notification ends the answer. */
	assert_int_equal(nexthops_reach(nexthops, &pair), TURNPIKE_REACH_SHARED);
	assert_true(ip("route replace 10.9.0.0/16 via 10.0.0.3"));
	assert_int_equal(nexthops_poll(nexthops), 0);
	nexthop = get("10.0.0.1", "10.9.0.9");
	assert_int_equal(hop_of(nexthop)->dmac[5], 3);
	assert_true(ip("route replace 10.9.0.0/16 via 10.0.0.2"));
	assert_int_equal(nexthops_poll(nexthops), 0);
	assert_int_equal(hop_of(nexthop)->dmac[5], 2);
	nexthop_put(nexthops, nexthop);
}

/* The next poll sees each change, by its notification: it does not wait for the slot's turn. */
static void test_notifications(void **state)
{
	static const struct {
		const char *command;
		__u8 gateway;
	} changes[] = {
		{ "route replace 10.9.0.0/16 via 10.0.0.3", 3 },
		{ "route replace 10.9.0.0/16 via 10.0.0.2", 2 },
		{ "route add 10.9.0.0/16 via 10.0.0.3 table 100", 2 },
		{ "rule add from 10.0.0.1 ipproto udp lookup 100", 3 },
		{ "rule del from 10.0.0.1 ipproto udp lookup 100", 2 },
		{ "nexthop add id 1 via 10.0.0.2 dev eth0", 2 },
		{ "route replace 10.9.0.0/16 nhid 1", 2 },
		{ "nexthop replace id 1 via 10.0.0.3 dev eth0", 3 },
		{ "route replace 10.9.0.0/16 via 10.0.0.2", 2 },
		/* The programs cannot encapsulate. */
		{ "route replace 10.9.0.0/16 encap ip id 7 dst 10.0.0.3 via 10.0.0.2 dev eth0", 0 },
		{ "route replace 10.9.0.0/16 via 10.0.0.2", 2 },
		{ "neigh del 10.0.0.2 dev eth0", 0 },
		{ "neigh add 10.0.0.2 lladdr 02:00:00:00:00:02 dev eth0 nud permanent", 2 },
		{ "link set eth0 down", 0 },
	};
	struct nexthop *nexthop = get("10.0.0.1", "10.9.0.9");
	size_t i;

	(void)state;
	/* Otherwise the kernel also announces the routes of a changed next-hop object. */
	assert_int_equal(system("echo 0 >/proc/sys/net/ipv4/nexthop_compat_mode"), 0);
	assert_int_equal(nexthops_poll(nexthops), 0);
	for (i = 0; i < ARRAY_LEN(changes); i++) {
		print_message("ip %s\n", changes[i].command);
		assert_true(ip(changes[i].command));
		assert_int_equal(nexthops_poll(nexthops), 0);
		assert_int_equal(hop_of(nexthop)->dmac[5], changes[i].gateway);
	}
	nexthop_put(nexthops, nexthop);
}

/* One of two gateways fails: no route changes, but the kernel uses the other one. */
static void test_dead_path(void **state)
{
	struct nexthop *nexthop = get("10.0.0.1", "10.9.0.9");
	char command[80];
	__u8 first;

	(void)state;
	assert_int_equal(system("echo 1 >/proc/sys/net/ipv4/fib_multipath_use_neigh"), 0);
	assert_true(ip("route replace 10.9.0.0/16 nexthop via 10.0.0.2 nexthop via 10.0.0.3"));
	assert_int_equal(nexthops_poll(nexthops), 0);
	first = hop_of(nexthop)->dmac[5];
	assert_in_range(first, 2, 3);
	snprintf(command, sizeof(command), "neigh replace 10.0.0.%u dev eth0 nud failed", first);
	assert_true(ip(command));
	assert_int_equal(nexthops_poll(nexthops), 0);
	assert_int_equal(hop_of(nexthop)->dmac[5], 5 - first);
	snprintf(command, sizeof(command),
		 "neigh replace 10.0.0.%u lladdr 02:00:00:00:00:%02x dev eth0 nud permanent", first,
		 first);
	assert_true(ip(command));
	assert_true(ip("route replace 10.9.0.0/16 via 10.0.0.2"));
	nexthop_put(nexthops, nexthop);
}

/* A neighbour that an operator set stays permanent: see netlink_use_neighbour(). */
static void test_permanent_neighbour(void **state)
{
	const struct turnpike_addr remote = addr("10.0.0.2");
	struct nexthop *nexthop = get("10.0.0.1", "10.9.0.9");
	const struct timespec round = { .tv_sec = 1 };
	struct neighbour_facts facts;
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		assert_int_equal(nexthops_poll(nexthops), 0);
		nanosleep(&round, NULL);
	}
	assert_int_equal(netlink_verify_neighbour(devices.sock, eth0.link.ifindex, &remote), 0);
	assert_int_equal(netlink_neighbour(devices.sock, eth0.link.ifindex, &remote, &facts), 0);
	assert_true(facts.valid && facts.kept);
	assert_true(ip("neigh show nud permanent | grep -q '^10.0.0.2 '"));
	assert_true(nexthop_resolved(nexthops, nexthop));
	nexthop_put(nexthops, nexthop);
}

/* A VLAN inside a VLAN; every change of either is noticed. */
static void test_vlans(void **state)
{
	static const char *const more[] = {
		"addr add 10.5.0.1/24 dev inner",
		"neigh add 10.5.0.2 lladdr 02:00:00:00:05:02 dev inner nud permanent",
	};
	struct turnpike_hop expected = { .dmac = { 2, 0, 0, 0, 5, 2 },
					 .smac = { 2, 0, 0, 0, 0, 1 },
					 .ifindex = eth0.link.ifindex,
					 .mtu = 1500,
					 .flags = TURNPIKE_HOP_XDP_XMIT,
					 .tags = 2,
					 .tag = { { htons(ETH_P_8021AD), htons(100) },
						  { htons(ETH_P_8021Q), htons(7) } } };
	const struct turnpike_hop none = { 0 };
	struct nexthop *nexthop;
	size_t i;

	(void)state;
	assert_true(ip("link add link eth0 name outer type vlan proto 802.1ad id 100"));
	nexthop = get("10.5.0.1", "10.5.0.2");
	assert_memory_equal(hop_of(nexthop), &none, sizeof(none));
	assert_true(ip("link add link outer name inner type vlan id 7"));
	assert_true(ip("link set outer up") && ip("link set inner up"));
	for (i = 0; i < ARRAY_LEN(more); i++)
		assert_true(ip(more[i]));
	becomes(nexthop, &expected);

	/* When the MAC address changes, the kernel forgets all neighbours. */
	assert_true(ip("link set inner address 02:00:00:00:00:77") && ip(more[1]));
	expected.smac[5] = 0x77;
	becomes(nexthop, &expected);
	assert_true(ip("link set inner mtu 1400"));
	expected.mtu = 1400;
	becomes(nexthop, &expected);
	assert_true(ip("link set outer down"));
	becomes(nexthop, &none);
	assert_true(ip("link set outer up") && ip("link set inner up"));
	assert_true(ip(more[1]));
	becomes(nexthop, &expected);
	assert_true(ip("link del inner"));
	becomes(nexthop, &none);

	/* A hop holds two tags, not three. */
	assert_true(ip("link add link outer name middle type vlan id 6"));
	assert_true(ip("link add link middle name inner type vlan id 7"));
	assert_true(ip("link set middle up") && ip("link set inner up"));
	for (i = 0; i < ARRAY_LEN(more); i++)
		assert_true(ip(more[i]));
	assert_int_equal(nexthops_poll(nexthops), 0);
	assert_memory_equal(hop_of(nexthop), &none, sizeof(none));
	/* The same neighbour, on the VLAN device below. */
	assert_true(ip("link del inner") && ip("addr add 10.5.0.1/24 dev middle"));
	assert_true(ip("neigh add 10.5.0.2 lladdr 02:00:00:00:05:02 dev middle nud permanent"));
	expected.smac[5] = 1;
	expected.mtu = 1500;
	expected.tag[1].tci = htons(6);
	becomes(nexthop, &expected);
	assert_true(ip("link del outer"));
	becomes(nexthop, &none);
	nexthop_put(nexthops, nexthop);
}

/* Delivers a forged "too big" for a packet of a socket of ours. */
static void too_big4(__u16 mtu)
{
	const struct sockaddr_in us = { .sin_family = AF_INET,
					.sin_port = htons(PORT),
					.sin_addr = { htonl(0x0a000001) } };
	struct {
		struct icmphdr icmp;
		struct iphdr ip;
		struct udphdr udp;
	} error = { .icmp = { .type = ICMP_DEST_UNREACH, .code = ICMP_FRAG_NEEDED },
		    .ip = { .version = 4,
			    .ihl = 5,
			    .tot_len = htons(1500),
			    .ttl = 60,
			    .protocol = IPPROTO_UDP,
			    .saddr = htonl(0x0a000001),
			    .daddr = htonl(0x0a090009) },
		    .udp = { .source = htons(PORT), .dest = htons(9), .len = htons(1480) } };
	const int sock = socket(AF_INET, SOCK_DGRAM, 0);
	const int raw = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP);

	error.icmp.un.frag.mtu = htons(mtu);
	error.icmp.checksum = (__u16)~checksum_fold(checksum_add(0, &error, sizeof(error)));
	assert_int_equal(bind(sock, (const struct sockaddr *)&us, sizeof(us)), 0);
	assert_int_equal(
		sendto(raw, &error, sizeof(error), 0, (const struct sockaddr *)&us, sizeof(us)),
		sizeof(error));
	close(sock);
	close(raw);
}

static void too_big6(__u32 mtu)
{
	struct sockaddr_in6 us = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
	struct {
		struct icmp6_hdr icmp;
		struct ip6_hdr ip;
		struct udphdr udp;
	} error = { .icmp = { .icmp6_type = ICMP6_PACKET_TOO_BIG },
		    .ip = { .ip6_flow = htonl(6u << 28),
			    .ip6_plen = htons(1460),
			    .ip6_nxt = IPPROTO_UDP,
			    .ip6_hlim = 60 },
		    .udp = { .source = htons(PORT), .dest = htons(9), .len = htons(1460) } };
	const int sock = socket(AF_INET6, SOCK_DGRAM, 0);
	const int raw = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6);

	inet_pton(AF_INET6, "fd00::1", &us.sin6_addr);
	inet_pton(AF_INET6, "fd00::1", &error.ip.ip6_src);
	inet_pton(AF_INET6, "fd09::9", &error.ip.ip6_dst);
	error.icmp.icmp6_mtu = htonl(mtu);
	assert_int_equal(bind(sock, (const struct sockaddr *)&us, sizeof(us)), 0);
	us.sin6_port = 0;
	assert_int_equal(
		sendto(raw, &error, sizeof(error), 0, (const struct sockaddr *)&us, sizeof(us)),
		sizeof(error));
	close(sock);
	close(raw);
}

/* A path MTU that the kernel learned applies at once when asked for, until it expires. */
static void learns_path_mtu(const char *local, const char *remote, __u16 mtu)
{
	const struct turnpike_addr from = addr(local), to = addr(remote);
	struct nexthop *nexthop = get(local, remote);
	struct turnpike_hop expected = *hop_of(nexthop);

	assert_int_equal(expected.mtu, 1500);
	if (from.family == TURNPIKE_IPV4)
		too_big4(mtu);
	else
		too_big6(mtu);
	nexthops_path_changed(nexthops, &from, &to);
	assert_int_equal(hop_of(nexthop)->mtu, mtu);
	/* Another pair through the same gateway has its own path. */
	nexthops_path_changed(nexthops, &to, &from);
	becomes(nexthop, &expected);
	nexthop_put(nexthops, nexthop);
}

static void test_path_mtu(void **state)
{
	(void)state;
	assert_int_equal(system("echo 2 >/proc/sys/net/ipv4/route/mtu_expires && "
				"echo 2 >/proc/sys/net/ipv6/route/mtu_expires"),
			 0);
	learns_path_mtu("10.0.0.1", "10.9.0.9", 900);
	learns_path_mtu("fd00::1", "fd09::9", 1300);
}

/* A local address that is not ours has no route, in either family. */
static void test_foreign_address(void **state)
{
	struct nexthop *v4 = get("10.0.0.77", "10.9.0.9");
	struct nexthop *v6 = get("fd00::77", "fd09::9");

	(void)state;
	assert_false(nexthop_resolved(nexthops, v4));
	assert_false(nexthop_resolved(nexthops, v6));
	nexthop_put(nexthops, v4);
	nexthop_put(nexthops, v6);
}

/* VLAN devices, which not every kernel has, are tested on their own. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_gateway, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_reach, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_changed_since, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_permanent_neighbour, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_path_mtu, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_foreign_address, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_dead_path, open_all, close_all),
		/* Last, because it takes the link down. */
		cmocka_unit_test_setup_teardown(test_notifications, open_all, close_all),
	};
	const struct CMUnitTest tests_of_vlans[] = {
		cmocka_unit_test_setup_teardown(test_vlans, open_all, close_all),
	};
	const int status = make_network();

	if (status)
		return status;
	if (argc < 2 || strcmp(argv[1], "vlans") != 0)
		return cmocka_run_group_tests(tests, NULL, NULL);
	if (!ip("link add link eth0 name try type vlan id 1") || !ip("link del try"))
		return cannot_run("this kernel has no VLAN devices");
	return cmocka_run_group_tests(tests_of_vlans, NULL, NULL);
}
