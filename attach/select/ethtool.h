/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Driver, channels and offloads of a device, by the ioctls of ethtool(8).
 */
#ifndef TURNPIKE_ATTACH_SELECT_ETHTOOL_H
#define TURNPIKE_ATTACH_SELECT_ETHTOOL_H

#include <turnpike/probe.h>

/**
 * ethtool_read() - fill in driver, channels and offloads of @facts->dev
 *
 * The device is one of the thread's network namespace. What it does not report stays unchanged.
 */
void ethtool_read(struct turnpike_facts *facts);

#endif /* TURNPIKE_ATTACH_SELECT_ETHTOOL_H */
