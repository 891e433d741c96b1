/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Selects a candidate for a device: facts and options give a plan (select.c), and the first
 * candidate of it that can be attached relays.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/monotonic.h"
#include "base/map_set.h"
#include "devices/device.h"
#include "select/drivers.h"
#include "select/facts.h"
#include "devices/proof.h"
#include "select/select.h"
#include "devices/watch.h"
#include "hooks/observer.h"

static const struct attach_point *point_of(const struct turnpike_candidate *candidate)
{
	return point_find(candidate->mode, candidate->hook);
}

/* Of a device's candidates. */
static size_t index_of(const struct attach_point *point, enum turnpike_moves moves)
{
	return (size_t)(point - attach_points) * TURNPIKE_MOVES_MAX + moves;
}

/* May moving the other end help? Attaching may have failed because of this one program. */
static bool depends_on_moves(enum health health)
{
	return health == HEALTH_GOOD || health == HEALTH_NO_ROOM || health == HEALTH_WRONG_END;
}

void device_back_off(const struct devices *devices, struct device *device,
		     const struct attach_point *point, enum turnpike_moves moves,
		     enum health health)
{
	const __u64 now = clock_ns();
	enum turnpike_moves each;

	for (each = TURNPIKE_MOVES_AUTO; each < TURNPIKE_MOVES_MAX; each++) {
		if (each != moves && depends_on_moves(health))
			continue;
		device->faults[index_of(point, each)] = health;
		/* Only another device or other settings fix that. */
		if (health == HEALTH_NOT_RUNNING || health == HEALTH_NOT_MOVED)
			backoff_forbid(&device->backoffs[index_of(point, each)]);
		else
			backoff_fail(&device->backoffs[index_of(point, each)], &devices->backoff,
				     now);
	}
}

void device_reset_backoff(struct device *device)
{
	size_t i;

	for (i = 0; i < DEVICE_CANDIDATES; i++)
		backoff_reset(&device->backoffs[i]);
	backoff_reset(&device->reevaluate);
	backoff_reset(&device->xmit);
}

void device_end_backoff(struct device *device)
{
	const __u64 now = clock_ns();
	size_t i;

	for (i = 0; i < DEVICE_CANDIDATES; i++)
		backoff_end(&device->backoffs[i], now);
}

/*
 * Run the trial beside what relays now, and replace it by @next in place. While XDP of either kind
 * is attached, a trial is not possible.
 */
static int attach_after_trial(struct devices *devices, struct device *device,
			      struct attachment *next, enum health *health)
{
	struct attachment trial;
	int err = attachment_load_trial(devices->privileged, next->point, next->ifindex, &trial);

	if (err)
		return err;
	err = attachment_attach(devices->privileged, &trial);
	if (!err) {
		err = proof_watch(devices->privileged, next->ifindex, !device->passes_unmoved,
				  &device->proof);
	}
	if (!err) {
		*health = proof_judge(&device->proof, next->moves, device->requested.mode);
		err = *health == HEALTH_GOOD ? 0 : -ENODATA;
	}
	if (!err)
		err = attachment_exchange(devices->privileged, &trial, next);
	if (err) {
		attachment_close(devices->privileged, &trial);
		return err;
	}
	attachment_close(devices->privileged, &device->attachment);
	device->attachment = trial;
	return 0;
}

static bool can_try(const struct device *device, const struct attachment *next)
{
	return point_is_xdp(next->point) && device->attachment.point != next->point &&
	       !attachment_excludes(&device->attachment, next->point);
}

/* Watch from the first XDP program on until the handle is closed: it costs only lost frames time.
 */
static void watch_frames(struct devices *devices, struct device *device)
{
	if (devices->watch < 0 && !devices->watch_error)
		devices->watch_error = watch_open(devices->privileged, &devices->watch);
	device->unwatched = devices->watch_error;
}

int device_keep_observer(const struct devices *devices, struct device *device,
			 const struct attach_point *point)
{
	if (point->ops && !devices->maps->confirm_ns)
		return 0;
	if (point->ops)
		return observer_keep(devices->privileged, device->link.ifindex, point->hook,
				     &device->observer);
	attachment_close(devices->privileged, &device->observer);
	return 0;
}

