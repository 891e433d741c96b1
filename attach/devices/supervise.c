/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Looks after attached devices: does the device exist, is our program attached, does it work, is a
 * better candidate available again? After a change it selects anew. The flows stay in the maps.
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

/* Slightly less than a second, so that every poll of a caller that polls once a second counts. */
#define SUPERVISE_NS 900000000ull

/* Links change in bursts, and each change leads here: the facts are read anew after a pause. */
#define FACTS_NS 250000000ull

/* Has the link changed in a way that candidates depend on? Counters do not matter. */
static bool is_other_link(const struct link_facts *a, const struct link_facts *b)
{
	return a->ifindex != b->ifindex || a->mtu != b->mtu || a->up != b->up ||
	       a->master != b->master;
}

/* Of either kind, as native and generic XDP exclude each other. */
static __u32 others_xdp(const struct device *device, const struct link_facts *link)
{
	const __u32 id = link->xdp_native ? link->xdp_native : link->xdp_generic;

	return id == device->attachment.prog_id ? 0 : id;
}

static void lose(const struct devices *devices, struct device *device, struct text *why)
{
	if (device->gone)
		return;
	device->gone = true;
	attachment_close(devices->privileged, &device->attachment);
	attachment_close(devices->privileged, &device->observer);
	text_append(why, "the device has disappeared");
}

/* Found by name, the device was created anew. Returns whether to select anew. */
static bool look_up(const struct devices *devices, struct device *device, struct text *why)
{
	struct link_facts link;
	bool other;

	if (!device->gone &&
	    netlink_link(devices->sock, (int)device->link.ifindex, "", &link) == 0) {
		memcpy(device->name, link.name, sizeof(device->name));
	} else if (netlink_link(devices->sock, 0, device->name, &link) == 0) {
		text_append(why, "the device is back");
		attachment_close(devices->privileged, &device->attachment);
		device->gone = false;
	} else {
		lose(devices, device, why);
		return false;
	}
	other = is_other_link(&device->link, &link) ||
		device->others_xdp != others_xdp(device, &link);
	device->link = link;
	device->others_xdp = others_xdp(device, &link);
	if (device->attachment.number)
		slot_set_link(devices->maps, device->attachment.slot, &device->link);
	if (other)
		device_reset_backoff(device);
	return other;
}

static bool was_detached(const struct devices *devices, struct device *device, struct text *why)
{
	const struct attachment *attachment = &device->attachment;

	if (!attachment->number || attachment_is_attached(devices->privileged, attachment))
		return false;
	attachment_close(devices->privileged, &device->attachment);
	if (devices->privileged->lost)
		text_append(why, "the helper process has ended, as %s: restart the server",
			    devices->privileged->lost);
	else
		text_append(why, "another process detached the program");
	return true;
}

/* Without an observer, flows are not confirmed any more: attach another, or select anew. */
static bool lost_observer(struct devices *devices, struct device *device, struct text *why)
{
	const struct attachment *attachment = &device->attachment;

	if (!attachment->number || !device_keep_observer(devices, device, attachment->point))
		return false;
	text_append(why, "no observer can be attached at TC egress");
	return true;
}

