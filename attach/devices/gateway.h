/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The gateways of a device: hosts that are there, and that answer when they are asked.
 */
#ifndef TURNPIKE_ATTACH_DEVICES_GATEWAY_H
#define TURNPIKE_ATTACH_DEVICES_GATEWAY_H

#include <netlink/netlink.h>
#include <stddef.h>

#include "net/netlink.h"

/** One a family. */
#define GATEWAYS_MAX 2

/** Of all members, the address counts first; valid and MAC address as they were when asked for. */
struct gateways {
	struct neighbour_facts all[GATEWAYS_MAX];
	size_t n;
};

/** gateways_find() - by which the default routes leave, if it is by this device */
void gateways_find(struct nl_sock *sock, __u32 ifindex, struct gateways *ret);

/** gateways_keep_valid() - leave only those that the kernel knows the MAC address of */
void gateways_keep_valid(struct nl_sock *sock, struct gateways *gateways);

#endif /* TURNPIKE_ATTACH_DEVICES_GATEWAY_H */
