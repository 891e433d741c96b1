/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The generic netlink family "netdev" (Linux 6.3): what drivers say of their XDP.
 */
#ifndef TURNPIKE_ATTACH_SELECT_NETDEV_H
#define TURNPIKE_ATTACH_SELECT_NETDEV_H

#include <linux/types.h>

/** netdev_xdp_features() - TURNPIKE_XDP_...; -ENOENT: the kernel has no such family */
int netdev_xdp_features(__u32 ifindex, __u64 *ret);

#endif /* TURNPIKE_ATTACH_SELECT_NETDEV_H */
