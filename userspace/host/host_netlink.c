/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "host/host_netlink.h"

#include <errno.h>
#include <linux/netlink.h>
#include <netlink/errno.h>
#include <netlink/msg.h>
#include <netlink/socket.h>
#include <sys/socket.h>

#define MESSAGE_MAX 32768

int host_netlink_open(struct nl_sock **ret)
{
	static const int on = 1;
	struct nl_sock *sock = nl_socket_alloc();

	if (!sock)
		return -ENOMEM;
	nl_socket_disable_auto_ack(sock);
	if (nl_socket_set_msg_buf_size(sock, MESSAGE_MAX) || nl_connect(sock, NETLINK_ROUTE)) {
		nl_socket_free(sock);
		return -EPROTONOSUPPORT;
	}
	/* An older kernel ignores the filters, and the answer is longer. */
	setsockopt(nl_socket_get_fd(sock), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &on, sizeof(on));
	*ret = sock;
	return 0;
}

struct nl_msg *host_netlink_request(int type, int flags, void *header, size_t size)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, NLM_F_REQUEST | flags);

	if (msg && nlmsg_append(msg, header, size, NLMSG_ALIGNTO)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static int errno_of(int error)
{
	switch (-error) {
	case NLE_INTR:
	case NLE_DUMP_INTR:
		return -EINTR;
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_NODEV:
		return -ENODEV;
	default:
		return -EIO;
	}
}

int host_netlink_ask(struct nl_sock *sock, struct nl_msg *msg, nl_recvmsg_msg_cb_t on_answer,
		     void *arg)
{
	int err;

	if (!msg)
		return -ENOMEM;
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, on_answer, arg);
	err = nl_send_auto(sock, msg);
	nlmsg_free(msg);
	/* libnl reads all messages of a dump. */
	if (err >= 0)
		err = nl_recvmsgs_default(sock);
	return err < 0 ? errno_of(err) : 0;
}
