/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Sockets that receive notifications over netlink.
 */
#ifndef TURNPIKE_ATTACH_NET_NOTIFICATIONS_H
#define TURNPIKE_ATTACH_NET_NOTIFICATIONS_H

#include <netlink/netlink.h>

struct operation;
struct privileged;

/** What there are notifications of. */
enum notifications {
	NOTIFICATIONS_ROUTES, /* and all else of rtnetlink: see monitor.h */
	NOTIFICATIONS_NFTABLES,
	NOTIFICATIONS_IPSEC,
	N_NOTIFICATIONS,
};

/** notifications_operation_open - open a socket of these, which needs CAP_NET_ADMIN for some */
extern const struct operation notifications_operation_open;

/**
 * notifications_open() - open a non-blocking socket that receives them
 * @on_message: called with @arg by notifications_read(); returns NL_OK
 * @epoll:      set to watch the socket
 * @ret:        free with nl_socket_free()
 *
 * Return: 0; -EPROTONOSUPPORT if the kernel does not have them, or not for us; another negative
 * errno.
 */
int notifications_open(struct privileged *privileged, enum notifications what,
		       nl_recvmsg_msg_cb_t on_message, void *arg, int epoll, struct nl_sock **ret);

/**
 * notifications_read() - handle those that have arrived, up to some thousand
 *
 * Return: 0, also if there are more: then the socket stays readable; -ENOBUFS if the kernel dropped
 * some; another negative errno.
 */
int notifications_read(struct nl_sock *sock);

#endif /* TURNPIKE_ATTACH_NET_NOTIFICATIONS_H */
