/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The attached devices of a handle, and the attach points that they can be attached at.
 */
#ifndef TURNPIKE_DEVICE_H
#define TURNPIKE_DEVICE_H

#include <turnpike/turnpike.h>

#include "hook.h"
#include "netlink.h"
#include "nexthop.h"
#include "text.h"

struct maps;
struct device;

/** Counters are kept by device and mode, and outlive the attachment. */
struct slot {
	char dev[IFNAMSIZ];
	enum turnpike_mode mode;
};

struct devices {
	struct device *all;
	struct slot slots[TURNPIKE_SLOTS]; /* in use: the first n_slots */
	__u32 n_slots;
};

/** device_attach() - see turnpike_attach(); @why tells of what could not be had. */
int device_attach(struct devices *devices, const struct maps *maps, struct nl_sock *sock,
		  const char *ifname, const struct turnpike_attach_opts *opts, struct text *why);

/** device_switch() - see turnpike_switch(). */
int device_switch(struct devices *devices, const struct maps *maps, const char *ifname,
		  const struct turnpike_attach_opts *opts, struct text *why);

/** device_detach() - -ENODEV: not attached. */
int device_detach(struct devices *devices, const char *ifname);

/** devices_detach_all() - nothing of ours is left on any device. */
void devices_detach_all(struct devices *devices);

/** devices_update() - read MTUs and MAC addresses anew. */
void devices_update(struct devices *devices, const struct maps *maps, struct nl_sock *sock);

/** device_egress() - see struct nexthop_owner. */
bool device_egress(const struct devices *devices, __u32 ifindex, struct egress *ret);

/** devices_for_each() - see turnpike_for_each_device(). */
int devices_for_each(const struct devices *devices,
		     int (*fn)(const struct turnpike_status *status, void *arg), void *arg);

#endif /* TURNPIKE_DEVICE_H */
