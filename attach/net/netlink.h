/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Requests over netlink(7) with libnl: sockets, messages, errors and addresses. The requests
 * themselves are in link.h, neigh.h, route.h, filter.h and ipsec.h; monitor.h receives
 * notifications.
 *
 * libnl-route 3.7 parses links, neighbours and routes. It cannot build most of the requests here;
 * each says why.
 */
#ifndef TURNPIKE_ATTACH_NET_NETLINK_H
#define TURNPIKE_ATTACH_NET_NETLINK_H

#include <netlink/netlink.h>
#include <stdbool.h>
#include <stddef.h>

#include <turnpike/addr.h>

struct nl_addr;

/** Bytes of the largest message that the kernel sends to a socket here; see netlink_open(). */
#define NETLINK_MESSAGE_MAX 32768

/**
 * netlink_open() - open a socket for requests in the thread's network namespace
 * @protocol: NETLINK_ROUTE, ...
 *
 * One thread at a time may use it. Free it with nl_socket_free().
 *
 * Return: 0; -EPROTONOSUPPORT if the kernel does not have it; another negative errno.
 */
int netlink_open(int protocol, struct nl_sock **ret);

/**
 * netlink_request() - allocate a message
 * @header: what follows the netlink header, for example a struct rtmsg
 *
 * Return: the message, or NULL without memory, which netlink_put() and netlink_ask() accept.
 */
struct nl_msg *netlink_request(int type, int flags, void *header, size_t size);

/** netlink_put() - append an attribute; sets *@msg to NULL without memory. */
void netlink_put(struct nl_msg **msg, int type, const void *data, size_t size);

/** netlink_put_addr() - append an IP address, as netlink_put(). */
void netlink_put_addr(struct nl_msg **msg, int type, const struct turnpike_addr *addr);

/**
 * netlink_ask() - send a request and wait for the answer
 * @msg:       consumed
 * @on_answer: called for each message of the answer but acknowledgements and errors
 *
 * Return: 0, the kernel's negative errno, or that of netlink_errno(): -EINTR if a list changed
 * while it was read, so entries may be missing; -EAGAIN without an answer.
 */
int netlink_ask(struct nl_sock *sock, struct nl_msg *msg, nl_recvmsg_msg_cb_t on_answer, void *arg);

/**
 * netlink_exchange() - send a request whose answer is a single message, without allocating memory
 * @request: complete but for its sequence number
 * @answer:  buffer of @size bytes, aligned as a message
 *
 * For what is asked thousands of times a second.
 *
 * Return: 0, and @answer is a whole message; the kernel's negative errno; -EMSGSIZE if it is too
 * long; -EAGAIN without an answer.
 */
int netlink_exchange(struct nl_sock *sock, struct nlmsghdr *request, struct nlmsghdr *answer,
		     size_t size);

/** netlink_errno() - translate a negative error of libnl (NLE_...) to a negative errno; 0 stays. */
int netlink_errno(int error);

/** netlink_is_transient() - is it an error that says nothing about the object asked for? */
bool netlink_is_transient(int err);

/** netlink_af() - AF_INET or AF_INET6. */
unsigned char netlink_af(const struct turnpike_addr *addr);

/** netlink_ip_len() - bytes of the IP address. */
size_t netlink_ip_len(const struct turnpike_addr *addr);

/** netlink_build_addr() - make a libnl address, or NULL; release it with nl_addr_put(). */
struct nl_addr *netlink_build_addr(const struct turnpike_addr *addr);

/** netlink_read_addr() - convert, with port 0; false for NULL and for what is not an IP address. */
bool netlink_read_addr(const struct nl_addr *from, struct turnpike_addr *ret);

#endif /* TURNPIKE_ATTACH_NET_NETLINK_H */
