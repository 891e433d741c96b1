/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "hooks/attachment.h"

#include <errno.h>

#include "base/loader.h"
#include "base/map_set.h"
#include "hooks/instances.h"

/* Programs of different purposes. */
enum purpose {
	PURPOSE_RELAY,
	PURPOSE_TRIAL,
	PURPOSE_OBSERVER,
};

/* @point: an index into attach_points; of an observer, that of the relay on the same hook */
struct load_args {
	__u32 purpose;
	__u32 point;
	__u32 moves;
	__u32 ifindex;
	__u32 slot;
};

struct number {
	__u32 number;
};

struct program_id {
	__u32 id;
};

struct exchange_args {
	__u32 now;
	__u32 next;
};

/* @err: of an exchange after which @now may be gone */
struct exchange_result {
	__s32 err;
	__u32 prog_id;
	__u8 now_is_closed;
};

struct place {
	__u32 point;
	__u32 ifindex;
};

static bool is_valid(const struct load_args *args)
{
	return args->point < ATTACH_POINT_USERSPACE && args->moves < TURNPIKE_MOVES_MAX &&
	       args->slot < TURNPIKE_SLOTS && args->ifindex;
}

static int load(const struct maps *maps, const struct load_args *args, struct instance *ret)
{
	const struct attach_point *point = &attach_points[args->point];

	switch (args->purpose) {
	case PURPOSE_RELAY:
		return instance_load(maps, point, args->moves, args->ifindex, args->slot, ret);
	case PURPOSE_TRIAL:
		return point_is_xdp(point) ? instance_load_trial(maps, point, args->ifindex, ret)
					   : -EINVAL;
	case PURPOSE_OBSERVER:
		point = point_of_observer(point->hook);
		return point ? instance_load_observer(maps, point, args->ifindex, ret) : -EINVAL;
	default:
		return -EINVAL;
	}
}

static int run_load(struct privileged *privileged, const void *args, void *result, int *fd)
{
	struct number *loaded = result;
	struct instance instance;
	int err;

	(void)fd;
	if (!is_valid(args))
		return -EINVAL;
	err = load(privileged->maps, args, &instance);
	return err ? err : instances_add(privileged, &instance, &loaded->number);
}

OPERATION(attachment_operation_load, OPERATION_LOAD, run_load, struct load_args, struct number);

static int run_attach(struct privileged *privileged, const void *args, void *result, int *fd)
{
	const struct number *which = args;
	struct instance *instance = instances_find(privileged, which->number);
	struct program_id *attached = result;
	int err;

	(void)fd;
	if (!instance)
		return -ENOENT;
	if (instance->prog_id)
		return -EALREADY;
	err = instance_attach(instance);
	attached->id = instance->prog_id;
	return err;
}

OPERATION(attachment_operation_attach, OPERATION_ATTACH, run_attach, struct number,
	  struct program_id);

static int run_is_attached(struct privileged *privileged, const void *args, void *result, int *fd)
{
	const struct number *which = args;
	const struct instance *instance = instances_find(privileged, which->number);

	(void)result;
	(void)fd;
	return instance && instance->prog_id && instance_is_attached(instance) ? 0 : -ENOENT;
}

OPERATION(attachment_operation_is_attached, OPERATION_IS_ATTACHED, run_is_attached, struct number,
	  struct nothing);

static int run_exchange(struct privileged *privileged, const void *args, void *result, int *fd)
{
	const struct exchange_args *both = args;
	struct instance *now = instances_find(privileged, both->now);
	struct instance *next = instances_find(privileged, both->next);
	struct exchange_result *exchanged = result;

	(void)fd;
	if (!now || !next || now == next || now->ifindex != next->ifindex)
		return -ENOENT;
	if (!now->prog_id || next->prog_id)
		return -EALREADY;
	exchanged->err = instance_exchange(now, next);
	exchanged->prog_id = now->prog_id;
	exchanged->now_is_closed = !now->point;
	return 0;
}

OPERATION(attachment_operation_exchange, OPERATION_EXCHANGE, run_exchange, struct exchange_args,
	  struct exchange_result);

static int run_close(struct privileged *privileged, const void *args, void *result, int *fd)
{
	const struct number *which = args;

	(void)result;
	(void)fd;
	instances_remove(privileged, which->number);
	return 0;
}

OPERATION(attachment_operation_close, OPERATION_CLOSE, run_close, struct number, struct nothing);

static int run_find_owner(struct privileged *privileged, const void *args, void *result, int *fd)
{
	const struct place *place = args;

	(void)privileged;
	(void)fd;
	if (place->point >= ATTACH_POINT_USERSPACE)
		return -EINVAL;
	point_owner(&attach_points[place->point], place->ifindex, result);
	return 0;
}

OPERATION(attachment_operation_find_owner, OPERATION_FIND_OWNER, run_find_owner, struct place,
	  struct owner);

static int run_sweep(struct privileged *privileged, const void *args, void *result, int *fd)
{
	const struct place *place = args;

	(void)privileged;
	(void)result;
	(void)fd;
	if (!place->ifindex)
		return -EINVAL;
	xdp_sweep(place->ifindex);
	clsact_sweep(place->ifindex);
	dispatcher_sweep(place->ifindex);
	return 0;
}

