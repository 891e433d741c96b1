/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The one thing that only sysfs tells about a device. /sys shows the network namespace that it was
 * mounted in, which need not be ours: what it shows is checked.
 */
#ifndef TURNPIKE_ATTACH_SELECT_SYSFS_H
#define TURNPIKE_ATTACH_SELECT_SYSFS_H

#include <turnpike/probe.h>

#include "net/netlink.h"

/** sysfs_read() - of a device of driver virtio_net, the features; unknown unless it is the same one
 */
void sysfs_read(const struct link_facts *link, struct turnpike_facts *facts);

/** sysfs_parse_features() - a '0' or '1' for each feature, number 0 first; false: it is not that */
bool sysfs_parse_features(const char *text, __u64 *ret);

#endif /* TURNPIKE_ATTACH_SELECT_SYSFS_H */
