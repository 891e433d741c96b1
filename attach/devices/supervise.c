/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Looks after attached devices: are they there, is our program, does it do its work, is a better
 * way free again? What has changed is chosen anew; flows stay where they are, in the maps.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/monotonic.h"
#include "devices/device.h"
#include "base/map_set.h"
#include "base/ticks.h"
#include "devices/watch.h"

/* A little less than a second, so that whoever polls once a second gets it each time. */
#define SUPERVISE_NS 900000000ull

/* What of a link decides which ways are open; counters and the like do not. */
static bool is_other_link(const struct link_facts *a, const struct link_facts *b)
{
	return a->ifindex != b->ifindex || a->mtu != b->mtu || a->up != b->up ||
	       a->master != b->master;
}

/* One kind of XDP excludes the other, so a hook that is freed may be the other kind's. */
static __u32 others_xdp(const struct device *device, const struct link_facts *link)
{
	const __u32 id = link->xdp_native ? link->xdp_native : link->xdp_generic;

	return id == device->attachment.prog_id ? 0 : id;
}

static void lose(struct device *device, struct text *why)
{
	if (device->gone)
		return;
	device->gone = true;
	attachment_close(&device->attachment);
	text_append(why, "the device is gone");
}

/* By its index it may have been renamed, by its name made anew. Tells whether to choose anew. */
static bool look_up(const struct devices *devices, struct device *device, struct text *why)
{
	struct link_facts link;
	bool other;

	if (!device->gone &&
	    netlink_link(devices->sock, (int)device->link.ifindex, "", &link) == 0) {
		memcpy(device->name, link.name, sizeof(device->name));
	} else if (netlink_link(devices->sock, 0, device->name, &link) == 0) {
		text_append(why, "the device is back");
		attachment_close(&device->attachment);
		device->gone = false;
	} else {
		lose(device, why);
		return false;
	}
	other = is_other_link(&device->link, &link) ||
		device->others_xdp != others_xdp(device, &link);
	device->link = link;
	device->others_xdp = others_xdp(device, &link);
	if (device->attachment.prog_fd >= 0)
		slot_set_link(devices->maps, device->attachment.slot, &device->link);
	if (other)
		device_reset_backoff(device);
	return other;
}

static bool was_detached(struct device *device, struct text *why)
{
	const struct attachment *attachment = &device->attachment;

	if (attachment->prog_fd < 0 ||
	    point_has(attachment->point, device->link.ifindex, attachment->prog_id))
		return false;
	attachment_close(&device->attachment);
	text_append(why, "our program was detached from outside");
	return true;
}

/* The counters that say how a program does, by verdict. */
static __u64 *member_for(struct health_sample *sample, __u32 verdict, enum turnpike_moves moves)
{
	switch (verdict) {
	case TURNPIKE_RELAYED:
		return &sample->relayed;
	case TURNPIKE_NO_ROOM:
		return &sample->no_room;
	case TURNPIKE_NO_EGRESS:
		return &sample->no_egress;
	case TURNPIKE_HEAD_FAILED:
		return moves == TURNPIKE_MOVES_HEAD ? &sample->wrong_end : NULL;
	case TURNPIKE_TAIL_FAILED:
		return moves == TURNPIKE_MOVES_TAIL ? &sample->wrong_end : NULL;
	default:
		return NULL;
	}
}

struct counted {
	struct health_sample *sample;
	enum turnpike_moves moves;
};

static int add_counter(enum turnpike_direction direction, enum turnpike_verdict verdict,
		       const struct turnpike_counter *counter, void *arg)
{
	const struct counted *counted = arg;
	__u64 *member = member_for(counted->sample, verdict, counted->moves);

	(void)direction;
	counted->sample->met += counter->packets;
	if (member)
		*member += counter->packets;
	return 0;
}

static void add_counters(const struct devices *devices, const struct attachment *attachment,
			 struct health_sample *sample)
{
	struct counted counted = { sample, attachment->moves };

	counters_for_each(devices->maps, attachment->slot, add_counter, &counted);
}

/* The same of what happened after that, to and from this device. */
static void add_lost(const struct devices *devices, const struct device *device,
		     struct health_sample *sample)
{
	const __u32 self = device->link.ifindex;
	const struct device *other;

	sample->lost = watch_lost(devices->watch, self, self);
	sample->not_taken = watch_lost(devices->watch, self, 0);
	LL_FOREACH(devices->all, other) {
		if (other == device)
			continue;
		sample->not_taken += watch_lost(devices->watch, self, other->link.ifindex);
		sample->refused += watch_lost(devices->watch, other->link.ifindex, self);
	}
}

static enum health judge(const struct devices *devices, struct device *device, __u64 now)
{
	const struct health_sample before = device->sample;
	const bool first = device->sampled == 0;

	if (device->attachment.prog_fd < 0 || now < device->sampled + SUPERVISE_NS)
		return HEALTH_GOOD;
	device->sampled = now;
	device->sample = (struct health_sample){ .received = device->link.received };
	add_counters(devices, &device->attachment, &device->sample);
	add_lost(devices, device, &device->sample);
	if (first)
		return HEALTH_GOOD;
	/* What others redirect to it goes up instead, also where a mode was asked for. */
	if (health_refuses(&before, &device->sample, &devices->health))
		backoff_strike(&device->xmit, &devices->backoff, now);
	return health_judge(&before, &device->sample, &devices->health);
}

