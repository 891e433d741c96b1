/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The devices of a handle: the options given for each, what relays now, and how it has worked.
 * choose.c selects a candidate for a device, supervise.c looks after it.
 */
#ifndef TURNPIKE_ATTACH_DEVICES_DEVICE_H
#define TURNPIKE_ATTACH_DEVICES_DEVICE_H

#include <turnpike/turnpike.h>

#include "hooks/attachment.h"
#include "devices/backoff.h"
#include "devices/health.h"
#include "devices/proof.h"
#include "net/link.h"
#include "net/nexthop.h"
#include "hooks/slot.h"
#include "base/text.h"
#include "privileged/privileged.h"
#include "select/select.h"

struct maps;

/** Candidates of a device: attach points and moves. */
#define DEVICE_CANDIDATES (N_ATTACH_POINTS * TURNPIKE_MOVES_MAX)

/**
 * struct device
 * @name:       its name now: it may have been renamed
 * @requested:  the options given
 * @link:       its link, as last read
 * @others_xdp: id of another owner's XDP program; 0: none
 * @gone:       it has disappeared
 * @no_xmit:    its driver accepts no frames that XDP redirects to it
 * @passes_unmoved: see DRIVER_PASSES_UNMOVED
 * @programs:   what was attached at the last look; names stay known without CAP_SYS_ADMIN
 * @xmit:       back-off of redirects to it, which were lost
 * @attachment: what relays
 * @observer:   what confirms flows; with modes in the kernel
 * @why, @changes: see struct turnpike_status
 * @proof:      of the trial before the present program
 * @unwatched:  why frames that the driver loses are not watched; 0: they are
 * @backoffs:   of each candidate
 * @faults:     why each has failed last; HEALTH_GOOD: it could not be attached
 * @plan:       the last one
 * @planned:    its time, ns
 * @reevaluate: back-off of better candidates that were rejected: look at them again after it
 * @sample:     the last sample of counters
 * @sampled:    its time, ns; 0: none with this program
 * @first:      the first sample with this program
 */
struct device {
	char name[TURNPIKE_IFNAMSIZ];
	struct turnpike_attach_opts requested;
	struct link_facts link;
	__u32 others_xdp;
	bool gone;
	bool no_xmit;
	bool passes_unmoved;
	struct turnpike_program programs[TURNPIKE_PROGRAMS_MAX];
	struct backoff xmit;
	struct attachment attachment;
	struct attachment observer;
	char why[sizeof(((struct turnpike_status *)NULL)->why)];
	struct proof proof;
	int unwatched;
	__u32 changes;
	struct backoff backoffs[DEVICE_CANDIDATES];
	enum health faults[DEVICE_CANDIDATES];
	struct plan plan;
	__u64 planned;
	struct backoff reevaluate;
	struct health_sample sample;
	__u64 sampled;
	struct health_sample first;
	struct device *next;
};

/**
 * struct devices - all devices of a handle
 * @maps, @sock, @privileged: of the handle
 * @watch:       map of the watch; -1: not opened yet, or not available
 * @watch_error: why it is not available
 * @supervised:  time of the last devices_supervise(), ns
 * @lost:        the helper was lost by then
 * @on_change:   see turnpike_on_change(); may be NULL
 */
struct devices {
	const struct maps *maps;
	struct nl_sock *sock;
	struct privileged *privileged;
	struct device *all;
	struct slots slots;
	int watch;
	int watch_error;
	struct health_limits health;
	struct backoff_limits backoff;
	__u64 supervised;
	bool lost;
	void (*on_change)(const struct turnpike_change *change, void *arg);
	void *on_change_arg;
};

/** device_attach(), device_switch() - see turnpike_attach(), turnpike_switch(); @why: the errors */
int device_attach(struct devices *devices, const char *ifname,
		  const struct turnpike_attach_opts *opts, struct text *why);
int device_switch(struct devices *devices, const char *ifname,
		  const struct turnpike_attach_opts *opts, struct text *why);

/** device_detach() - see turnpike_detach() */
int device_detach(struct devices *devices, const char *ifname);

/** devices_detach_all() - detach all devices and stop the watch */
void devices_detach_all(struct devices *devices);

/** device_status() - see struct turnpike_status */
struct turnpike_status device_status(const struct device *device);

/** device_egress() - see struct nexthop_owner */
bool device_egress(const struct devices *devices, __u32 ifindex, struct egress *ret);

/** device_is_attached() - see struct nexthop_owner */
bool device_is_attached(const struct devices *devices, __u32 ifindex, const char *name);

/** devices_for_each() - see turnpike_for_each_device() */
int devices_for_each(const struct devices *devices,
		     int (*fn)(const struct turnpike_status *status, void *arg), void *arg);

/**
 * device_choose() - select the best requested candidate that works and is not backing off
 * @why: set to the reasons against better ones
 *
 * Return: 0, also if nothing changed. Without any candidate, the error of the first one; the device
 * is then relayed as before.
 */
int device_choose(struct devices *devices, struct device *device, struct text *why);

/**
 * device_keep_observer() - attach the observer that a mode in the kernel needs, or detach it
 *
 * Return: 0 or a negative errno of observer_keep().
 */
int device_keep_observer(const struct devices *devices, struct device *device,
			 const struct attach_point *point);

/** device_has_new_plan() - have facts changed, so that the plan is another one than the last? */
bool device_has_new_plan(const struct devices *devices, struct device *device);

/** device_candidate() - what the last plan says of the candidate that relays now; NULL: nothing */
const struct turnpike_candidate *device_candidate(const struct device *device);

/** device_back_off() - back off from a candidate, or rule it out if it cannot work at all */
void device_back_off(const struct devices *devices, struct device *device,
		     const struct attach_point *point, enum turnpike_moves moves,
		     enum health health);

/** device_end_backoff() - end the back-offs of all candidates, but of those ruled out */
void device_end_backoff(struct device *device);

/** device_reset_backoff() - forget the failures of all candidates */
void device_reset_backoff(struct device *device);

/** devices_supervise() - look after all devices. Return: true if something has changed. */
bool devices_supervise(struct devices *devices);

/**
 * devices_set_clock() - see ticks_set_zero()
 *
 * Return: 0, or a negative errno of privileged_call(); the clock is then left as it was.
 */
int devices_set_clock(const struct devices *devices);

extern const struct operation devices_operation_read_ticks;

/** devices_are_due() - is it time for devices_supervise()? */
bool devices_are_due(const struct devices *devices);

#endif /* TURNPIKE_ATTACH_DEVICES_DEVICE_H */