/* Relay by this candidate from now on. */
static int use(struct devices *devices, struct device *device, const struct attach_point *point,
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
	err = device_keep_observer(devices, device, point);
	if (err)
		return err;
	err = attachment_load(devices->privileged, point, moves, device->link.ifindex, slot, &next);
	if (err)
		return err;
	device->proof = (struct proof){ 0 };
	if (can_try(device, &next))
		err = attach_after_trial(devices, device, &next, health);
	else
		err = attachment_exchange(devices->privileged, &device->attachment, &next);
	if (err)
		attachment_close(devices->privileged, &next);
	else if (point_is_xdp(point))
		watch_frames(devices, device);
	device->sampled = 0;
	return err;
}

static void explain(const struct turnpike_candidate *candidate, const char *reason,
		    struct text *why)
{
	text_append(why, "%s%s", why->buffer[0] ? "; " : "", turnpike_mode_name(candidate->mode));
	if (candidate->mode == TURNPIKE_MODE_TC || candidate->hook == TURNPIKE_HOOK_DISPATCHER)
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
	explain(candidate, "backing off after a failure", why);
	if (health != HEALTH_GOOD)
		text_append(why, ": %s", health_text(health));
}

/* Try a candidate of the plan. */
static int try(struct devices *devices, struct device *device,
	       const struct turnpike_candidate *candidate, struct text *why)
{
	const struct attach_point *point = point_of(candidate);
	const size_t index = index_of(point, candidate->moves);
	enum health health = HEALTH_GOOD;
	struct owner owner;
	int err;

	if (candidate->outlook == TURNPIKE_REJECTED) {
		explain_rejection(candidate, why);
		return -EOPNOTSUPP;
	}
	if (backoff_blocks(&device->backoffs[index], clock_ns())) {
		explain_fault(candidate, device->faults[index], why);
		return -EAGAIN;
	}
	err = use(devices, device, point, candidate->moves, &health);
	if (!err)
		return 0;
	device_back_off(devices, device, point, candidate->moves, health);
	if (health != HEALTH_GOOD) {
		explain(candidate, health_text(health), why);
		return err;
	}
	owner = attachment_owner(devices->privileged, point, device->link.ifindex);
	point_explain(point, err, &owner, why);
	return err;
}

static bool is_requested(const struct turnpike_attach_opts *requested,
			 const struct turnpike_candidate *candidate)
{
	return point_wanted(point_of(candidate), requested->mode, requested->hook) &&
	       (requested->moves == TURNPIKE_MOVES_AUTO || requested->moves == candidate->moves ||
		!point_is_xdp(point_of(candidate)));
}

/* Explain why better modes were rejected outright. */
static void explain_better(const struct plan *plan, const struct turnpike_candidate *chosen,
			   struct text *why)
{
	const struct turnpike_candidate *candidate;
	enum turnpike_mode explained = TURNPIKE_MODE_AUTO;

	for (candidate = chosen + 1; candidate < plan->candidates + plan->n; candidate++) {
		if (point_of(candidate) >= point_of(chosen) || candidate->mode == explained)
			continue;
		explain_rejection(candidate, why);
		explained = candidate->mode;
	}
}

/* A doubt and what removes it; a mode that was asked for needs no praise. */
static void explain_chosen(bool automatic, const struct turnpike_candidate *chosen,
			   struct text *text)
{
	const bool doubtful = chosen->outlook == TURNPIKE_DOUBTFUL;

	if (!automatic)
		text_append(text, "asked for%s", doubtful ? ", but " : "");
	if (automatic || doubtful)
		text_append(text, "%s", chosen->reason);
	if (doubtful && chosen->remedy[0])
		text_append(text, " (%s)", chosen->remedy);
}

