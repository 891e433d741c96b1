/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a host may change under live flows: whatever may concern one ends its confirmation, and
 * nothing else does.
 */
#include <linux/types.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/monotonic.h"
#include "fixture.h"
#include "net/rules.h"
#include "private/array_len.h"

#define WINDOW_MS 50
#define NS_PER_MS 1000000ull

/* Which confirmations a change ends. */
enum concern {
	NONE,
	PAIR, /* those of the pair */
	ALL,
};

struct change {
	const char *command;
	enum concern concern;
};

static void sleep_ms(long ms)
{
	const struct timespec pause = { .tv_nsec = ms * 1000000 };

	nanosleep(&pause, NULL);
}

/* Handles everything that has happened so far, and waits until the next report is due at once. */
static void settle(void)
{
	__u64 end = clock_ns() + 2 * WINDOW_MS * NS_PER_MS;
	int reports;

	while (clock_ns() < end) {
		reports = calls.rules_changed;
		assert_int_equal(nexthops_poll(nexthops), 0);
		/* A busy machine may have held this process for longer than the window. */
		if (calls.rules_changed != reports)
			end = clock_ns() + 2 * WINDOW_MS * NS_PER_MS;
		sleep_ms(5);
	}
}

static void check(const struct change *change, const struct nexthop *nexthop)
{
	const __u32 current = element_of(nexthop)->current;
	enum concern concern;

	print_message("%s\n", change->command);
	settle();
	calls.rules_changed = 0;
	assert_int_equal(system(change->command), 0);
	/* The first poll sees it. */
	assert_int_equal(nexthops_poll(nexthops), 0);
	concern = calls.rules_changed ? ALL : element_of(nexthop)->current != current ? PAIR : NONE;
	assert_int_equal(concern, change->concern);
}

static void check_all(const struct change *changes, size_t n)
{
	struct nexthop *nexthop = get("10.0.0.1", "10.9.0.9");
	size_t i;

	for (i = 0; i < n; i++)
		check(&changes[i], nexthop);
	nexthop_put(nexthops, nexthop);
}

static void test_netfilter(void **state)
{
	static const struct change changes[] = {
		{ "nft add table inet t", ALL },
		{ "nft add chain inet t c '{ type filter hook output priority 0; }'", ALL },
		{ "nft add rule inet t c udp dport 9 drop", ALL },
		{ "nft add set inet t s '{ type ipv4_addr; }'", ALL },
		{ "nft add element inet t s '{ 192.0.2.1 }'", ALL },
		{ "nft list ruleset >/dev/null", NONE },
		{ "nft delete table inet t", ALL },
	};

	(void)state;
	if (nexthops_unwatched(nexthops) & TURNPIKE_RULES_NETFILTER)
		skip();
	check_all(changes, ARRAY_LEN(changes));
}

static void test_ipsec(void **state)
{
	static const struct change changes[] = {
		{ "ip xfrm policy add src 10.0.0.0/24 dst 10.9.0.0/16 dir out action block", PAIR },
		{ "ip xfrm policy update src 10.0.0.0/24 dst 10.9.0.0/16 dir out action allow",
		  PAIR },
		{ "ip xfrm policy del src 10.0.0.0/24 dst 10.9.0.0/16 dir out", PAIR },
		{ "ip xfrm policy add src 10.9.0.9 dst 0.0.0.0/0 dir in action block", PAIR },
		{ "ip xfrm policy add src 0.0.0.0/0 dst 0.0.0.0/0 dir fwd action allow", PAIR },
		{ "ip xfrm policy add src ::/0 dst ::/0 dir fwd action allow", NONE },
		{ "ip xfrm policy flush", ALL },
		{ "ip xfrm policy setdefault out block", ALL },
		{ "ip xfrm policy setdefault out accept", ALL },
		/* Somebody else's tunnel. */
		{ "ip xfrm policy add src 172.17.0.0/16 dst 0.0.0.0/0 dir out action block", NONE },
		{ "ip xfrm policy add src fd00::/16 dst fd00::/16 dir out action block", NONE },
	};

	(void)state;
	if (nexthops_unwatched(nexthops) & TURNPIKE_RULES_IPSEC)
		skip();
	check_all(changes, ARRAY_LEN(changes));
}

static void check_tunnels(const char *command, bool has_tunnels)
{
	const __u64 end = clock_ns() + 5000 * NS_PER_MS;

	print_message("%s\n", command);
	assert_int_equal(system(command), 0);
	/* That there are none any more is found out within a second. */
	do {
		assert_int_equal(nexthops_poll(nexthops), 0);
		sleep_ms(5);
	} while (calls.has_tunnels && !has_tunnels && clock_ns() < end);
	assert_int_equal(calls.has_tunnels, has_tunnels);
}

