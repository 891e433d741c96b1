/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A program on a device: loaded, attached, and replaced under traffic. What the kernel knows of it
 * belongs to the process that has the privileges (instance.h); here is its number.
 */
#ifndef TURNPIKE_ATTACH_HOOKS_ATTACHMENT_H
#define TURNPIKE_ATTACH_HOOKS_ATTACHMENT_H

#include <stdbool.h>
#include <turnpike/turnpike.h>

#include "hooks/point.h"
#include "privileged/privileged.h"

/**
 * struct attachment - begin with ATTACHMENT_NONE
 * @point:  NULL: not attached
 * @number: of the program; 0: none, as with mode userspace
 */
struct attachment {
	const struct attach_point *point;
	enum turnpike_moves moves;
	__u32 ifindex;
	__u32 slot;
	__u32 prog_id;
	__u32 number;
};

#define ATTACHMENT_NONE ((struct attachment){ 0 })

/**
 * attachment_load() - load the program for this attach point and moves, without attaching it
 *
 * For a hook that loads programs itself, it is only prepared.
 *
 * @ret: to be attached or closed
 *
 * Return: 0, or a negative errno of loader_load() or privileged_call().
 */
int attachment_load(struct privileged *privileged, const struct attach_point *point,
		    enum turnpike_moves moves, __u32 ifindex, __u32 slot, struct attachment *ret);

/** attachment_load_trial() - the same for loader_trial */
int attachment_load_trial(struct privileged *privileged, const struct attach_point *point,
			  __u32 ifindex, struct attachment *ret);

/** attachment_load_observer() - the same for loader_observer; @point: of point_of_observer() */
int attachment_load_observer(struct privileged *privileged, const struct attach_point *point,
			     __u32 ifindex, struct attachment *ret);

/** attachment_excludes() - must @now be detached first? See point_excludes(). */
bool attachment_excludes(const struct attachment *now, const struct attach_point *point);

/** attachment_attach() - attach the program; see point_attach() */
int attachment_attach(struct privileged *privileged, struct attachment *attachment);

/** attachment_is_attached() - is the program still attached? After an error: false. */
bool attachment_is_attached(struct privileged *privileged, const struct attachment *attachment);

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
int attachment_exchange(struct privileged *privileged, struct attachment *now,
			struct attachment *next);

/** attachment_close() - detach and unload; @attachment is then ATTACHMENT_NONE */
void attachment_close(struct privileged *privileged, struct attachment *attachment);

/** attachment_owner() - see point_owner(); not known after an error */
struct owner attachment_owner(struct privileged *privileged, const struct attach_point *point,
			      __u32 ifindex);

/** attachments_sweep() - remove what a relay that was killed has left on a device */
void attachments_sweep(struct privileged *privileged, __u32 ifindex);

/** attachments_end() - where operations run: close all that are left */
void attachments_end(struct privileged *privileged);

extern const struct operation attachment_operation_load, attachment_operation_attach,
	attachment_operation_is_attached, attachment_operation_exchange, attachment_operation_close,
	attachment_operation_find_owner, attachment_operation_sweep;

#endif /* TURNPIKE_ATTACH_HOOKS_ATTACHMENT_H */
