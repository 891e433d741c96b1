/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file host_devices.h
 * The devices by which packets of a server come in and leave.
 *
 * A device that carries an address receives its packets, unless it is a loopback or dummy device.
 * By which devices packets leave, the kernel says for a sample of destinations, so that rules,
 * several paths and tables without a default route count. Where that does not settle it, all
 * devices with a network of their own are used, and the result says why.
 */
#ifndef TURNPIKE_HOST_HOST_DEVICES_H
#define TURNPIKE_HOST_HOST_DEVICES_H

#include "host/host_addresses.h"

/**
 * enum host_device_use - what a device is for
 * @HOST_DEVICE_USED:  packets come in or leave by it
 * @HOST_DEVICE_GUESS: they may, see struct host_devices
 * @HOST_DEVICE_ASIDE: only packets from and to its own network do
 */
enum host_device_use {
	HOST_DEVICE_USED,
	HOST_DEVICE_GUESS,
	HOST_DEVICE_ASIDE,
};

/** struct host_device - a device of this host */
struct host_device {
	char name[IFNAMSIZ];
	enum host_device_use use;
};

/**
 * struct host_devices - @list[@n], each device once
 * @inward:  an address that packets reach by a device which does not carry it; family 0: none
 * @carrier: the device that carries @inward; empty: none does, but a local route (AnyIP)
 * @unrouted: an address from which the sample has no route; family 0: none
 */
struct host_devices {
	struct host_device *list;
	size_t n;
	struct turnpike_addr inward;
	char carrier[IFNAMSIZ];
	struct turnpike_addr unrouted;
};

/**
 * host_devices_find() - find the devices of a server
 * @host:  addresses of this host
 * @addrs: local addresses of its listeners and relays; ports are ignored
 * @n:     number of @addrs; 0: it has no devices yet
 * @ret:   release it with host_devices_free()
 *
 * Return: 0 or a negative errno.
 */
int host_devices_find(const struct host_addresses *host, const struct turnpike_addr *addrs,
		      size_t n, struct host_devices *ret);

/** host_devices_find_all() - the same for a server on all addresses that other machines reach */
int host_devices_find_all(const struct host_addresses *host, struct host_devices *ret);

/** host_devices_free() - release the list; accepts a zeroed struct */
void host_devices_free(struct host_devices *devices);

/**
 * host_devices_doubt() - say why the result is uncertain, with the options to paste
 * @text: cut if it is too long; empty if there is no doubt
 */
void host_devices_doubt(const struct host_devices *devices, char *text, size_t size);

#endif /* TURNPIKE_HOST_HOST_DEVICES_H */
