/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sockets that receive notifications over netlink.
 */
#ifndef TURNPIKE_ATTACH_NET_NOTIFICATIONS_H
#define TURNPIKE_ATTACH_NET_NOTIFICATIONS_H

#include <netlink/netlink.h>
#include <stddef.h>

/**
 * notifications_open() - join groups with a non-blocking socket
 * @protocol:   NETLINK_ROUTE, ...
 * @groups:     numbers of @n multicast groups
 * @on_message: called with @arg by notifications_read(); returns NL_OK
 * @epoll:      set to watch the socket
 * @ret:        free with nl_socket_free()
 *
 * Return: 0; -EPROTONOSUPPORT if the kernel does not have them, or not for us; another negative
 * errno.
 */
int notifications_open(int protocol, const int *groups, size_t n, nl_recvmsg_msg_cb_t on_message,
		       void *arg, int epoll, struct nl_sock **ret);

/**
 * notifications_read() - handle those that have arrived, up to some thousand
 *
 * Return: 0, also if there are more: then the socket stays readable; -ENOBUFS if the kernel dropped
 * some; another negative errno.
 */
int notifications_read(struct nl_sock *sock);

#endif /* TURNPIKE_ATTACH_NET_NOTIFICATIONS_H */