static void notify(const struct devices *devices, const struct turnpike_status *from,
		   const struct turnpike_status *to)
{
	const struct turnpike_change change = { .from = from, .to = to };

	if (devices->on_change)
		devices->on_change(&change, devices->on_change_arg);
}

/* Who asked for a mode keeps it, and is told once what is wrong with it. */
static void warn(struct devices *devices, struct device *device, const char *reason)
{
	struct text story = { device->why, sizeof(device->why) };
	struct turnpike_status status;

	if (strstr(device->why, reason))
		return;
	text_append(&story, "%s%s", strstr(device->why, ", but ") ? "; " : ", but ", reason);
	status = device_status(device);
	notify(devices, &status, &status);
}

/* Only an automatic choice is given up; with one that was asked for, user space helps out. */
static bool is_unwell(struct devices *devices, struct device *device, __u64 now, struct text *why)
{
	const bool refused = backoff_blocks(&device->xmit, now);
	const enum health health = judge(devices, device, now);
	/* Then next hops are looked up anew. */
	const bool refuses = !refused && backoff_blocks(&device->xmit, now);

	if (refuses)
		text_append(why, "it loses packets that others redirect to it");
	if (health == HEALTH_GOOD)
		return refuses;
	if (device->wish.mode == TURNPIKE_MODE_AUTO) {
		device_hold_against(devices, device, device->attachment.point,
				    device->attachment.moves, health);
		text_append(why, "%s%s", why->buffer[0] ? "; " : "", health_text(health));
		return true;
	}
	warn(devices, device, health_text(health));
	return refuses;
}

/* Has a pause ended since the last look? Then what was backed off may be better again. */
static bool is_free_again(const struct device *device, __u64 since, __u64 now)
{
	size_t i;

	for (i = 0; i < DEVICE_WAYS; i++)
		if (backoff_has_ended(&device->backoffs[i], since, now))
			return true;
	return backoff_has_ended(&device->again, since, now) ||
	       backoff_has_ended(&device->xmit, since, now);
}

/*
 * Devices that XDP redirects between depend on each other: each is of use to the others only while
 * they all run it. So when one of them comes back to it, the others need not wait any longer.
 */
static void lift_others(struct devices *devices, const struct device *device,
			const struct turnpike_status *before)
{
	struct device *other;

	if (device_status(device).mode != TURNPIKE_MODE_XDP_NATIVE ||
	    before->mode == TURNPIKE_MODE_XDP_NATIVE)
		return;
	LL_FOREACH(devices->all, other)
		if (other != device)
			device_lift(other);
}

static bool is_same_way(const struct turnpike_status *a, const struct turnpike_status *b)
{
	return a->mode == b->mode && a->moves == b->moves && a->hook == b->hook &&
	       a->prog_id == b->prog_id;
}

static void report(struct devices *devices, struct device *device,
		   const struct turnpike_status *before)
{
	struct turnpike_status after;

	device->changes++;
	after = device_status(device);
	notify(devices, before, &after);
}

static bool supervise(struct devices *devices, struct device *device, __u64 since, __u64 now)
{
	const struct turnpike_status before = device_status(device);
	char reasons[400] = "", rejections[400] = "";
	struct text why = { reasons, sizeof(reasons) };
	struct text rejected = { rejections, sizeof(rejections) };
	struct turnpike_status after;
	bool anew = look_up(devices, device, &why);
	int err = 0;

	if (!device->gone) {
		anew |= was_detached(device, &why);
		anew |= is_unwell(devices, device, now, &why);
		anew |= is_free_again(device, since, now);
	}
	if (anew)
		err = device_choose(devices, device, &rejected);
	if (err)
		text_append(&why, "%s%s", reasons[0] ? "; " : "", rejections);
	after = device_status(device);
	if (is_same_way(&before, &after)) {
		/* What does its work may be rejected by now: the driver's limits are below the new
		 * MTU. */
		if (err && device->wish.mode != TURNPIKE_MODE_AUTO)
			warn(devices, device, rejections);
		return anew;
	}
	/* The story: what happened, then what speaks for what is done now. */
	if (reasons[0]) {
		if (!device->gone)
			text_append(&why, "; %s", device->why);
		memcpy(device->why, reasons, sizeof(reasons));
	}
	report(devices, device, &before);
	lift_others(devices, device, &before);
	return true;
}

bool devices_supervise(struct devices *devices)
{
	const __u64 since = devices->supervised, now = clock_ns();
	struct device *device;
	bool changed = false;

	ticks_set_zero(devices->maps);
	LL_FOREACH(devices->all, device)
		changed |= supervise(devices, device, since, now);
	devices->supervised = now;
	return changed;
}

bool devices_need_tending(const struct devices *devices)
{
	return clock_ns() - devices->supervised >= SUPERVISE_NS;
}
