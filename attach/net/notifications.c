/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "net/notifications.h"

#include <errno.h>
#include <netlink/errno.h>
#include <netlink/socket.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "net/netlink.h"

/* Receive buffer: a burst is cheaper to queue than to look everything up anew. */
#define QUEUE_BYTES (8 << 20)

/* Bounds the time that a call takes, at some microseconds each. */
#define READS_MAX 2048

/* net.core.rmem_max limits who has no CAP_NET_ADMIN. */
static void set_queue(struct nl_sock *sock)
{
	const int bytes = QUEUE_BYTES;

	if (setsockopt(nl_socket_get_fd(sock), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)))
		nl_socket_set_buffer_size(sock, QUEUE_BYTES, 0);
}

static int subscribe(struct nl_sock *sock, const int *groups, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (nl_socket_add_membership(sock, groups[i]))
			return -1;
	return 0;
}

int notifications_open(int protocol, const int *groups, size_t n, nl_recvmsg_msg_cb_t on_message,
		       void *arg, int epoll, struct nl_sock **ret)
{
	struct nl_sock *sock = nl_socket_alloc();
	struct epoll_event event = { .events = EPOLLIN };

	if (!sock)
		return -ENOMEM;
	nl_socket_disable_seq_check(sock);
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, on_message, arg);
	if (nl_socket_set_msg_buf_size(sock, NETLINK_MESSAGE_MAX) || nl_connect(sock, protocol) ||
	    nl_socket_set_nonblocking(sock) || subscribe(sock, groups, n) ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, nl_socket_get_fd(sock), &event)) {
		nl_socket_free(sock);
		return -EPROTONOSUPPORT;
	}
	set_queue(sock);
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
