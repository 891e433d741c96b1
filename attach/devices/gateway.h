/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The gateways of a device: hosts that answer a neighbour request.
 */
#ifndef TURNPIKE_ATTACH_DEVICES_GATEWAY_H
#define TURNPIKE_ATTACH_DEVICES_GATEWAY_H

#include <netlink/netlink.h>
#include <stddef.h>

#include "net/neigh.h"

/** One for each family. */
#define GATEWAYS_MAX 2

/** struct gateways - with only the addresses known, until gateways_keep_valid() */
struct gateways {
	struct neighbour_facts all[GATEWAYS_MAX];
	size_t n;
};

/** gateways_find() - find the gateways of the default routes that leave by this device */
void gateways_find(struct nl_sock *sock, __u32 ifindex, struct gateways *ret);

/** gateways_keep_valid() - keep those whose MAC address the kernel knows, and read it */
void gateways_keep_valid(struct nl_sock *sock, struct gateways *gateways);

#endif /* TURNPIKE_ATTACH_DEVICES_GATEWAY_H */
