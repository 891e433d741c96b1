/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file host_netlink.h
 * Requests to rtnetlink(7), over libnl.
 */
#ifndef TURNPIKE_HOST_HOST_NETLINK_H
#define TURNPIKE_HOST_HOST_NETLINK_H

#include <netlink/netlink.h>
#include <stddef.h>

/**
 * host_netlink_open() - open a socket for requests in the thread's network namespace
 * @ret: free it with nl_socket_free()
 *
 * The kernel checks requests strictly, and so filters dumps by what they contain.
 *
 * Return: 0 or a negative errno.
 */
int host_netlink_open(struct nl_sock **ret);

/** host_netlink_request() - allocate a message; NULL without memory */
struct nl_msg *host_netlink_request(int type, int flags, void *header, size_t size);

/**
 * host_netlink_ask() - send a request, and wait for the answer
 * @msg:       consumed; NULL: -ENOMEM
 * @on_answer: called for each message of the answer
 *
 * Return: 0 or a negative errno; -EINTR if the list has changed meanwhile: ask again.
 */
int host_netlink_ask(struct nl_sock *sock, struct nl_msg *msg, nl_recvmsg_msg_cb_t on_answer,
		     void *arg);

#endif /* TURNPIKE_HOST_HOST_NETLINK_H */
