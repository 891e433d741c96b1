/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How packets leave by a device: an attached one, or one or two VLANs on top of it. A table stands
 * in for rtnetlink.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "private/array_len.h"
#include "devices/device.h"
#include "hooks/point.h"

#define ETH0  1u /* attached, native XDP */
#define ETH1  2u /* attached, but without a program: userspace */
#define ETH2  3u /* not attached */
#define VLAN  4u /* attached itself */
#define BELOW 5u /* attached, but it is down */

/* Devices that are not attached, as rtnetlink reports them; a VLAN has a protocol. */
static const struct row {
	__u32 ifindex;
	__u32 link;
	__u32 mtu;
	__u16 protocol;
	__u16 number;
	bool down;
	bool elsewhere; /* the device below is in another namespace */
} rows[] = {
	{ .ifindex = ETH2, .mtu = 1500 },
	{ .ifindex = 10, .link = ETH0, .mtu = 1400, .protocol = ETH_P_8021Q, .number = 5 },
	{ .ifindex = 11, .link = ETH0, .mtu = 1500, .protocol = ETH_P_8021AD, .number = 4094 },
	{ .ifindex = 12, .link = 11, .mtu = 1300, .protocol = ETH_P_8021Q, .number = 7 },
	{ .ifindex = 13, .link = 12, .mtu = 1500, .protocol = ETH_P_8021Q, .number = 8 },
	{ .ifindex = 14, .link = ETH1, .mtu = 1500, .protocol = ETH_P_8021Q, .number = 5 },
	{ .ifindex = 15, .link = ETH2, .mtu = 1500, .protocol = ETH_P_8021Q, .number = 5 },
	{ .ifindex = 16, .link = VLAN, .mtu = 1500, .protocol = ETH_P_8021Q, .number = 6 },
	{ .ifindex = 17, .link = ETH0, .protocol = ETH_P_8021Q, .number = 5, .down = true },
	{ .ifindex = 18, .link = ETH0, .protocol = ETH_P_8021Q, .number = 5, .elsewhere = true },
	{ .ifindex = 19, .link = ETH0, .mtu = 1500 }, /* another kind, such as macvlan */
	{ .ifindex = 20, .link = BELOW, .mtu = 1500, .protocol = ETH_P_8021Q, .number = 5 },
};

static struct link_facts facts_of(const struct row *row)
{
	return (struct link_facts){ .ifindex = row->ifindex,
				    .link = row->link,
				    .link_netns = row->elsewhere ? 3 : NETNS_OURS,
				    .mtu = row->mtu,
				    .mac = { 2, 0, 0, 0, 0, (__u8)row->ifindex },
				    .up = !row->down,
				    .tag = { htons(row->protocol), htons(row->number) } };
}

int __wrap_netlink_link(struct nl_sock *sock, int ifindex, const char *name,
			struct link_facts *ret);

int __wrap_netlink_link(struct nl_sock *sock, int ifindex, const char *name, struct link_facts *ret)
{
	size_t i;

	(void)sock;
	(void)name;
	for (i = 0; i < ARRAY_LEN(rows); i++) {
		if (rows[i].ifindex == (__u32)ifindex) {
			*ret = facts_of(&rows[i]);
			return 0;
		}
	}
	return -ENODEV;
}

static const struct attach_point native = { .mode = TURNPIKE_MODE_XDP_NATIVE };

static struct device attached[] = {
	{ .link = { .ifindex = ETH0 }, .attachment = { .number = 9 } },
	{ .link = { .ifindex = ETH1 }, .attachment = { .number = 0 } },
	{ .link = { .ifindex = VLAN }, .attachment = { .number = 9 } },
	{ .link = { .ifindex = BELOW }, .attachment = { .number = 9 } },
};

#define N_ATTACHED ARRAY_LEN(attached)

static void complete(struct device *device, struct device *next)
{
	device->link.up = device->link.ifindex != BELOW;
	device->link.mtu = 1500;
	device->link.mac[0] = 2;
	device->link.mac[5] = (__u8)device->link.ifindex;
	device->attachment.point = &native;
	device->next = next;
}

/** How packets must leave by a device, with the tags of rows @outer and @inner; by 0: not at all */
static const struct egress_case {
	__u32 ifindex;
	__u32 by;
	__u32 mtu;
	__u32 outer, inner; /* VLAN devices; 0: none */
} cases[] = {
	{ .ifindex = ETH0, .by = ETH0, .mtu = 1500 },
	{ .ifindex = ETH1 },
	{ .ifindex = ETH2 },
	{ .ifindex = BELOW },
	{ .ifindex = 99 },
	{ .ifindex = VLAN, .by = VLAN, .mtu = 1500 },
	{ .ifindex = 10, .by = ETH0, .mtu = 1400, .outer = 10 },
	{ .ifindex = 11, .by = ETH0, .mtu = 1500, .outer = 11 },
	{ .ifindex = 12, .by = ETH0, .mtu = 1300, .outer = 11, .inner = 12 },
	{ .ifindex = 13 },
	{ .ifindex = 14 },
	{ .ifindex = 15 },
	{ .ifindex = 16, .by = VLAN, .mtu = 1500, .outer = 16 },
	{ .ifindex = 17 },
	{ .ifindex = 18 },
	{ .ifindex = 19 },
	{ .ifindex = 20 },
};

static struct egress egress_of(const struct egress_case *expected)
{
	struct egress egress = { .ifindex = expected->by,
				 .mtu = expected->mtu,
				 .mac = { 2, 0, 0, 0, 0, (__u8)expected->ifindex },
				 .flags = TURNPIKE_HOP_XDP_XMIT };
	const __u32 vlans[] = { expected->outer, expected->inner };
	struct link_facts facts;
	size_t i;

	for (i = 0; i < TURNPIKE_TAGS_MAX && vlans[i]; i++) {
		assert_int_equal(__wrap_netlink_link(NULL, (int)vlans[i], "", &facts), 0);
		egress.tag[egress.tags++] = facts.tag;
	}
	return egress;
}

static void test_egress(void **state)
{
	const struct devices devices = { .all = attached };
	struct egress expected, got;
	size_t i;

	(void)state;
	for (i = 0; i < N_ATTACHED; i++)
		complete(&attached[i], i + 1 < N_ATTACHED ? &attached[i + 1] : NULL);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		print_message("by device %u\n", cases[i].ifindex);
		memset(&got, 0, sizeof(got));
		assert_int_equal(device_egress(&devices, cases[i].ifindex, &got), cases[i].by != 0);
		expected = egress_of(&cases[i]);
		if (cases[i].by)
			assert_memory_equal(&got, &expected, sizeof(got));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_egress) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
