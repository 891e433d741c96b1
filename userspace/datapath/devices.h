/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file devices.h
 * Finds the network devices that carry an address.
 */
#ifndef TURNPIKE_DATAPATH_DEVICES_H
#define TURNPIKE_DATAPATH_DEVICES_H

#include <stddef.h>
#include <turnpike/addr.h>

/**
 * devices_carrying() - list the devices of this network namespace that carry an address
 * @addr: the port is ignored
 * @fn:   called with each name, of less than IFNAMSIZ bytes; a return value other than 0 stops
 *
 * Return: 0, -ENODEV if there is none, the value that @fn returned, or another negative errno.
 */
int devices_carrying(const struct turnpike_addr *addr, int (*fn)(const char *name, void *arg),
		     void *arg);

#endif /* TURNPIKE_DATAPATH_DEVICES_H */
