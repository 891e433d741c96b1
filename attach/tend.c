/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Looks after attached devices: are they there, is our program, does it do its work, is a better
 * way free again? What has changed is chosen anew; flows stay where they are, in the maps.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "clock.h"
#include "device.h"
#include "maps.h"

/* A little less than a second, so that whoever polls once a second gets it each time. */
#define TEND_NS 900000000ull

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
		device_set_mac(devices, device, device->attachment.slot);
	if (other)
		device_forgive(device);
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

static void add_counters(const struct devices *devices, const struct attachment *attachment,
			 struct health_sample *sample)
{
	struct turnpike_counter counter;
	__u32 direction, verdict, index;
	__u64 *member;

	for (direction = 0; direction < TURNPIKE_DIR_MAX; direction++) {
		for (verdict = 0; verdict < TURNPIKE_VERDICT_MAX; verdict++) {
			index = turnpike_counter_index(attachment->slot, direction, verdict);
			if (counter_read(devices->maps, index, &counter))
				continue;
			sample->met += counter.packets;
			member = member_for(sample, verdict, attachment->moves);
			if (member)
				*member += counter.packets;
		}
	}
}

static enum health judge(const struct devices *devices, struct device *device, __u64 now)
{
	const struct health_sample before = device->sample;
	const bool first = device->sampled == 0;

	if (device->attachment.prog_fd < 0 || now < device->sampled + TEND_NS)
		return HEALTH_GOOD;
	device->sampled = now;
	device->sample = (struct health_sample){ .received = device->link.received };
	add_counters(devices, &device->attachment, &device->sample);
	return first ? HEALTH_GOOD : health_judge(&before, &device->sample, &devices->health);
}

/*
 * Only an automatic choice is given up. Who asked for a mode keeps it, while user space helps out,
 * and is told once.
 */
static bool is_unwell(struct devices *devices, struct device *device, __u64 now, struct text *why)
{
	const enum health health = judge(devices, device, now);
	struct turnpike_change change;

	if (health == HEALTH_GOOD)
		return false;
	if (device->wish.mode == TURNPIKE_MODE_AUTO) {
		device_hold_against(devices, device, device->attachment.point,
				    device->attachment.moves, health);
		text_append(why, "%s", health_text(health));
		return true;
	}
	if (strstr(device->why, health_text(health)))
		return false;
	snprintf(device->why, sizeof(device->why), "asked for, but %s", health_text(health));
	change.from = device_status(device);
	change.to = change.from;
	if (devices->on_change)
		devices->on_change(&change, devices->on_change_arg);
	return false;
}

/* Has a pause ended since the last look? Then what was backed off may be better again. */
static bool is_free_again(const struct devices *devices, const struct device *device, __u64 now)
{
	__u64 until;
	size_t i;

	for (i = 0; i < DEVICE_WAYS; i++) {
		until = device->backoffs[i].until;
		if (until > devices->tended && until <= now)
			return true;
	}
	return false;
}

static bool is_same_way(const struct turnpike_status *a, const struct turnpike_status *b)
{
	return a->mode == b->mode && a->moves == b->moves && a->hook == b->hook &&
	       a->prog_id == b->prog_id;
}

static void report(struct devices *devices, struct device *device,
		   const struct turnpike_status *before)
{
	struct turnpike_change change = { .from = *before, .to = device_status(device) };

	change.to.changes = ++device->changes;
	if (devices->on_change)
		devices->on_change(&change, devices->on_change_arg);
}

static bool tend(struct devices *devices, struct device *device, __u64 now)
{
	const struct turnpike_status before = device_status(device);
	char reasons[400] = "", rejections[400] = "";
	struct text why = { reasons, sizeof(reasons) };
	struct text rejected = { rejections, sizeof(rejections) };
	struct turnpike_status after;
	bool anew = look_up(devices, device, &why);

	if (!device->gone) {
		anew |= was_detached(device, &why);
		anew |= is_unwell(devices, device, now, &why);
		anew |= is_free_again(devices, device, now);
	}
	if (anew && device_choose(devices, device, &rejected))
		text_append(&why, "%s%s", reasons[0] ? "; " : "", rejections);
	after = device_status(device);
	if (is_same_way(&before, &after))
		return anew;
	/* The story: what happened, then what speaks for what is done now. */
	if (reasons[0]) {
		if (!device->gone)
			text_append(&why, "; %s", device->why);
		memcpy(device->why, reasons, sizeof(reasons));
	}
	report(devices, device, &before);
	return true;
}

bool devices_tend(struct devices *devices)
{
	const __u64 now = clock_ns();
	struct device *device;
	bool changed = false;

	LL_FOREACH (devices->all, device)
		changed |= tend(devices, device, now);
	devices->tended = now;
	return changed;
}

bool devices_need_tending(const struct devices *devices)
{
	return clock_ns() - devices->tended >= TEND_NS;
}
