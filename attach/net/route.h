/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Route lookups, from RTM_GETROUTE.
 */
#ifndef TURNPIKE_ATTACH_NET_ROUTE_H
#define TURNPIKE_ATTACH_NET_ROUTE_H

#include <netlink/netlink.h>
#include <stdbool.h>

#include <linux/types.h>
#include <turnpike/addr.h>

/** How the kernel routes a pair of addresses. */
struct route_facts {
	__u32 ifindex;
	__u32 mtu;                    /* of the route or the path; 0: the device's */
	struct turnpike_addr gateway; /* family 0: the destination is on the link */
};

/**
 * netlink_route() - look up the route of UDP from @src to @dst, with its path MTU
 * @src: an address of this host, or NULL for any
 * @dst: if it and @src have ports, rules by port apply
 *
 * Return: 0; -EHOSTUNREACH or another negative errno unless it is a unicast route without
 * encapsulation, and @src is local.
 */
int netlink_route(struct nl_sock *sock, const struct turnpike_addr *src,
		  const struct turnpike_addr *dst, struct route_facts *ret);

/** netlink_is_local() - whether an address is one of this host's; ports are ignored */
bool netlink_is_local(struct nl_sock *sock, const struct turnpike_addr *addr);

#endif /* TURNPIKE_ATTACH_NET_ROUTE_H */
