/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Notifications of changes to neighbours, links, addresses, routes and rules.
 */
#ifndef TURNPIKE_ATTACH_NET_MONITOR_H
#define TURNPIKE_ATTACH_NET_MONITOR_H

#include <netlink/netlink.h>

#include "net/neigh.h"

/**
 * struct monitor_ops - what to do about notifications
 * @on_neighbour: a neighbour changed
 * @on_routing:   a link, address, route, rule or next-hop object changed
 */
struct monitor_ops {
	void (*on_neighbour)(const struct neighbour_facts *neighbour, void *arg);
	void (*on_routing)(void *arg);
	void *arg;
};

/**
 * monitor_open() - open a non-blocking socket for notifications
 * @ops: must live as long as the socket
 * @ret: free with nl_socket_free()
 *
 * Return: 0 or a negative errno.
 */
int monitor_open(const struct monitor_ops *ops, struct nl_sock **ret);

/**
 * monitor_read() - handle all notifications that have arrived
 *
 * Return: 0; -ENOBUFS if the kernel dropped some, so everything must be looked up anew; another
 * negative errno.
 */
int monitor_read(struct nl_sock *sock);

#endif /* TURNPIKE_ATTACH_NET_MONITOR_H */
