/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file host_route.h
 * A sample of routes: where packets of this host leave.
 */
#ifndef TURNPIKE_HOST_HOST_ROUTE_H
#define TURNPIKE_HOST_HOST_ROUTE_H

#include <netlink/netlink.h>
#include <stdbool.h>

#include <turnpike/addr.h>

/**
 * Destinations of a sample: some for each part of the address space in use, so that a host without
 * a default route has a route to some, and every path of several is taken by some.
 */
#define HOST_ROUTE_SAMPLES 80

/**
 * host_route_sample() - look up the device by which UDP from @src leaves
 * @src: an address of this host
 * @i:   index of the destination, below HOST_ROUTE_SAMPLES
 *
 * Return: the index of the device; 0 without a route to another machine.
 */
unsigned int host_route_sample(struct nl_sock *sock, const struct turnpike_addr *src,
			       unsigned int i);

#endif /* TURNPIKE_HOST_HOST_ROUTE_H */