OPERATION(attachment_operation_sweep, OPERATION_SWEEP, run_sweep, struct place, struct nothing);

static int ask_to_load(struct privileged *privileged, const struct load_args *args,
		       struct attachment *ret)
{
	struct number loaded;
	const int err =
		privileged_call(privileged, &attachment_operation_load, args, &loaded, NULL);

	if (err)
		return err;
	ret->moves = args->moves;
	ret->ifindex = args->ifindex;
	ret->slot = args->slot;
	ret->prog_id = 0;
	ret->number = loaded.number;
	return 0;
}

int attachment_load(struct privileged *privileged, const struct attach_point *point,
		    enum turnpike_moves moves, __u32 ifindex, __u32 slot, struct attachment *ret)
{
	const struct load_args args = { .purpose = PURPOSE_RELAY,
					.point = (__u32)(point - attach_points),
					.moves = moves,
					.ifindex = ifindex,
					.slot = slot };
	struct attachment attachment = {
		.point = point, .moves = moves, .ifindex = ifindex, .slot = slot
	};
	const int err = point->ops ? ask_to_load(privileged, &args, &attachment) : 0;

	if (!err)
		*ret = attachment;
	return err;
}

static int load_other(struct privileged *privileged, enum purpose purpose,
		      const struct attach_point *listed, const struct attach_point *point,
		      __u32 ifindex, struct attachment *ret)
{
	const struct load_args args = { .purpose = purpose,
					.point = (__u32)(listed - attach_points),
					.ifindex = ifindex };
	struct attachment attachment = { .point = point };
	const int err = ask_to_load(privileged, &args, &attachment);

	if (!err)
		*ret = attachment;
	return err;
}

int attachment_load_trial(struct privileged *privileged, const struct attach_point *point,
			  __u32 ifindex, struct attachment *ret)
{
	return load_other(privileged, PURPOSE_TRIAL, point, point, ifindex, ret);
}

int attachment_load_observer(struct privileged *privileged, const struct attach_point *point,
			     __u32 ifindex, struct attachment *ret)
{
	return load_other(privileged, PURPOSE_OBSERVER, point_find(point->mode, point->hook), point,
			  ifindex, ret);
}

bool attachment_excludes(const struct attachment *now, const struct attach_point *point)
{
	return now->number && point_excludes(now->point, point);
}

int attachment_attach(struct privileged *privileged, struct attachment *attachment)
{
	const struct number which = { attachment->number };
	struct program_id attached;
	int err;

	if (!attachment->number)
		return 0;
	err = privileged_call(privileged, &attachment_operation_attach, &which, &attached, NULL);
	if (!err)
		attachment->prog_id = attached.id;
	return err;
}

bool attachment_is_attached(struct privileged *privileged, const struct attachment *attachment)
{
	const struct number which = { attachment->number };
	struct nothing nothing;

	return privileged_call(privileged, &attachment_operation_is_attached, &which, &nothing,
			       NULL) == 0;
}

/* Both have a program. */
static int exchange(struct privileged *privileged, struct attachment *now, struct attachment *next)
{
	const struct exchange_args both = { now->number, next->number };
	struct exchange_result result;
	int err = privileged_call(privileged, &attachment_operation_exchange, &both, &result, NULL);

	if (err)
		return err;
	if (result.now_is_closed)
		*now = ATTACHMENT_NONE;
	if (result.err)
		return result.err;
	/* It is where the other one was. */
	next->number = now->number;
	next->prog_id = result.prog_id;
	*now = *next;
	*next = ATTACHMENT_NONE;
	return 0;
}

int attachment_exchange(struct privileged *privileged, struct attachment *now,
			struct attachment *next)
{
	int err;

	if (now->number && next->number)
		return exchange(privileged, now, next);
	err = attachment_attach(privileged, next);
	if (err)
		return err;
	attachment_close(privileged, now);
	*now = *next;
	*next = ATTACHMENT_NONE;
	return 0;
}

void attachment_close(struct privileged *privileged, struct attachment *attachment)
{
	const struct number which = { attachment->number };
	struct nothing nothing;

	if (attachment->number)
		privileged_call(privileged, &attachment_operation_close, &which, &nothing, NULL);
	*attachment = ATTACHMENT_NONE;
}

struct owner attachment_owner(struct privileged *privileged, const struct attach_point *point,
			      __u32 ifindex)
{
	const struct place place = { (__u32)(point - attach_points), ifindex };
	struct owner owner = { 0 };

	privileged_call(privileged, &attachment_operation_find_owner, &place, &owner, NULL);
	owner.name[sizeof(owner.name) - 1] = '\0';
	return owner;
}

void attachments_sweep(struct privileged *privileged, __u32 ifindex)
{
	const struct place place = { .ifindex = ifindex };
	struct nothing nothing;

	privileged_call(privileged, &attachment_operation_sweep, &place, &nothing, NULL);
}

void attachments_end(struct privileged *privileged)
{
	instances_end(privileged);
}
