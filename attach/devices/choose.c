/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Picks a way to relay on a device: facts and what is wished for give a plan (select.c), whose best
 * entry that the kernel takes is put to work.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/monotonic.h"
#include "devices/device.h"
#include "select/drivers.h"
#include "select/facts.h"
#include "devices/proof.h"
#include "select/select.h"
#include "devices/watch.h"

static const struct attach_point *point_of(const struct turnpike_candidate *candidate)
{
	return point_find(candidate->mode, candidate->hook);
}

/* Of the DEVICE_WAYS. */
static size_t way_of(const struct attach_point *point, enum turnpike_moves moves)
{
	return (size_t)(point - attach_points) * TURNPIKE_MOVES_MAX + moves;
}

/* Would moving the other end help? An attach that failed may have been one program's fault. */
static bool is_of_moves(enum health health)
{
	return health == HEALTH_GOOD || health == HEALTH_NO_ROOM || health == HEALTH_WRONG_END;
}

void device_hold_against(const struct devices *devices, struct device *device,
			 const struct attach_point *point, enum turnpike_moves moves,
			 enum health health)
{
	const __u64 now = clock_ns();
	enum turnpike_moves each;

	for (each = TURNPIKE_MOVES_AUTO; each < TURNPIKE_MOVES_MAX; each++) {
		if (each != moves && is_of_moves(health))
			continue;
		device->faults[way_of(point, each)] = health;
		/* Only another device or setting mends that. */
		if (health == HEALTH_NOT_RUNNING || health == HEALTH_NOT_MOVED)
			backoff_forbid(&device->backoffs[way_of(point, each)]);
		else
			backoff_strike(&device->backoffs[way_of(point, each)], &devices->backoff,
				       now);
	}
}

void device_reset_backoff(struct device *device)
{
	size_t i;

	for (i = 0; i < DEVICE_WAYS; i++)
		backoff_clear(&device->backoffs[i]);
	backoff_clear(&device->again);
	backoff_clear(&device->xmit);
}

void device_lift(struct device *device)
{
	const __u64 now = clock_ns();
	size_t i;

	for (i = 0; i < DEVICE_WAYS; i++)
		backoff_lift(&device->backoffs[i], now);
}

/*
 * XDP on trial first, beside what does the work now; it is then exchanged in place for @next. Where
 * XDP hangs already, or the other kind of it, there is no room for a trial.
 */
static int take_after_trial(struct devices *devices, struct device *device, struct attachment *next,
			    enum health *health)
{
	struct text told = { device->proof, sizeof(device->proof) };
	struct attachment trial;
	struct proof proof;
	int err = attachment_load_trial(devices->maps, next->point, next->ifindex, &trial);

	if (err)
		return err;
	err = attachment_attach(&trial);
	if (!err) {
		proof_watch(devices->maps, devices->sock, &device->link, !device->passes_unmoved,
			    &proof);
		proof_tell(&proof, &told);
		*health = proof_judge(&proof, next->moves, device->wish.mode);
		err = *health == HEALTH_GOOD ? 0 : -ENODATA;
	}
	if (!err)
		err = attachment_exchange(&trial, next);
	if (err) {
		attachment_close(&trial);
		return err;
	}
	attachment_close(&device->attachment);
	device->attachment = trial;
	return 0;
}

static bool has_room_for_trial(const struct device *device, const struct attachment *next)
{
	return next->point->hook == TURNPIKE_HOOK_XDP && device->attachment.point != next->point &&
	       !attachment_excludes(&device->attachment, next->point);
}

/* From the first XDP program on until the handle is closed: it costs only where frames are lost. */
static void watch_frames(struct devices *devices, struct device *device)
{
	struct text told = { device->proof, sizeof(device->proof) };

	if (!devices->watch && !devices->watch_error)
		devices->watch_error = watch_open(&devices->watch);
	text_append(&told, "%s", device->proof[0] ? "; " : "");
	if (devices->watch)
		text_append(&told, "watched: whether the driver loses what was relayed");
	else
		text_append(&told,
			    "not watched: whether the driver loses what was relayed, as the kernel "
			    "does not tell us (%s; it needs BTF)",
			    strerror(-devices->watch_error));
}

/* Has the candidate do the device's work from now on. */
static int take(struct devices *devices, struct device *device, const struct attach_point *point,
		enum turnpike_moves moves, enum health *health)
{
	struct attachment next;
	__u32 slot = 0;
	int err = 0;

	if (device->attachment.point == point && device->attachment.moves == moves)
		return 0;
	if (point->ops)
		err = slot_find(&devices->slots, device->name, point->mode, &slot);
	if (err)
		return err;
	if (point->ops)
		slot_set_link(devices->maps, slot, &device->link);
	err = attachment_load(devices->maps, point, moves, device->link.ifindex, slot, &next);
	if (err)
		return err;
	device->proof[0] = '\0';
	if (has_room_for_trial(device, &next))
		err = take_after_trial(devices, device, &next, health);
	else
		err = attachment_exchange(&device->attachment, &next);
	if (err)
		attachment_close(&next);
	else if (point->hook == TURNPIKE_HOOK_XDP)
		watch_frames(devices, device);
	device->sampled = 0;
	return err;
}

static void explain(const struct turnpike_candidate *candidate, const char *reason,
		    struct text *why)
{
	text_append(why, "%s%s", why->buffer[0] ? "; " : "", turnpike_mode_name(candidate->mode));
	if (candidate->mode == TURNPIKE_MODE_TC)
		text_append(why, "/%s", turnpike_hook_name(candidate->hook));
	else if (candidate->moves != TURNPIKE_MOVES_AUTO)
		text_append(why, "/%s", turnpike_moves_name(candidate->moves));
	text_append(why, ": %s", reason);
}