/* Which policies admit packets only out of a tunnel. */
static void test_tunnels(void **state)
{
#define TUNNEL "tmpl src 10.9.0.9 dst 10.0.0.1 proto esp mode tunnel"
	(void)state;
	if (nexthops_unwatched(nexthops) & TURNPIKE_RULES_IPSEC)
		skip();
	check_tunnels("ip xfrm policy add src 10.9.0.9 dst 10.0.0.1 dir out " TUNNEL, false);
	check_tunnels("ip xfrm policy add src 10.9.0.9 dst 10.0.0.1 dir fwd " TUNNEL, false);
	check_tunnels("ip xfrm policy add src 10.9.0.9 dst 10.0.0.1 dir in " TUNNEL " level use",
		      false);
	check_tunnels("ip xfrm policy update src 10.9.0.9 dst 10.0.0.1 dir in tmpl src 10.9.0.9 "
		      "dst 10.0.0.1 proto esp mode transport",
		      false);
	check_tunnels("ip xfrm policy update src 10.9.0.9 dst 10.0.0.1 dir in " TUNNEL, true);
	check_tunnels("ip xfrm policy add src 10.9.0.8 dst 10.0.0.1 dir in " TUNNEL, true);
	check_tunnels("ip xfrm policy del src 10.9.0.9 dst 10.0.0.1 dir in; sleep 1.1", true);
	check_tunnels("ip xfrm policy update src 10.9.0.8 dst 10.0.0.1 dir in", false);
	check_tunnels("ip xfrm policy add src fd09::/16 dst ::/0 dir in tmpl src fd00::2 "
		      "dst fd00::1 proto esp mode beet",
		      true);
	check_tunnels("ip xfrm policy flush", false);
}

#define ASSOCIATION "src 10.0.0.1 dst 10.9.0.9 proto esp spi 1 "

/* Needs a kernel with ESP. */
static void test_associations(void **state)
{
	static const struct change changes[] = {
		{ "ip xfrm state add " ASSOCIATION "enc 'ecb(cipher_null)' ''", ALL },
		{ "ip xfrm state update " ASSOCIATION "enc 'ecb(cipher_null)' ''", ALL },
		{ "ip xfrm state list >/dev/null", NONE },
		{ "ip xfrm state del " ASSOCIATION, ALL },
	};

	(void)state;
	if (system("ip xfrm state add " ASSOCIATION "enc 'ecb(cipher_null)' '' 2>/dev/null") ||
	    system("ip xfrm state del " ASSOCIATION))
		skip();
	check_all(changes, ARRAY_LEN(changes));
}

static void test_routing(void **state)
{
	static const struct change changes[] = {
		{ "ip route add 10.9.0.0/24 via 10.0.0.3", PAIR },
		{ "ip route replace 10.9.0.0/24 encap ip id 7 dst 10.0.0.3 via 10.0.0.2 dev eth0",
		  PAIR },
		{ "ip route del 10.9.0.0/24", PAIR },
		/* Equal hops, as the better route hides it: but the kernel alone knows that. */
		{ "ip route add default via 10.0.0.3", PAIR },
		{ "ip route add 10.9.0.9 via 10.0.0.3 table 7", PAIR },
		{ "ip rule add from 10.0.0.1 lookup 7", PAIR },
		{ "ip rule del from 10.0.0.1 lookup 7", PAIR },
		{ "ip rule add from 10.9.0.0/16 prohibit", PAIR },
		{ "ip rule del from 10.9.0.0/16 prohibit", PAIR },
		{ "ip rule add not from 172.17.0.2 lookup 7", PAIR },
		{ "ip rule del not from 172.17.0.2 lookup 7", PAIR },
		{ "ip addr add 10.9.0.9/32 dev lo", PAIR },
		{ "ip addr del 10.9.0.9/32 dev lo", PAIR },
		{ "ip nexthop add id 1 via 10.0.0.2 dev eth0", ALL },
		{ "ip nexthop del id 1", ALL },
		{ "ip rule add from 172.17.0.2 lookup 7", NONE },
		{ "ip rule add to 172.17.0.2 lookup 7", NONE },
		{ "ip -6 rule add from all lookup 7", NONE },
		{ "ip route add 10.10.0.0/16 via 10.0.0.2", NONE },
		{ "ip route add 10.9.0.8 via 10.0.0.2", NONE },
		{ "ip route add 10.9.0.0/16 via 10.0.0.2 table 7 proto static && "
		  "ip route flush table 7",
		  PAIR },
		{ "ip -6 route add default via fd00::2", NONE },
	};

	(void)state;
	check_all(changes, ARRAY_LEN(changes));
}

