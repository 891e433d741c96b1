/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The devices of a handle: what is wished for each, what does the work now, and how that has stood
 * the test. choose.c picks a way for a device, supervise.c looks after it.
 */
#ifndef TURNPIKE_ATTACH_DEVICES_DEVICE_H
#define TURNPIKE_ATTACH_DEVICES_DEVICE_H

#include <turnpike/turnpike.h>

#include "hooks/attachment.h"
#include "devices/backoff.h"
#include "devices/health.h"
#include "net/netlink.h"
#include "net/nexthop.h"
#include "hooks/slot.h"
#include "base/text.h"

struct maps;
struct watch;

/** Each has a back-off of its own. */
#define DEVICE_WAYS (N_ATTACH_POINTS * TURNPIKE_MOVES_MAX)

struct device {
	char name[TURNPIKE_IFNAMSIZ];
	struct turnpike_attach_opts wish;
	struct link_facts link;
	__u32 others_xdp; /* id of an XDP program that is not ours; 0: none */
	bool gone;
	bool no_xmit;        /* its driver takes no frames that XDP redirects to it */
	bool passes_unmoved; /* see DRIVER_PASSES_UNMOVED */
	struct backoff xmit; /* has refused such frames */
	struct attachment attachment;
	char why[sizeof(((struct turnpike_status *)NULL)->why)];
	char proof[sizeof(((struct turnpike_status *)NULL)->proof)];
	__u32 changes; /* of the way, without having been asked to */
	struct backoff backoffs[DEVICE_WAYS];
	enum health faults[DEVICE_WAYS]; /* why, last; HEALTH_GOOD: the kernel did not take it */
	struct backoff again;            /* a look at better ways that something speaks against */
	struct health_sample sample;
	__u64 sampled; /* when, ns; 0: never with this program */
	struct device *next;
};

struct devices {
	const struct maps *maps;
	struct nl_sock *sock;
	struct device *all;
	struct slots slots;
	struct watch *watch; /* NULL: not opened yet, or not to be had */
	int watch_error;
	struct health_limits health;
	struct backoff_limits backoff;
	__u64 supervised;                                                   /* when, ns */
	void (*on_change)(const struct turnpike_change *change, void *arg); /* or NULL */
	void *on_change_arg;
};

/** device_attach(), device_switch() - see turnpike_attach(), turnpike_switch(); @why: what not. */
int device_attach(struct devices *devices, const char *ifname,
		  const struct turnpike_attach_opts *opts, struct text *why);
int device_switch(struct devices *devices, const char *ifname,
		  const struct turnpike_attach_opts *opts, struct text *why);

/** device_detach() - -ENODEV: not attached. */
int device_detach(struct devices *devices, const char *ifname);

/** devices_detach_all() - nothing of ours is left on any device. */
void devices_detach_all(struct devices *devices);

/** device_status() - for people */
struct turnpike_status device_status(const struct device *device);

/** device_egress() - see struct nexthop_owner. */
bool device_egress(const struct devices *devices, __u32 ifindex, struct egress *ret);

/** devices_for_each() - see turnpike_for_each_device(). */
int devices_for_each(const struct devices *devices,
		     int (*fn)(const struct turnpike_status *status, void *arg), void *arg);

/**
 * device_choose() - put the best way that is wished for, possible and not backed off to work
 * @why: what speaks against the better ones
 * Returns 0, also if nothing had to change; or the first error, if nothing is left: then the device
 * is relayed as before.
 */
int device_choose(struct devices *devices, struct device *device, struct text *why);

/** device_hold_against() - leave a way alone for a while, or, if it cannot work, until a change */
void device_hold_against(const struct devices *devices, struct device *device,
			 const struct attach_point *point, enum turnpike_moves moves,
			 enum health health);

/** device_lift() - the pauses of all ways end now; those that cannot work at all stay forbidden. */
void device_lift(struct device *device);

/** device_reset_backoff() - every way may be tried at once */
void device_reset_backoff(struct device *device);

/** devices_supervise() - look after all devices; true: something has changed */
bool devices_supervise(struct devices *devices);

/** devices_need_tending() - was the last time a while ago? Neighbours alone are no reason. */
bool devices_need_tending(const struct devices *devices);

#endif /* TURNPIKE_ATTACH_DEVICES_DEVICE_H */
