/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "net/notifications.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <netlink/errno.h>
#include <netlink/socket.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/netlink.h"
#include "privileged/privileged.h"

/* Receive buffer: a burst is cheaper to queue than to look everything up anew. */
#define QUEUE_BYTES (8 << 20)

/* Bounds the time that a call takes, at some microseconds each. */
#define READS_MAX 2048

#define GROUPS_MAX 12

/* @groups: those of multicast, and a 0 */
static const struct {
	int protocol;
	int groups[GROUPS_MAX];
} kinds[N_NOTIFICATIONS] = {
	[NOTIFICATIONS_ROUTES] = { NETLINK_ROUTE,
				   { RTNLGRP_NEIGH, RTNLGRP_LINK, RTNLGRP_IPV4_ROUTE,
				     RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE,
				     RTNLGRP_IPV4_IFADDR, RTNLGRP_NEXTHOP, RTNLGRP_IPV4_NETCONF,
				     RTNLGRP_IPV6_NETCONF, RTNLGRP_TC } },
	[NOTIFICATIONS_NFTABLES] = { NETLINK_NETFILTER, { NFNLGRP_NFTABLES } },
	[NOTIFICATIONS_IPSEC] = { NETLINK_XFRM,
				  { XFRMNLGRP_POLICY, XFRMNLGRP_SA, XFRMNLGRP_EXPIRE } },
};

/* net.core.rmem_max limits who has no CAP_NET_ADMIN. */
static void set_queue(struct nl_sock *sock)
{
	const int bytes = QUEUE_BYTES;

	if (setsockopt(nl_socket_get_fd(sock), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		nl_socket_set_buffer_size(sock, QUEUE_BYTES, 0);
}

static int subscribe(struct nl_sock *sock, const int *groups)
{
	for (; *groups; groups++)
		if (nl_socket_add_membership(sock, *groups))
			return -1;
	return 0;
}

struct which {
	__u32 notifications;
};

static int run_open(struct privileged *privileged, const void *args, void *result, int *fd)
{
	const struct which *which = args;
	struct nl_sock *sock;
	int err = 0;

	(void)privileged;
	(void)result;
	if (which->notifications >= N_NOTIFICATIONS)
		return -EINVAL;
	sock = nl_socket_alloc();
	if (!sock)
		return -ENOMEM;
	if (nl_connect(sock, kinds[which->notifications].protocol) ||
	    subscribe(sock, kinds[which->notifications].groups))
		err = -EPROTONOSUPPORT;
	if (!err) {
		set_queue(sock);
		*fd = fcntl(nl_socket_get_fd(sock), F_DUPFD_CLOEXEC, 0);
		err = *fd < 0 ? -errno : 0;
	}
	nl_socket_free(sock);
	return err;
}

OPERATION(notifications_operation_open, OPERATION_OPEN_NOTIFICATIONS, run_open, struct which,
	  struct nothing);

/* Takes over @fd, also if it fails. */
static int adopt(struct nl_sock *sock, enum notifications what, int fd, int epoll)
{
	struct epoll_event event = { .events = EPOLLIN };

	if (nl_socket_set_fd(sock, kinds[what].protocol, fd)) {
		close(fd);
		return -EPROTONOSUPPORT;
	}
	nl_socket_disable_seq_check(sock);
	return nl_socket_set_msg_buf_size(sock, NETLINK_MESSAGE_MAX) ||
			       nl_socket_set_nonblocking(sock) ||
			       epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event)
		       ? -EPROTONOSUPPORT
		       : 0;
}

int notifications_open(struct privileged *privileged, enum notifications what,
		       nl_recvmsg_msg_cb_t on_message, void *arg, int epoll, struct nl_sock **ret)
{
	const struct which which = { what };
	struct nothing nothing;
	struct nl_sock *sock;
	int fd = -1;
	int err = privileged_call(privileged, &notifications_operation_open, &which, &nothing, &fd);

	if (err)
		return err;
	sock = nl_socket_alloc();
	if (!sock) {
		close(fd);
		return -ENOMEM;
	}
	err = adopt(sock, what, fd, epoll);
	if (err) {
		nl_socket_free(sock);
		return err;
	}
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, on_message, arg);
	*ret = sock;
	return 0;
}

int notifications_read(struct nl_sock *sock)
{
	int reads;

	for (reads = 0; reads < READS_MAX; reads++) {
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
	return 0;
}