/* The counters that health depends on, by verdict. */
static __u64 *member_for(struct health_sample *sample, __u32 verdict, enum turnpike_moves moves)
{
	switch (verdict) {
	case TURNPIKE_RELAYED:
		return &sample->relayed;
	case TURNPIKE_NO_ROOM:
		return &sample->no_room;
	case TURNPIKE_NO_EGRESS:
		return &sample->no_egress;
	case TURNPIKE_GSO:
		return &sample->merged;
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

/* The same for losses after relaying, to and from this device. */
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

static void notify(const struct devices *devices, const struct turnpike_status *from,
		   const struct turnpike_status *to)
{
	const struct turnpike_change change = { .from = from, .to = to };

	if (devices->on_change)
		devices->on_change(&change, devices->on_change_arg);
}

/* The mode is kept; report its fault once. */
static void warn(const struct devices *devices, struct device *device, const char *reason)
{
	struct text text = { device->why, sizeof(device->why) };
	struct turnpike_status status;

	if (strstr(device->why, reason))
		return;
	text_append(&text, "%s%s", strstr(device->why, ", but ") ? "; " : ", but ", reason);
	status = device_status(device);
	notify(devices, &status, &status);
}

static enum health judge(const struct devices *devices, struct device *device, __u64 now)
{
	const struct health_sample before = device->sample;
	const bool first = device->sampled == 0;

	if (!device->attachment.number || now < device->sampled + SUPERVISE_NS)
		return HEALTH_GOOD;
	device->sampled = now;
	device->sample = (struct health_sample){ .received = device->link.received };
	add_counters(devices, &device->attachment, &device->sample);
	add_lost(devices, device, &device->sample);
	if (first) {
		device->first = device->sample;
		return HEALTH_GOOD;
	}
	/* Also in a requested mode: redirects to it take the slow path for a while. */
	if (health_refuses(&before, &device->sample, &devices->health))
		backoff_fail(&device->xmit, &devices->backoff, now);
	/* No other mode would help. */
	if (health_merges(&before, &device->sample, &devices->health))
		warn(devices, device,
		     "datagrams come merged by a local sender or by UDP GRO, and are relayed in user "
		     "space");
	return health_judge(&before, &device->sample, &devices->health);
}

/* Demote an auto-selected mode; in a requested one, the slow path helps out. */
static bool is_unhealthy(struct devices *devices, struct device *device, __u64 now,
			 struct text *why)
{
	const bool refused = backoff_blocks(&device->xmit, now);
	const enum health health = judge(devices, device, now);
	/* Then the next hops must be looked up anew. */
	const bool refuses = !refused && backoff_blocks(&device->xmit, now);

	if (refuses)
		text_append(why, "it loses packets that are redirected to it");
	if (health == HEALTH_GOOD)
		return refuses;
	if (device->requested.mode == TURNPIKE_MODE_AUTO) {
		device_back_off(devices, device, device->attachment.point, device->attachment.moves,
				health);
		text_append(why, "%s%s", why->buffer[0] ? "; " : "", health_text(health));
		return true;
	}
	warn(devices, device, health_text(health));
	return refuses;
}

/* Has a back-off ended since the last time? Then a better candidate may work again. */
static bool has_backoff_ended(const struct device *device, __u64 since, __u64 now)
{
	size_t i;

	for (i = 0; i < DEVICE_CANDIDATES; i++)
		if (backoff_has_ended(&device->backoffs[i], since, now))
			return true;
	return backoff_has_ended(&device->reevaluate, since, now) ||
	       backoff_has_ended(&device->xmit, since, now);
}

/* Facts of which no notification tells, or not of this link: offloads, VLANs, other programs. */
static bool has_new_facts(const struct devices *devices, struct device *device, __u64 now)
{
	if (now < device->planned + FACTS_NS)
		return false;
	device->planned = now;
	return device_has_new_plan(devices, device);
}

/* A requested mode that would relay wrong packets does not stay attached. Returns whether it was.
 */
static bool stop_harm(const struct devices *devices, struct device *device, struct text *why)
{
	const struct turnpike_candidate *harm = device_candidate(device);

	if (!harm || !harm->harmful)
		return false;
	attachment_close(devices->privileged, &device->attachment);
	text_append(why, "%suser space relays instead of %s: %s", why->buffer[0] ? "; " : "",
		    turnpike_mode_name(harm->mode), harm->reason);
	if (harm->remedy[0])
		text_append(why, " (%s)", harm->remedy);
	return true;
}

/*
 * Devices that native XDP redirects between need it on all of them. So when one is promoted to it,
 * the others are, too, without waiting for their back-offs.
 */
static void promote_others(struct devices *devices, const struct device *device,
			   const struct turnpike_status *before)
{
	struct device *other;

	if (device_status(device).mode != TURNPIKE_MODE_XDP_NATIVE ||
	    before->mode == TURNPIKE_MODE_XDP_NATIVE)
		return;
	LL_FOREACH(devices->all, other)
		if (other != device)
			device_end_backoff(other);
}

static bool is_same_candidate(const struct turnpike_status *a, const struct turnpike_status *b)
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

/* What relays has become doubtful by other facts. */
static void report_doubt(const struct devices *devices, const struct device *device,
			 const struct turnpike_status *before)
{
	const struct turnpike_candidate *candidate = device_candidate(device);
	const struct turnpike_status after = device_status(device);

	if (candidate && candidate->outlook == TURNPIKE_DOUBTFUL &&
	    !strstr(before->why, candidate->reason))
		notify(devices, &after, &after);
}

static bool supervise(struct devices *devices, struct device *device, __u64 since, __u64 now)
{
	const struct turnpike_status before = device_status(device);
	char reasons[400] = "", rejections[400] = "";
	struct text why = { reasons, sizeof(reasons) };
	struct text rejected = { rejections, sizeof(rejections) };
	struct turnpike_status after;
	bool reselect = look_up(devices, device, &why);
	bool stopped;
	int err = 0;

	if (!device->gone) {
		reselect |= was_detached(devices, device, &why);
		reselect |= lost_observer(devices, device, &why);
		reselect |= is_unhealthy(devices, device, now, &why);
		reselect |= has_backoff_ended(device, since, now);
		reselect = reselect || has_new_facts(devices, device, now);
	}
	if (reselect)
		err = device_choose(devices, device, &rejected);
	stopped = err && stop_harm(devices, device, &why);
	if (err && !stopped)
		text_append(&why, "%s%s", reasons[0] ? "; " : "", rejections);
	after = device_status(device);
	if (is_same_candidate(&before, &after)) {
		/* What relays may be rejected by now, as when the MTU exceeds the driver's. */
		if (err && device->requested.mode != TURNPIKE_MODE_AUTO)
			warn(devices, device, rejections);
		else if (reselect)
			report_doubt(devices, device, &before);
		return reselect;
	}
	/* What happened, and then why the present candidate. */
	if (reasons[0]) {
		if (!device->gone && !stopped)
			text_append(&why, "; %s", device->why);
		memcpy(device->why, reasons, sizeof(reasons));
	}
	report(devices, device, &before);
	promote_others(devices, device, &before);
	return true;
}

static int run_read_ticks(struct privileged *privileged, const void *args, void *result, int *fd)
{
	(void)args;
	(void)fd;
	return ticks_read_zero(privileged->maps, result);
}

OPERATION(devices_operation_read_ticks, OPERATION_READ_TICKS, run_read_ticks, struct nothing,
	  __u64);

int devices_set_clock(const struct devices *devices)
{
	const struct nothing nothing = { 0 };
	__u64 zero;
	const int err = privileged_call(devices->privileged, &devices_operation_read_ticks,
					&nothing, &zero, NULL);

	if (!err)
		ticks_set_zero(devices->maps, zero);
	return err;
}

static bool supervise_all(struct devices *devices, __u64 now)
{
	struct device *device;
	bool changed = false;

	LL_FOREACH(devices->all, device)
		changed |= supervise(devices, device, devices->supervised, now);
	return changed;
}

bool devices_supervise(struct devices *devices)
{
	const bool had_helper = !privileged_check(devices->privileged);
	const __u64 now = clock_ns();
	bool changed;

	devices_set_clock(devices);
	changed = supervise_all(devices, now);
	/* It was lost when some devices had been looked after already. */
	if (had_helper && devices->privileged->lost)
		changed |= supervise_all(devices, now);
	devices->supervised = now;
	devices->lost = devices->privileged->lost;
	return changed;
}

/* Without the helper nothing is attached, whoever has found out first. */
bool devices_are_due(const struct devices *devices)
{
	return privileged_check(devices->privileged) != devices->lost ||
	       clock_ns() - devices->supervised >= SUPERVISE_NS;
}