static void explain_choice(struct device *device, const struct plan *plan,
			   const struct turnpike_candidate *chosen, struct text *why)
{
	const bool automatic = device->requested.mode == TURNPIKE_MODE_AUTO;
	struct text text = { device->why, sizeof(device->why) };

	if (automatic)
		explain_better(plan, chosen, why);
	device->why[0] = '\0';
	explain_chosen(automatic, chosen, &text);
	if (why->buffer[0])
		text_append(&text, "; %s", why->buffer);
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
 * The obstacle to a better mode may go away without an event: the other end of a veth, for example,
 * is in another namespace. So rejected candidates are re-evaluated after a back-off, too.
 */
static void schedule_reevaluation(const struct devices *devices, struct device *device,
				  const struct plan *plan, const struct turnpike_candidate *chosen)
{
	const __u64 now = clock_ns();

	if (device->requested.mode != TURNPIKE_MODE_AUTO || !has_better(plan, chosen))
		backoff_reset(&device->reevaluate);
	else if (!backoff_blocks(&device->reevaluate, now))
		backoff_fail(&device->reevaluate, &devices->backoff, now);
}

static int follow(struct devices *devices, struct device *device, const struct plan *plan,
		  struct text *why)
{
	const struct turnpike_candidate *candidate;
	int first_error = 0, err;

	for (candidate = plan->candidates; candidate < plan->candidates + plan->n; candidate++) {
		if (!is_requested(&device->requested, candidate))
			continue;
		err = try(devices, device, candidate, why);
		if (!err) {
			explain_choice(device, plan, candidate, why);
			schedule_reevaluation(devices, device, plan, candidate);
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

static bool is_in_dispatcher(const struct device *device)
{
	return device->attachment.point &&
	       device->attachment.point->hook == TURNPIKE_HOOK_DISPATCHER;
}

static const struct turnpike_program *find_program(const struct device *device, __u32 id)
{
	size_t i;

	for (i = 0; i < TURNPIKE_PROGRAMS_MAX; i++)
		if (device->programs[i].id == id)
			return &device->programs[i];
	return NULL;
}

/* A server that has given up CAP_SYS_ADMIN still knows the programs that it saw before. */
static void recall_programs(struct device *device, struct turnpike_facts *facts)
{
	const struct turnpike_program *known;
	struct turnpike_program *program;

	for (program = facts->programs; program < facts->programs + facts->n_programs; program++) {
		known = program->id ? find_program(device, program->id) : NULL;
		if (known && !program->name[0])
			*program = *known;
	}
	memcpy(device->programs, facts->programs, sizeof(device->programs));
}

/* @flags: of the driver */
static int make_plan(const struct devices *devices, struct device *device, struct plan *plan,
		     __u32 *flags)
{
	const struct select_policy policy = { .mode = device->requested.mode,
					      .hook = device->requested.hook,
					      .moves = device->requested.moves,
					      .redirects = devices->all && devices->all->next,
					      .own_id = device->attachment.prog_id,
					      .in_dispatcher = is_in_dispatcher(device) };
	struct turnpike_facts *facts;
	int err = facts_gather(devices->privileged, device->name, &facts);

	if (err)
		return err;
	recall_programs(device, facts);
	*flags = driver_flags(facts);
	err = select_plan(facts, &policy, plan);
	facts_free(facts);
	return err;
}

int device_choose(struct devices *devices, struct device *device, struct text *why)
{
	__u32 flags;
	const int err = make_plan(devices, device, &device->plan, &flags);

	if (err)
		return err;
	device->planned = clock_ns();
	device->no_xmit = flags & DRIVER_NO_XMIT;
	device->passes_unmoved = flags & DRIVER_PASSES_UNMOVED;
	return follow(devices, device, &device->plan, why);
}

bool device_has_new_plan(const struct devices *devices, struct device *device)
{
	struct plan plan;
	__u32 flags;

	return make_plan(devices, device, &plan, &flags) == 0 && !plan_equals(&device->plan, &plan);
}

const struct turnpike_candidate *device_candidate(const struct device *device)
{
	const struct turnpike_candidate *candidate = device->plan.candidates;
	const struct attachment *attachment = &device->attachment;

	for (; candidate < device->plan.candidates + device->plan.n; candidate++)
		if (point_of(candidate) == attachment->point &&
		    (candidate->moves == attachment->moves || candidate->mode == TURNPIKE_MODE_TC))
			return candidate;
	return NULL;
}
