/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "host/host_monitor.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>
#include <stdlib.h>

/* A device that comes up causes many notifications. */
#define SETTLE_US 100000

/** struct host_monitor - @later reads the addresses again */
struct host_monitor {
	struct nl_sock *sock;
	struct event *readable;
	struct event *later;
	struct host_addresses addresses;
	void (*changed)(void *arg, const struct host_addresses *now);
	void *arg;
};

static void read_later(struct host_monitor *monitor)
{
	static const struct timeval settle = { .tv_usec = SETTLE_US };

	if (!evtimer_pending(monitor->later, NULL))
		event_add(monitor->later, &settle);
}

static void on_later(evutil_socket_t fd, short what, void *arg)
{
	struct host_monitor *monitor = arg;
	struct host_addresses now;

	(void)fd;
	(void)what;
	if (host_addresses_read(&now)) {
		read_later(monitor);
		return;
	}
	if (host_addresses_equal(&monitor->addresses, &now)) {
		host_addresses_free(&now);
		return;
	}
	host_addresses_free(&monitor->addresses);
	monitor->addresses = now;
	monitor->changed(monitor->arg, &monitor->addresses);
}

/*
 * Of routes, only default and local ones matter: a router with a full BGP table changes many
 * others.
 */
static bool matters(const struct nlmsghdr *header)
{
	const struct rtmsg *route = nlmsg_data(header);

	if (header->nlmsg_type != RTM_NEWROUTE && header->nlmsg_type != RTM_DELROUTE)
		return true;
	return route->rtm_dst_len <= 1 || route->rtm_table == RT_TABLE_LOCAL;
}

static int on_notification(struct nl_msg *msg, void *arg)
{
	if (matters(nlmsg_hdr(msg)))
		read_later(arg);
	return NL_OK;
}

/* After an overrun, notifications are missing. */
static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct host_monitor *monitor = arg;
	int err = 0;

	(void)fd;
	(void)what;
	while (!err)
		err = nl_recvmsgs_default(monitor->sock);
	if (err != -NLE_AGAIN)
		read_later(monitor);
}

static int open_socket(struct host_monitor *monitor)
{
	monitor->sock = nl_socket_alloc();
	if (!monitor->sock)
		return -ENOMEM;
	nl_socket_disable_seq_check(monitor->sock);
	nl_socket_modify_cb(monitor->sock, NL_CB_VALID, NL_CB_CUSTOM, on_notification, monitor);
	if (nl_connect(monitor->sock, NETLINK_ROUTE) ||
	    nl_socket_add_memberships(monitor->sock, RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR,
				      RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE,
				      0) ||
	    nl_socket_set_nonblocking(monitor->sock))
		return -EPROTONOSUPPORT;
	return 0;
}

static int watch(struct host_monitor *monitor, struct event_base *base)
{
	monitor->later = evtimer_new(base, on_later, monitor);
	monitor->readable = event_new(base, nl_socket_get_fd(monitor->sock), EV_READ | EV_PERSIST,
				      on_readable, monitor);
	if (!monitor->later || !monitor->readable || event_add(monitor->readable, NULL))
		return -ENOMEM;
	return 0;
}

int host_monitor_open(struct event_base *base,
		      void (*changed)(void *arg, const struct host_addresses *now), void *arg,
		      struct host_monitor **ret)
{
	struct host_monitor *monitor = calloc(1, sizeof(*monitor));
	int err;

	if (!monitor)
		return -ENOMEM;
	monitor->changed = changed;
	monitor->arg = arg;
	/* First subscribe, then read, so that no change is missed. */
	err = open_socket(monitor);
	if (!err)
		err = watch(monitor, base);
	if (!err)
		err = host_addresses_read(&monitor->addresses);
	if (err)
		host_monitor_close(monitor);
	else
		*ret = monitor;
	return err;
}

const struct host_addresses *host_monitor_addresses(const struct host_monitor *monitor)
{
	return &monitor->addresses;
}

void host_monitor_close(struct host_monitor *monitor)
{
	if (!monitor)
		return;
	if (monitor->readable)
		event_free(monitor->readable);
	if (monitor->later)
		event_free(monitor->later);
	nl_socket_free(monitor->sock);
	host_addresses_free(&monitor->addresses);
	free(monitor);
}
