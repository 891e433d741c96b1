/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The addresses of a host: what the kernel says of them and of their links, and their changes. In a
 * network namespace of its own.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/host_addresses.h"
#include "host/host_monitor.h"

#define SKIPPED 77
#define SECONDS 5

static void run(const char *command)
{
	if (system(command) != 0)
		fail_msg("%s", command);
}

static struct turnpike_addr addr_of(const char *text)
{
	struct turnpike_addr addr = { .family = TURNPIKE_IPV6 };

	if (inet_pton(AF_INET6, text, addr.ip) == 1)
		return addr;
	addr.family = TURNPIKE_IPV4;
	assert_int_equal(inet_pton(AF_INET, text, addr.ip), 1);
	return addr;
}

static const struct host_address *find(const struct host_addresses *all, const char *text)
{
	const struct turnpike_addr addr = addr_of(text);

	for (size_t i = 0; i < all->n; i++) {
		if (memcmp(&all->list[i].addr, &addr, sizeof(addr)) == 0)
			return &all->list[i];
	}
	return NULL;
}

static struct host_address get(const char *text)
{
	struct host_address result = { 0 };
	struct host_addresses all;

	assert_int_equal(host_addresses_read(&all), 0);
	if (find(&all, text))
		result = *find(&all, text);
	host_addresses_free(&all);
	return result;
}

static void has_its_addresses(void **state)
{
	struct host_address address;

	(void)state;
	address = get("127.0.0.1");
	assert_int_equal(address.link.kind, HOST_LINK_LOOPBACK);
	address = get("192.0.2.1");
	assert_string_equal(address.link.name, "a0");
	assert_int_equal(address.link.kind, HOST_LINK_VETH);
	assert_true(address.link.up);
	assert_true(address.link.carrier);
	assert_int_equal(address.flags, 0);
	assert_int_equal(get("192.0.2.99").link.ifindex, 0);
}

/* A second IPv4 address of a prefix has the bit that means "temporary" in IPv6. */
static void knows_flags(void **state)
{
	(void)state;
	run("ip address add 192.0.2.2/24 dev a0");
	assert_int_equal(get("192.0.2.2").flags, 0);
	run("ip address add 2001:db8::3/64 dev a0 nodad preferred_lft 0");
	assert_int_equal(get("2001:db8::3").flags, HOST_DEPRECATED);
	run("sysctl -qw net.ipv6.conf.a0.accept_dad=1 net.ipv6.conf.a0.dad_transmits=10");
	run("ip address add 2001:db8::4/64 dev a0");
	assert_int_equal(get("2001:db8::4").flags, HOST_TENTATIVE);
}

static void knows_links(void **state)
{
	(void)state;
	run("ip link add br0 type bridge && ip address add 198.51.100.1/24 dev br0");
	assert_false(get("198.51.100.1").link.up);
	run("ip link set br0 up");
	assert_int_equal(get("198.51.100.1").link.kind, HOST_LINK_BRIDGE);
	run("ip link add c0 type veth peer name c1 && ip link set c0 up");
	run("ip link set c0 master br0");
	assert_false(get("198.51.100.1").link.carrier);
	run("ip link set c1 up");
	/* The kernel reports carrier within a second. */
	for (int i = 0; i < 20 && !get("198.51.100.1").link.carrier; i++)
		run("sleep 0.1");
	assert_true(get("198.51.100.1").link.carrier);
	assert_false(get("198.51.100.1").link.is_uplink);
	assert_false(get("198.51.100.1").link.is_default);
	run("ip route add 203.0.113.0/24 via 198.51.100.2");
	assert_false(get("198.51.100.1").link.is_default);
	run("ip route add default via 198.51.100.2 table 100");
	assert_true(get("198.51.100.1").link.is_default);
	run("ip link add m0 link c1 type macvlan && ip link set m0 master br0");
	assert_true(get("198.51.100.1").link.is_uplink);
	run("ip tuntap add t0 mode tun && ip address add 198.51.100.9/32 dev t0");
	assert_int_equal(get("198.51.100.9").link.kind, HOST_LINK_TUNNEL);
	assert_false(get("198.51.100.9").link.is_default);
	run("ip link set t0 up && ip -6 route add default dev t0");
	assert_true(get("198.51.100.9").link.is_default);
}

