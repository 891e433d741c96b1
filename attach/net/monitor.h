/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Notifications over rtnetlink of what routes packets or may stop them.
 */
#ifndef TURNPIKE_ATTACH_NET_MONITOR_H
#define TURNPIKE_ATTACH_NET_MONITOR_H

#include <netlink/netlink.h>
#include <stdbool.h>

#include "net/link.h"
#include "net/neigh.h"
#include "net/selector.h"

struct privileged;

/**
 * struct monitor_ops - what to do about notifications
 * @on_neighbour: a neighbour changed
 * @on_route:     a route or a routing rule for these packets was added, changed or deleted
 * @on_nexthop:   a next-hop object changed, with which the kernel need not name the routes
 * @on_link:      a device changed, or is gone
 * @on_deleted:   an IPv4 address of a device was deleted, and with it, without notification, routes
 *                that prefer it as source
 * @on_device:    filters, actions or settings of a device changed; 0: of all
 */
struct monitor_ops {
	void (*on_neighbour)(const struct neighbour_facts *neighbour, void *arg);
	void (*on_route)(const struct selector *selector, void *arg);
	void (*on_nexthop)(void *arg);
	void (*on_link)(const struct link_facts *link, bool gone, void *arg);
	void (*on_deleted)(__u32 ifindex, void *arg);
	void (*on_device)(__u32 ifindex, void *arg);
	void *arg;
};

/**
 * monitor_open() - open a socket for notifications_read()
 * @ops:   must live as long as the socket
 * @epoll: set to watch it
 * @ret:   free with nl_socket_free()
 *
 * Return: 0 or a negative errno.
 */
int monitor_open(struct privileged *privileged, const struct monitor_ops *ops, int epoll,
		 struct nl_sock **ret);

#endif /* TURNPIKE_ATTACH_NET_MONITOR_H */
