/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What ethtool(8) shows of a device, by the same ioctls.
 */
#ifndef TURNPIKE_ATTACH_SELECT_ETHTOOL_H
#define TURNPIKE_ATTACH_SELECT_ETHTOOL_H

#include <turnpike/probe.h>

/**
 * ethtool_read() - driver, channels and offloads of @facts->dev, in the thread's namespace
 * What the device does not tell stays as it is.
 */
void ethtool_read(struct turnpike_facts *facts);

#endif /* TURNPIKE_ATTACH_SELECT_ETHTOOL_H */
