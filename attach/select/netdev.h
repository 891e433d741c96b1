/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The generic netlink family "netdev" (Linux 6.3), by which drivers report their XDP features.
 */
#ifndef TURNPIKE_ATTACH_SELECT_NETDEV_H
#define TURNPIKE_ATTACH_SELECT_NETDEV_H

#include <linux/types.h>

/**
 * netdev_xdp_features() - get the features of a device, TURNPIKE_XDP_...
 *
 * Return: 0; -ENOENT if the kernel does not have the family; another negative errno.
 */
int netdev_xdp_features(__u32 ifindex, __u64 *ret);

#endif /* TURNPIKE_ATTACH_SELECT_NETDEV_H */
