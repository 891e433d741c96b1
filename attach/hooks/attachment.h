/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A program on a device: loaded, attached, and replaced under traffic.
 */
#ifndef TURNPIKE_ATTACH_HOOKS_ATTACHMENT_H
#define TURNPIKE_ATTACH_HOOKS_ATTACHMENT_H

#include "hooks/hook.h"
#include "hooks/point.h"

struct maps;
struct turnpike_bpf;

/**
 * struct attachment - begin with ATTACHMENT_NONE
 * @point:   NULL: not attached
 * @prog_fd: -1: no program, as with mode userspace
 * @object:  what the hook loads and attaches; NULL: the program is loaded already
 * @program: its name
 */
struct attachment {
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

#define ATTACHMENT_NONE                                 \
	(struct attachment)                             \
	{                                               \
		.prog_fd = -1, .state = HOOK_STATE_INIT \
	}

/**
 * attachment_load() - load the program for this attach point and moves, without attaching it
 *
 * For a hook that loads programs itself, it is only prepared.
 *
 * @ret: to be attached or closed
 *
 * Return: 0, or a negative errno of loader_load().
 */
int attachment_load(const struct maps *maps, const struct attach_point *point,
		    enum turnpike_moves moves, __u32 ifindex, __u32 slot, struct attachment *ret);

/** attachment_load_trial() - the same for loader_trial */
int attachment_load_trial(const struct maps *maps, const struct attach_point *point, __u32 ifindex,
			  struct attachment *ret);

/** attachment_load_observer() - the same for loader_observer */
int attachment_load_observer(const struct maps *maps, const struct attach_point *point,
			     __u32 ifindex, struct attachment *ret);

/**
 * attachment_excludes() - must @now be detached first? Native XDP, generic XDP and a dispatcher
 * exclude each other.
 */
bool attachment_excludes(const struct attachment *now, const struct attach_point *point);

/** attachment_attach() - attach the program; see point_attach() */
int attachment_attach(struct attachment *attachment);

/** attachment_is_attached() - is the program still attached? After an error: false. */
bool attachment_is_attached(const struct attachment *attachment);

/**
 * attachment_exchange() - replace @now by @next, which is loaded
 *
 * On the same hook the program is replaced in place where the kernel can. Otherwise @next is
 * attached before @now is detached. A packet that one has relayed never reaches the other, so that
 * none is relayed twice. Between native and generic XDP, packets take the slow path for a moment.
 *
 * Return: 0: @now is what @next was, and @next is ATTACHMENT_NONE. A negative errno: @now works as
 * before, or is ATTACHMENT_NONE if it could not be attached again.
 */
int attachment_exchange(struct attachment *now, struct attachment *next);

/** attachment_close() - detach and unload; @attachment is then ATTACHMENT_NONE */
void attachment_close(struct attachment *attachment);

#endif /* TURNPIKE_ATTACH_HOOKS_ATTACHMENT_H */
