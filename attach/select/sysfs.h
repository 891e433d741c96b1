/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Features of virtio devices, which only sysfs shows. /sys shows the network namespace in which it
 * was mounted, perhaps not ours, so the device is compared first.
 */
#ifndef TURNPIKE_ATTACH_SELECT_SYSFS_H
#define TURNPIKE_ATTACH_SELECT_SYSFS_H

#include <turnpike/probe.h>

#include "net/link.h"

/** sysfs_read() - fill in the features of a virtio_net device, unless /sys shows another one. */
void sysfs_read(const struct link_facts *link, struct turnpike_facts *facts);

/** sysfs_parse_features() - read a '0' or '1' for each feature, number 0 first; false: invalid. */
bool sysfs_parse_features(const char *text, __u64 *ret);

#endif /* TURNPIKE_ATTACH_SELECT_SYSFS_H */
