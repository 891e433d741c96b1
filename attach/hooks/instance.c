/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "hooks/instance.h"

#include <errno.h>
#include <unistd.h>

#include "base/loader.h"
#include "base/map_set.h"

static int load(const struct maps *maps, const struct variant *variant, struct instance instance,
		struct instance *ret)
{
	const struct turnpike_config config = { .ifindex = instance.ifindex,
						.slot = instance.slot };
	int err;

	instance.program = variant->program;
	if (instance.point->ops->load_and_attach)
		err = loader_prepare(maps, variant, &config, &instance.object);
	else
		err = loader_load(maps, variant, &config, &instance.prog_fd);
	if (!err)
		*ret = instance;
	return err;
}

int instance_load(const struct maps *maps, const struct attach_point *point,
		  enum turnpike_moves moves, __u32 ifindex, __u32 slot, struct instance *ret)
{
	const struct variant *variant = loader_variant(point->mode, moves);
	struct instance instance = INSTANCE_NONE;

	instance.point = point;
	instance.moves = moves;
	instance.ifindex = ifindex;
	instance.slot = slot;
	return variant ? load(maps, variant, instance, ret) : -EINVAL;
}

static int load_other(const struct maps *maps, const struct variant *variant,
		      const struct attach_point *point, __u32 ifindex, struct instance *ret)
{
	struct instance instance = INSTANCE_NONE;

	instance.point = point;
	instance.ifindex = ifindex;
	return load(maps, variant, instance, ret);
}

int instance_load_trial(const struct maps *maps, const struct attach_point *point, __u32 ifindex,
			struct instance *ret)
{
	return load_other(maps, &loader_trial, point, ifindex, ret);
}

int instance_load_observer(const struct maps *maps, const struct attach_point *point, __u32 ifindex,
			   struct instance *ret)
{
	return load_other(maps, &loader_observer, point, ifindex, ret);
}

static int load_and_attach(struct instance *instance)
{
	const struct hook_ops *ops = instance->point->ops;
	struct bpf_object *object = instance->object ? instance->object->obj : NULL;
	int err = ops->load_and_attach(instance->ifindex, object, instance->program,
				       &instance->state, &instance->prog_fd);

	if (!err)
		err = point_program_id(instance->prog_fd, &instance->prog_id);
	if (err)
		return err;
	/* The descriptor keeps program and maps. */
	turnpike_bpf__destroy(instance->object);
	instance->object = NULL;
	return 0;
}

int instance_attach(struct instance *instance)
{
	if (instance->point->ops->load_and_attach)
		return load_and_attach(instance);
	return point_attach(instance->point, instance->ifindex, instance->prog_fd, &instance->state,
			    &instance->prog_id);
}

bool instance_is_attached(const struct instance *instance)
{
	const struct hook_ops *ops = instance->point->ops;

	if (ops->is_attached)
		return ops->is_attached(&instance->state);
	return point_has(instance->point, instance->ifindex, instance->prog_id);
}

static void detach(struct instance *instance)
{
	if (instance->point)
		instance->point->ops->detach(&instance->state);
}

void instance_close(struct instance *instance)
{
	detach(instance);
	turnpike_bpf__destroy(instance->object);
	if (instance->prog_fd >= 0)
		close(instance->prog_fd);
	*instance = INSTANCE_NONE;
}

static bool is_same_hook(const struct instance *a, const struct instance *b)
{
	return a->point == b->point && a->point->ops->replace;
}

static int replace(struct instance *now, struct instance *next)
{
	const int err = point_replace(next->point, next->ifindex, next->prog_fd, &now->state,
				      &next->prog_id);

	if (err)
		return err;
	next->state = now->state;
	now->state = HOOK_STATE_NONE;
	return 0;
}

static int attach_after_detaching(struct instance *now, struct instance *next)
{
	int err;

	detach(now);
	err = instance_attach(next);
	if (err && instance_attach(now))
		instance_close(now);
	return err;
}

int instance_exchange(struct instance *now, struct instance *next)
{
	int err;

	if (is_same_hook(now, next))
		err = replace(now, next);
	else if (point_excludes(now->point, next->point))
		err = attach_after_detaching(now, next);
	else
		err = instance_attach(next);
	if (err)
		return err;
	instance_close(now);
	*now = *next;
	*next = INSTANCE_NONE;
	return 0;
}
