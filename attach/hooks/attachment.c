/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "hooks/attachment.h"

#include <errno.h>
#include <unistd.h>

#include "base/loader.h"
#include "base/map_set.h"

static int load(const struct maps *maps, const struct variant *variant,
		struct attachment attachment, struct attachment *ret)
{
	const struct turnpike_config config = { .ifindex = attachment.ifindex,
						.slot = attachment.slot };
	int err;

	attachment.program = variant->program;
	if (attachment.point->ops->load_and_attach)
		err = loader_prepare(maps, variant, &config, &attachment.object);
	else
		err = loader_load(maps, variant, &config, &attachment.prog_fd);
	if (!err)
		*ret = attachment;
	return err;
}

int attachment_load(const struct maps *maps, const struct attach_point *point,
		    enum turnpike_moves moves, __u32 ifindex, __u32 slot, struct attachment *ret)
{
	const struct variant *variant = loader_variant(point->mode, moves);
	struct attachment attachment = ATTACHMENT_NONE;

	attachment.point = point;
	attachment.moves = moves;
	attachment.ifindex = ifindex;
	attachment.slot = slot;
	if (point->ops)
		return variant ? load(maps, variant, attachment, ret) : -EINVAL;
	*ret = attachment;
	return 0;
}

static int load_other(const struct maps *maps, const struct variant *variant,
		      const struct attach_point *point, __u32 ifindex, struct attachment *ret)
{
	struct attachment attachment = ATTACHMENT_NONE;

	attachment.point = point;
	attachment.ifindex = ifindex;
	return load(maps, variant, attachment, ret);
}

int attachment_load_trial(const struct maps *maps, const struct attach_point *point, __u32 ifindex,
			  struct attachment *ret)
{
	return load_other(maps, &loader_trial, point, ifindex, ret);
}

int attachment_load_observer(const struct maps *maps, const struct attach_point *point,
			     __u32 ifindex, struct attachment *ret)
{
	return load_other(maps, &loader_observer, point, ifindex, ret);
}

bool attachment_excludes(const struct attachment *now, const struct attach_point *point)
{
	return now->point && now->point != point && point_is_xdp(now->point) && point_is_xdp(point);
}

static int load_and_attach(struct attachment *attachment)
{
	const struct hook_ops *ops = attachment->point->ops;
	struct bpf_object *object = attachment->object ? attachment->object->obj : NULL;
	int err = ops->load_and_attach(attachment->ifindex, object, attachment->program,
				       &attachment->state, &attachment->prog_fd);

	if (!err)
		err = point_program_id(attachment->prog_fd, &attachment->prog_id);
	if (err)
		return err;
	/* The descriptor keeps program and maps. */
	turnpike_bpf__destroy(attachment->object);
	attachment->object = NULL;
	return 0;
}

int attachment_attach(struct attachment *attachment)
{
	if (!attachment->point->ops)
		return 0;
	if (attachment->point->ops->load_and_attach)
		return load_and_attach(attachment);
	return point_attach(attachment->point, attachment->ifindex, attachment->prog_fd,
			    &attachment->state, &attachment->prog_id);
}

bool attachment_is_attached(const struct attachment *attachment)
{
	const struct hook_ops *ops = attachment->point->ops;

	if (ops->is_attached)
		return ops->is_attached(&attachment->state);
	return point_has(attachment->point, attachment->ifindex, attachment->prog_id);
}

static void detach(struct attachment *attachment)
{
	if (attachment->point && attachment->point->ops)
		attachment->point->ops->detach(&attachment->state);
}

void attachment_close(struct attachment *attachment)
{
	detach(attachment);
	turnpike_bpf__destroy(attachment->object);
	if (attachment->prog_fd >= 0)
		close(attachment->prog_fd);
	*attachment = ATTACHMENT_NONE;
}

static bool is_same_hook(const struct attachment *a, const struct attachment *b)
{
	return a->point == b->point && a->point->ops && a->point->ops->replace;
}

static int replace(struct attachment *now, struct attachment *next)
{
	const int err = point_replace(next->point, next->ifindex, next->prog_fd, &now->state,
				      &next->prog_id);

	if (err)
		return err;
	next->state = now->state;
	now->state = HOOK_STATE_NONE;
	return 0;
}

static int attach_after_detaching(struct attachment *now, struct attachment *next)
{
	int err;

	detach(now);
	err = attachment_attach(next);
	if (err && attachment_attach(now))
		attachment_close(now);
	return err;
}

int attachment_exchange(struct attachment *now, struct attachment *next)
{
	int err;

	if (is_same_hook(now, next))
		err = replace(now, next);
	else if (attachment_excludes(now, next->point))
		err = attach_after_detaching(now, next);
	else
		err = attachment_attach(next);
	if (err)
		return err;
	attachment_close(now);
	*now = *next;
	*next = ATTACHMENT_NONE;
	return 0;
}
