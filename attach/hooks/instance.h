/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An instance of a program on a device: loaded, attached, and replaced under traffic. It lives in
 * the process that has the privileges; attachment.h is how others use it.
 */
#ifndef TURNPIKE_ATTACH_HOOKS_INSTANCE_H
#define TURNPIKE_ATTACH_HOOKS_INSTANCE_H

#include "hooks/hook.h"
#include "hooks/point.h"

struct maps;
struct turnpike_bpf;

/**
 * struct instance - begin with INSTANCE_NONE
 * @point:   NULL: not attached
 * @prog_fd: -1: not loaded
 * @object:  what the hook loads and attaches; NULL: the program is loaded already
 * @program: its name
 */
struct instance {
	const struct attach_point *point;
	enum turnpike_moves moves;
	__u32 ifindex;
	__u32 slot;
	__u32 prog_id;
	int prog_fd;
	struct turnpike_bpf *object;
	const char *program;
	struct hook_state state;
};

#define INSTANCE_NONE                                   \
	(struct instance)                               \
	{                                               \
		.prog_fd = -1, .state = HOOK_STATE_INIT \
	}

/**
 * instance_load() - load the program for this attach point and moves, without attaching it
 *
 * For a hook that loads programs itself, it is only prepared.
 *
 * @ret: to be attached or closed
 *
 * Return: 0, or a negative errno of loader_load().
 */
int instance_load(const struct maps *maps, const struct attach_point *point,
		  enum turnpike_moves moves, __u32 ifindex, __u32 slot, struct instance *ret);

/** instance_load_trial() - the same for loader_trial */
int instance_load_trial(const struct maps *maps, const struct attach_point *point, __u32 ifindex,
			struct instance *ret);

/** instance_load_observer() - the same for loader_observer; @point: of point_of_observer() */
int instance_load_observer(const struct maps *maps, const struct attach_point *point, __u32 ifindex,
			   struct instance *ret);

/** instance_attach() - attach the program; see point_attach() */
int instance_attach(struct instance *instance);

/** instance_is_attached() - is the program still attached? After an error: false. */
bool instance_is_attached(const struct instance *instance);

/**
 * instance_exchange() - replace @now by @next, which is loaded
 *
 * On the same hook the program is replaced in place where the kernel can. Otherwise @next is
 * attached before @now is detached. A packet that one has relayed never reaches the other, so that
 * none is relayed twice. Between native and generic XDP, packets take the slow path for a moment.
 *
 * Return: 0: @now is what @next was, and @next is INSTANCE_NONE. A negative errno: @now works as
 * before, or is INSTANCE_NONE if it could not be attached again.
 */
int instance_exchange(struct instance *now, struct instance *next);

/** instance_close() - detach and unload; @instance is then INSTANCE_NONE */
void instance_close(struct instance *instance);

#endif /* TURNPIKE_ATTACH_HOOKS_INSTANCE_H */
