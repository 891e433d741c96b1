/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One program on one device: loaded, attached, and exchanged for another while packets flow.
 */
#ifndef TURNPIKE_ATTACH_HOOKS_ATTACHMENT_H
#define TURNPIKE_ATTACH_HOOKS_ATTACHMENT_H

#include "hooks/hook.h"
#include "hooks/point.h"

struct maps;

/** Begin with ATTACHMENT_NONE. */
struct attachment {
	const struct attach_point *point; /* NULL: none */
	enum turnpike_moves moves;
	__u32 ifindex;
	__u32 slot; /* struct turnpike_config */
	__u32 prog_id;
	int prog_fd; /* -1: nothing is loaded, as with mode userspace */
	struct hook_state state;
};

#define ATTACHMENT_NONE                                            \
	(struct attachment)                                        \
	{                                                          \
		.prog_fd = -1, .state = {.fd = -1, .guardian = 0 } \
	}

/**
 * attachment_load() - load the program for point and moves; packets do not meet it yet
 * @ret: to be attached, or closed
 */
int attachment_load(const struct maps *maps, const struct attach_point *point,
		    enum turnpike_moves moves, __u32 ifindex, __u32 slot, struct attachment *ret);

/** attachment_load_trial() - the same for the program that tries how much room frames have */
int attachment_load_trial(const struct maps *maps, const struct attach_point *point, __u32 ifindex,
			  struct attachment *ret);

/** attachment_excludes() - must @now go before something can come to @point? XDP is of one kind. */
bool attachment_excludes(const struct attachment *now, const struct attach_point *point);

/** attachment_attach() - let packets meet it; see point_attach(). */
int attachment_attach(struct attachment *attachment);

/**
 * attachment_exchange() - have @next, which is loaded, do the work of @now
 *
 * In place where both hang on the same hook and the kernel can; else @next is attached before @now
 * is detached: a packet that one has relayed never reaches the other, so none is relayed twice.
 * Only native and generic XDP exclude each other: between them packets go up to user space.
 *
 * Returns 0, then @now is @next and @next is ATTACHMENT_NONE; or a negative errno, then @now works
 * as before, or, if it could not be attached again, is ATTACHMENT_NONE.
 */
int attachment_exchange(struct attachment *now, struct attachment *next);

/** attachment_close() - detach and unload; then it is ATTACHMENT_NONE. */
void attachment_close(struct attachment *attachment);

#endif /* TURNPIKE_ATTACH_HOOKS_ATTACHMENT_H */
