/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "net/monitor.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/netconf.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdint.h>
#include <sys/socket.h>

#include "net/notifications.h"
#include "private/array_len.h"

/* The kernel's net/sched/cls_api.c: a filter of a block that devices share. */
#define SHARED_BLOCK 0xffffffffu

static void on_neighbour(struct nl_msg *msg, const struct monitor_ops *ops)
{
	struct neighbour_facts neighbour;

	if (neighbour_parse(nlmsg_hdr(msg), &neighbour))
		ops->on_neighbour(&neighbour, ops->arg);
}

static void on_route(struct nl_msg *msg, const struct monitor_ops *ops)
{
	struct selector selector;

	if (selector_of_route(nlmsg_hdr(msg), &selector))
		ops->on_route(&selector, ops->arg);
}

static void on_rule(struct nl_msg *msg, const struct monitor_ops *ops)
{
	struct selector selector;

	if (selector_of_rule(nlmsg_hdr(msg), &selector))
		ops->on_route(&selector, ops->arg);
}

static void on_nexthop(struct nl_msg *msg, const struct monitor_ops *ops)
{
	(void)msg;
	ops->on_nexthop(ops->arg);
}

/*
 * A bridge reports its ports by messages of the same type; RTM_DELLINK: one has left it. Of a
 * device that libnl cannot read, no more is known than that it changed.
 */
static void on_link(struct nl_msg *msg, const struct monitor_ops *ops)
{
	const struct ifinfomsg *info = nlmsg_data(nlmsg_hdr(msg));
	struct link_facts link = { 0 };

	if (info->ifi_family == AF_BRIDGE || link_parse(msg, &link))
		ops->on_device((__u32)info->ifi_index, ops->arg);
	else
		ops->on_link(&link, nlmsg_hdr(msg)->nlmsg_type == RTM_DELLINK, ops->arg);
}

static void on_deleted(struct nl_msg *msg, const struct monitor_ops *ops)
{
	const struct ifaddrmsg *info = nlmsg_data(nlmsg_hdr(msg));

	if (info->ifa_family == AF_INET)
		ops->on_deleted(info->ifa_index, ops->arg);
}

static void on_filter(struct nl_msg *msg, const struct monitor_ops *ops)
{
	const struct tcmsg *info = nlmsg_data(nlmsg_hdr(msg));
	const __u32 ifindex = (__u32)info->tcm_ifindex;

	ops->on_device(ifindex == SHARED_BLOCK ? 0 : ifindex, ops->arg);
}

/* Filters of any device may use it. */
static void on_action(struct nl_msg *msg, const struct monitor_ops *ops)
{
	(void)msg;
	ops->on_device(0, ops->arg);
}

/* NETCONFA_IFINDEX_DEFAULT is for devices to come. */
static void on_settings(struct nl_msg *msg, const struct monitor_ops *ops)
{
	const struct nlattr *ifindex =
		nlmsg_find_attr(nlmsg_hdr(msg), sizeof(struct netconfmsg), NETCONFA_IFINDEX);
	const int which = ifindex ? nla_get_s32(ifindex) : NETCONFA_IFINDEX_ALL;

	if (which != NETCONFA_IFINDEX_DEFAULT)
		ops->on_device(which == NETCONFA_IFINDEX_ALL ? 0 : (__u32)which, ops->arg);
}

/*
 * Queueing disciplines and classes are not here: they delay or drop packets after all that a flow
 * depends on, and some daemons set their rates ten times a second.
 */
static const struct {
	int type;
	void (*handle)(struct nl_msg *msg, const struct monitor_ops *ops);
} handlers[] = {
	{ RTM_NEWNEIGH, on_neighbour },  { RTM_DELNEIGH, on_neighbour },
	{ RTM_NEWROUTE, on_route },      { RTM_DELROUTE, on_route },
	{ RTM_NEWRULE, on_rule },        { RTM_DELRULE, on_rule },
	{ RTM_NEWNEXTHOP, on_nexthop },  { RTM_DELNEXTHOP, on_nexthop },
	{ RTM_NEWLINK, on_link },        { RTM_DELLINK, on_link },
	{ RTM_DELADDR, on_deleted },     { RTM_NEWTFILTER, on_filter },
	{ RTM_DELTFILTER, on_filter },   { RTM_NEWCHAIN, on_filter },
	{ RTM_DELCHAIN, on_filter },     { RTM_NEWACTION, on_action },
	{ RTM_DELACTION, on_action },    { RTM_NEWNETCONF, on_settings },
	{ RTM_DELNETCONF, on_settings },
};

static int on_notification(struct nl_msg *msg, void *arg)
{
	size_t i;

	for (i = 0; i < ARRAY_LEN(handlers); i++)
		if (handlers[i].type == nlmsg_hdr(msg)->nlmsg_type)
			handlers[i].handle(msg, arg);
	return NL_OK;
}

int monitor_open(struct privileged *privileged, const struct monitor_ops *ops, int epoll,
		 struct nl_sock **ret)
{
	return notifications_open(privileged, NOTIFICATIONS_ROUTES, on_notification,
				  (void *)(uintptr_t)ops, epoll, ret);
}