/** struct watch - what a monitor has reported */
struct watch {
	struct event_base *base;
	const char *awaited;
	bool is_there;
	unsigned int calls;
};

static void on_change(void *arg, const struct host_addresses *now)
{
	struct watch *watch = arg;

	watch->calls++;
	if ((find(now, watch->awaited) != NULL) == watch->is_there)
		event_base_loopbreak(watch->base);
}

static void await(struct watch *watch, const char *command, bool is_there)
{
	static const struct timeval longest = { .tv_sec = SECONDS };

	watch->is_there = is_there;
	watch->calls = 0;
	run(command);
	event_base_loopexit(watch->base, &longest);
	event_base_dispatch(watch->base);
	assert_true(event_base_got_break(watch->base));
}

static bool has_local(const struct host_addresses *all, const char *text)
{
	struct addr_cidr cidr;

	assert_int_equal(addr_cidr_parse(text, &cidr), 0);
	for (size_t i = 0; i < all->n_local; i++) {
		if (memcmp(&all->local[i], &cidr, sizeof(cidr)) == 0)
			return true;
	}
	return false;
}

static void knows_local_routes(void **state)
{
	struct host_addresses all;

	(void)state;
	run("ip route add local 198.51.100.64/28 dev lo");
	run("ip -6 route add local 2001:db8:1::/64 dev lo");
	run("ip route add 192.0.3.0/24 dev a0");
	run("ip route add local 0.0.0.0/0 dev lo table 101");
	assert_int_equal(host_addresses_read(&all), 0);
	assert_true(has_local(&all, "198.51.100.64/28"));
	assert_true(has_local(&all, "2001:db8:1::/64"));
	assert_true(has_local(&all, "192.0.2.1"));
	assert_true(has_local(&all, "192.0.2.255"));
	assert_false(has_local(&all, "192.0.3.0/24"));
	/* For transparent proxies, which redirect by a mark: not what this host receives. */
	assert_false(has_local(&all, "0.0.0.0/0"));
	host_addresses_free(&all);
}

static void follows_changes(void **state)
{
	struct watch watch = { .base = event_base_new(), .awaited = "192.0.2.50" };
	struct host_monitor *monitor;

	(void)state;
	assert_int_equal(host_monitor_open(watch.base, on_change, &watch, &monitor), 0);
	assert_non_null(find(host_monitor_addresses(monitor), "192.0.2.1"));
	await(&watch, "ip address add 192.0.2.50/24 dev a0", true);
	assert_non_null(find(host_monitor_addresses(monitor), "192.0.2.50"));
	await(&watch, "ip address del 192.0.2.50/24 dev a0", false);
	/* Routes of others, and what settles within a moment, are no changes. */
	await(&watch,
	      "for i in $(seq 50); do ip route add 203.0.113.$i/32 dev a0; done;"
	      "ip address add 192.0.2.50/24 dev a0; ip address del 192.0.2.50/24 dev a0;"
	      "ip address add 192.0.2.50/24 dev a0",
	      true);
	assert_int_equal(watch.calls, 1);
	host_monitor_close(monitor);
	event_base_free(watch.base);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_its_addresses), cmocka_unit_test(knows_flags),
		cmocka_unit_test(knows_links),       cmocka_unit_test(knows_local_routes),
		cmocka_unit_test(follows_changes),
	};

	if (unshare(CLONE_NEWNET)) {
		printf("needs root for a network namespace\n");
		return SKIPPED;
	}
	run("ip link set lo up && ip link add a0 type veth peer name a1 && ip link set a0 up && "
	    "ip link set a1 up && ip address add 192.0.2.1/24 dev a0");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
