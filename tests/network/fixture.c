/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#define _GNU_SOURCE
#include "fixture.h"

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

#include "net/netlink.h"
#include "private/array_len.h"

#define MAX     8
#define SKIPPED 77

static const struct attach_point native = { .mode = TURNPIKE_MODE_XDP_NATIVE };
static struct turnpike_nexthop map[MAX];
struct device eth0 = { .attachment = { .point = &native, .number = 9 } };
struct devices devices = { .all = &eth0 };
static struct privileged privileged;
struct nexthops *nexthops;
struct calls calls;

static const char *const network[] = {
	"link add eth0 address 02:00:00:00:00:01 type veth peer name far0",
	"link set lo up",
	"link set far0 up",
	"link set eth0 up",
	"addr add 10.0.0.1/24 dev eth0",
	"addr add fd00::1/64 dev eth0 nodad",
	"neigh add 10.0.0.2 lladdr 02:00:00:00:00:02 dev eth0 nud permanent",
	"neigh add 10.0.0.3 lladdr 02:00:00:00:00:03 dev eth0 nud permanent",
	"neigh add fd00::2 lladdr 02:00:00:00:00:02 dev eth0 nud permanent",
	"route add 10.9.0.0/16 via 10.0.0.2",
	"route add fd09::/16 via fd00::2",
};

int cannot_run(const char *why)
{
	printf("SKIPPED: %s\n", why);
	return SKIPPED;
}

bool ip(const char *words)
{
	char command[256];

	snprintf(command, sizeof(command), "ip %s", words);
	return system(command) == 0;
}

int make_network(void)
{
	size_t i;

	if (unshare(CLONE_NEWNET))
		return cannot_run("no network namespace, run as root");
	for (i = 0; i < ARRAY_LEN(network); i++)
		if (!ip(network[i]))
			return EXIT_FAILURE;
	return 0;
}

static bool egress(void *arg, __u32 ifindex, struct egress *ret)
{
	return device_egress(arg, ifindex, ret);
}

static bool attached(void *arg, __u32 ifindex, const char *name)
{
	return device_is_attached(arg, ifindex, name);
}

static void changed(void *arg)
{
	(void)arg;
	calls.changed++;
	assert_int_equal(netlink_link(devices.sock, 0, "eth0", &eth0.link), 0);
}

static void rules_changed(void *arg)
{
	(void)arg;
	calls.rules_changed++;
}

static void tunnels_changed(void *arg, bool has_tunnels)
{
	(void)arg;
	calls.has_tunnels = has_tunnels;
}

int open_all(void **state)
{
	const struct nexthop_owner owner = { .egress = egress,
					     .attached = attached,
					     .changed = changed,
					     .rules_changed = rules_changed,
					     .tunnels_changed = tunnels_changed,
					     .arg = &devices };

	(void)state;
	if (netlink_open(NETLINK_ROUTE, &devices.sock))
		return -1;
	/* The kernel notices the carrier a moment later. */
	do
		changed(NULL);
	while (!eth0.link.up);
	calls = (struct calls){ 0 };
	privileged = PRIVILEGED_NONE;
	privileged.sock = devices.sock;
	return nexthops_open(&owner, map, MAX, &privileged, &nexthops);
}

int close_all(void **state)
{
	(void)state;
	nexthops_close(nexthops);
	nl_socket_free(devices.sock);
	return 0;
}

struct turnpike_addr addr(const char *text)
{
	const bool is_v6 = strchr(text, ':') != NULL;
	struct turnpike_addr addr = { .family = is_v6 ? TURNPIKE_IPV6 : TURNPIKE_IPV4 };

	assert_int_equal(inet_pton(is_v6 ? AF_INET6 : AF_INET, text, addr.ip), 1);
	return addr;
}

struct nexthop *get(const char *local, const char *remote)
{
	const struct turnpike_addr from = addr(local), to = addr(remote);
	const struct nexthop_pair pair = nexthop_pair(&from, &to);
	struct nexthop *nexthop;

	assert_int_equal(nexthops_get(nexthops, &pair, 1, &nexthop), 0);
	return nexthop;
}

const struct turnpike_nexthop *element_of(const struct nexthop *nexthop)
{
	return &map[nexthop_index(nexthop)];
}

const struct turnpike_hop *hop_of(const struct nexthop *nexthop)
{
	return turnpike_current_hop(element_of(nexthop));
}
