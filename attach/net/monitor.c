/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "net/monitor.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <stdint.h>

#include "net/netlink.h"

/* Receive buffer: a burst of changes is cheaper to queue than to look everything up anew. */
#define QUEUE_BYTES (1 << 20)

/*
 * Only neighbours are parsed. A router with a full BGP table changes hundreds of routes a second,
 * so no libnl cache is kept of them, and none becomes an object.
 */
static int on_notification(struct nl_msg *msg, void *arg)
{
	const struct monitor_ops *ops = arg;
	struct neighbour_facts neighbour;

	switch (nlmsg_hdr(msg)->nlmsg_type) {
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		if (neighbour_parse(nlmsg_hdr(msg), &neighbour))
			ops->on_neighbour(&neighbour, ops->arg);
		break;
	default:
		ops->on_routing(ops->arg);
	}
	return NL_OK;
}

/* Some changes of routes have no notification but that of an address or a next-hop object. */
static int subscribe(struct nl_sock *sock)
{
	return nl_socket_add_memberships(sock, RTNLGRP_NEIGH, RTNLGRP_LINK, RTNLGRP_IPV4_ROUTE,
					 RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE,
					 RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_NEXTHOP,
					 0);
}

int monitor_open(const struct monitor_ops *ops, struct nl_sock **ret)
{
	struct nl_sock *sock = nl_socket_alloc();

	if (!sock)
		return -ENOMEM;
	nl_socket_disable_seq_check(sock);
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, on_notification,
			    (void *)(uintptr_t)ops);
	if (nl_socket_set_msg_buf_size(sock, NETLINK_MESSAGE_MAX) ||
	    nl_connect(sock, NETLINK_ROUTE) || subscribe(sock) || nl_socket_set_nonblocking(sock)) {
		nl_socket_free(sock);
		return -EPROTONOSUPPORT;
	}
	nl_socket_set_buffer_size(sock, QUEUE_BYTES, 0);
	*ret = sock;
	return 0;
}

int monitor_read(struct nl_sock *sock)
{
	for (;;) {
		const int err = nl_recvmsgs_default(sock);

		switch (-err) {
		case NLE_SUCCESS:
			continue;
		case NLE_AGAIN:
			return 0;
		case NLE_NOMEM: /* libnl's name for ENOBUFS, too */
		case NLE_MSG_TRUNC:
			return -ENOBUFS;
		default:
			return netlink_errno(err);
		}
	}
}
