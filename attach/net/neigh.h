/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Neighbours: the MAC addresses that ARP and IPv6 neighbour discovery find.
 */
#ifndef TURNPIKE_ATTACH_NET_NEIGH_H
#define TURNPIKE_ATTACH_NET_NEIGH_H

#include <netlink/netlink.h>
#include <stdbool.h>

#include <linux/types.h>
#include <turnpike/addr.h>

/** What the kernel knows about a neighbour. */
struct neighbour_facts {
	__u32 ifindex;
	struct turnpike_addr addr; /* port 0 */
	bool valid;                /* @mac may be used */
	bool kept;                 /* by an operator or a daemon: do not touch it */
	__u8 mac[6];
};

/**
 * netlink_neighbour() - look up a neighbour
 *
 * Return: 0; -ENOENT if the kernel does not know it; another negative errno.
 */
int netlink_neighbour(struct nl_sock *sock, __u32 ifindex, const struct turnpike_addr *addr,
		      struct neighbour_facts *ret);

/**
 * netlink_use_neighbour() - act as if a packet were sent: resolve it, or verify it if it is stale
 *
 * Do not call it for a kept neighbour: since Linux 5.16 it would cease to be permanent. Unlike a
 * managed neighbour (NTF_EXT_MANAGED), nothing remains when this process ends.
 *
 * Return: 0 or a negative errno.
 */
int netlink_use_neighbour(struct nl_sock *sock, __u32 ifindex, const struct turnpike_addr *addr);

/**
 * netlink_verify_neighbour() - probe a valid neighbour at once, unless it is kept; resolve others
 *
 * Return: 0 or a negative errno.
 */
int netlink_verify_neighbour(struct nl_sock *sock, __u32 ifindex, const struct turnpike_addr *addr);

/**
 * neighbour_parse() - read a RTM_NEWNEIGH or RTM_DELNEIGH message; a deleted one is not valid
 *
 * Return: false if it is about something else, such as an address that a bridge learned.
 */
bool neighbour_parse(struct nlmsghdr *header, struct neighbour_facts *ret);

#endif /* TURNPIKE_ATTACH_NET_NEIGH_H */