static void explain_rejection(const struct turnpike_candidate *candidate, struct text *why)
{
	explain(candidate, candidate->reason, why);
	if (candidate->remedy[0])
		text_append(why, " (%s)", candidate->remedy);
}

static void explain_fault(const struct turnpike_candidate *candidate, enum health health,
			  struct text *why)
{
	explain(candidate, "has failed and is left alone for a while", why);
	if (health != HEALTH_GOOD)
		text_append(why, ", as %s", health_text(health));
}

/* One entry of the plan: 0 if it does the work now. */
static int try(struct devices *devices, struct device *device,
	       const struct turnpike_candidate *candidate, struct text *why)
{
	const struct attach_point *point = point_of(candidate);
	const size_t way = way_of(point, candidate->moves);
	enum health health = HEALTH_GOOD;
	int err;

	if (candidate->outlook == TURNPIKE_REJECTED) {
		explain_rejection(candidate, why);
		return -EOPNOTSUPP;
	}
	if (backoff_blocks(&device->backoffs[way], clock_ns())) {
		explain_fault(candidate, device->faults[way], why);
		return -EAGAIN;
	}
	err = take(devices, device, point, candidate->moves, &health);
	if (!err)
		return 0;
	device_hold_against(devices, device, point, candidate->moves, health);
	if (health != HEALTH_GOOD)
		explain(candidate, health_text(health), why);
	else
		point_explain(point, device->link.ifindex, err, why);
	return err;
}

static bool is_wished(const struct turnpike_attach_opts *wish,
		      const struct turnpike_candidate *candidate)
{
	return point_wanted(point_of(candidate), wish->mode, wish->hook) &&
	       (wish->moves == TURNPIKE_MOVES_AUTO || wish->moves == candidate->moves ||
		point_of(candidate)->hook != TURNPIKE_HOOK_XDP);
}

/* Of the better modes that were rejected outright, people want to know why. */
static void explain_better(const struct plan *plan, const struct turnpike_candidate *chosen,
			   struct text *why)
{
	const struct turnpike_candidate *candidate;
	enum turnpike_mode told = TURNPIKE_MODE_AUTO;

	for (candidate = chosen + 1; candidate < plan->candidates + plan->n; candidate++) {
		if (point_of(candidate) >= point_of(chosen) || candidate->mode == told)
			continue;
		explain_rejection(candidate, why);
		told = candidate->mode;
	}
}

static void tell(struct device *device, const struct plan *plan,
		 const struct turnpike_candidate *chosen, struct text *why)
{
	const bool automatic = device->wish.mode == TURNPIKE_MODE_AUTO;
	struct text story = { device->why, sizeof(device->why) };

	if (automatic)
		explain_better(plan, chosen, why);
	device->why[0] = '\0';
	text_append(&story, "%s", automatic ? chosen->reason : "asked for");
	if (why->buffer[0])
		text_append(&story, "; %s", why->buffer);
}

static bool has_better(const struct plan *plan, const struct turnpike_candidate *chosen)
{
	const struct turnpike_candidate *candidate;

	for (candidate = chosen + 1; candidate < plan->candidates + plan->n; candidate++)
		if (point_of(candidate) < point_of(chosen))
			return true;
	return false;
}

/*
 * What stands in the way of a better mode may go without an event: the other end of a veth, for
 * one, is in another namespace. So it is looked at again after a while, as what has failed.
 */
static void plan_next_look(const struct devices *devices, struct device *device,
			   const struct plan *plan, const struct turnpike_candidate *chosen)
{
	const __u64 now = clock_ns();

	if (device->wish.mode != TURNPIKE_MODE_AUTO || !has_better(plan, chosen))
		backoff_clear(&device->again);
	else if (!backoff_blocks(&device->again, now))
		backoff_strike(&device->again, &devices->backoff, now);
}

static int follow(struct devices *devices, struct device *device, const struct plan *plan,
		  struct text *why)
{
	const struct turnpike_candidate *candidate;
	int first_error = 0, err;

	for (candidate = plan->candidates; candidate < plan->candidates + plan->n; candidate++) {
		if (!is_wished(&device->wish, candidate))
			continue;
		err = try(devices, device, candidate, why);
		if (!err) {
			tell(device, plan, candidate, why);
			plan_next_look(devices, device, plan, candidate);
			return 0;
		}
		if (!first_error)
			first_error = err;
	}
	return first_error ? first_error : -EINVAL;
}

static __u32 driver_flags(const struct turnpike_facts *facts)
{
	__u32 since;
	const struct driver *driver = driver_find(facts->driver, facts->kernel, &since);

	return driver ? driver->flags : 0;
}

int device_choose(struct devices *devices, struct device *device, struct text *why)
{
	const struct select_policy policy = { .mode = device->wish.mode,
					      .hook = device->wish.hook,
					      .moves = device->wish.moves,
					      .redirects = devices->all && devices->all->next,
					      .own_id = device->attachment.prog_id };
	struct turnpike_facts *facts;
	struct plan plan;
	__u32 flags;
	int err = facts_gather(devices->sock, device->name, &facts);

	if (err)
		return err;
	flags = driver_flags(facts);
	device->no_xmit = flags & DRIVER_NO_XMIT;
	device->passes_unmoved = flags & DRIVER_PASSES_UNMOVED;
	err = select_plan(facts, &policy, &plan);
	facts_free(facts);
	return err ? err : follow(devices, device, &plan, why);
}