static void test_devices(void **state)
{
	static const struct change changes[] = {
		{ "echo 1 >/proc/sys/net/ipv4/conf/eth0/rp_filter", ALL },
		{ "echo 2 >/proc/sys/net/ipv4/conf/all/rp_filter", ALL },
		{ "echo 1 >/proc/sys/net/ipv4/conf/eth0/forwarding", ALL },
		{ "echo 1 >/proc/sys/net/ipv6/conf/eth0/forwarding", ALL },
		{ "echo 2 >/proc/sys/net/ipv4/conf/default/rp_filter", NONE },
		{ "tc qdisc add dev eth0 clsact", NONE },
		{ "tc filter add dev eth0 egress protocol ip u32 match u32 0 0 classid 1:1", ALL },
		{ "tc filter del dev eth0 egress", ALL },
		{ "ip link add br0 type bridge && ip link set br0 up", NONE },
		{ "ip link set eth0 mtu 1400", ALL },
		{ "ip link set eth0 mtu 1500", ALL },
		{ "ip link set eth0 master br0", ALL },
		{ "echo 1 >/proc/sys/net/ipv4/conf/br0/rp_filter", ALL },
		{ "ip link set eth0 nomaster", ALL },
		{ "echo 0 >/proc/sys/net/ipv4/conf/br0/rp_filter", NONE },
		{ "ip link set eth0 down", ALL },
		{ "ip link set eth0 up", ALL },
	};

	(void)state;
	check_all(changes, ARRAY_LEN(changes));
}

/* What a container engine does when it starts a container, and when that ends. */
static void test_containers(void **state)
{
	static const struct change changes[] = {
		{ "ip link add docker0 type bridge && ip link set docker0 up", NONE },
		{ "ip addr add 172.17.0.1/16 dev docker0", NONE },
		{ "ip link add v0 type veth peer v1", NONE },
		{ "ip link set v0 master docker0 && ip link set v0 up && ip link set v1 up", NONE },
		{ "ip addr add 172.17.0.2/16 dev v1", NONE },
		{ "ip route add 172.18.0.0/16 via 172.17.0.2 dev docker0", NONE },
		{ "ip neigh add 172.17.0.9 lladdr 02:00:00:00:00:09 dev docker0", NONE },
		{ "echo 1 >/proc/sys/net/ipv4/conf/v0/rp_filter", NONE },
		{ "tc qdisc add dev v0 clsact && tc filter add dev v0 ingress protocol ip "
		  "u32 match u32 0 0 classid 1:1",
		  NONE },
		{ "ip link del v0", NONE },
		{ "ip addr del 172.17.0.1/16 dev docker0", NONE },
		{ "ip link del docker0", NONE },
	};

	(void)state;
	check_all(changes, ARRAY_LEN(changes));
}

/* Needs a kernel with VRF devices. */
static void test_vrf(void **state)
{
	static const struct change changes[] = {
		{ "ip link set red up", NONE },
		{ "ip link set eth0 master red", ALL },
		{ "echo 1 >/proc/sys/net/ipv4/conf/red/rp_filter", ALL },
		{ "ip link set red down", ALL },
		{ "ip link set red up", ALL },
		{ "ip link set eth0 nomaster", ALL },
		{ "ip link set red down", NONE },
	};

	(void)state;
	check_all(changes, ARRAY_LEN(changes));
}

/*
 * The first of many changes is reported at once, the others together, when the descriptor becomes
 * readable by itself.
 */
static void test_many_changes(void **state)
{
	struct pollfd fd = { .fd = nexthops_fd(nexthops), .events = POLLIN };
	__u64 began;
	int i;

	(void)state;
	settle();
	calls.rules_changed = 0;
	began = clock_ns();
	for (i = 0; i < 5; i++) {
		assert_int_equal(system("echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter && "
					"echo 1 >/proc/sys/net/ipv4/conf/all/rp_filter"),
				 0);
		assert_int_equal(nexthops_poll(nexthops), 0);
		assert_true(calls.rules_changed >= 1);
	}
	assert_true((__u64)calls.rules_changed <=
		    1 + (clock_ns() - began) / (WINDOW_MS * NS_PER_MS));
	i = calls.rules_changed;
	if (poll(&fd, 1, 10 * WINDOW_MS) == 1)
		assert_int_equal(nexthops_poll(nexthops), 0);
	assert_int_equal(calls.rules_changed, i + 1);
	/* Then there is nothing to do. */
	sleep_ms(2L * WINDOW_MS);
	assert_int_equal(nexthops_poll(nexthops), 0);
	assert_int_equal(poll(&fd, 1, 0), 0);
}

/* VRF devices, which not every kernel has, are tested on their own. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_netfilter, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_ipsec, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_tunnels, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_associations, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_routing, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_containers, open_all, close_all),
		cmocka_unit_test_setup_teardown(test_many_changes, open_all, close_all),
		/* Last, because it takes the link down. */
		cmocka_unit_test_setup_teardown(test_devices, open_all, close_all),
	};
	const struct CMUnitTest tests_of_vrfs[] = {
		cmocka_unit_test_setup_teardown(test_vrf, open_all, close_all),
	};
	const int status = make_network();

	if (status)
		return status;
	if (argc < 2 || strcmp(argv[1], "vrf") != 0)
		return cmocka_run_group_tests(tests, NULL, NULL);
	if (!ip("link add red type vrf table 9"))
		return cannot_run("this kernel has no VRF devices");
	return cmocka_run_group_tests(tests_of_vrfs, NULL, NULL);
}
