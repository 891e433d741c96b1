/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The attach points: a mode and a hook each, in order of preference.
 */
#ifndef TURNPIKE_ATTACH_HOOKS_POINT_H
#define TURNPIKE_ATTACH_HOOKS_POINT_H

#include <stdbool.h>
#include <turnpike/turnpike.h>

#include "hooks/hook.h"
#include "base/text.h"

struct attach_point {
	enum turnpike_mode mode;
	enum turnpike_hook hook;
	const struct hook_ops *ops; /* NULL: mode userspace, nothing is attached */
};

/** Indexes into attach_points: ATTACH_POINT_TC_TCX, for example. */
enum {
#define ATTACH_POINT_INDEX(mode, hook, ops) ATTACH_POINT_##mode##_##hook,
	ATTACH_POINTS(ATTACH_POINT_INDEX)
#undef ATTACH_POINT_INDEX
		ATTACH_POINT_USERSPACE,
	N_ATTACH_POINTS,
};

/** attach_points - ATTACH_POINTS, and mode userspace as the last resort */
extern const struct attach_point attach_points[N_ATTACH_POINTS];

/** point_find() - the attach point of this mode and hook; NULL: none */
const struct attach_point *point_find(enum turnpike_mode mode, enum turnpike_hook hook);

/** point_of_observer() - where an observer is attached at TC egress by this hook; NULL: nowhere */
const struct attach_point *point_of_observer(enum turnpike_hook hook);

/** point_is_xdp() - does it take the one place for XDP of a device? */
static inline bool point_is_xdp(const struct attach_point *point)
{
	return point->mode == TURNPIKE_MODE_XDP_NATIVE || point->mode == TURNPIKE_MODE_XDP_GENERIC;
}

/**
 * point_excludes() - must what is attached at @now be detached before @next is used? Native XDP,
 * generic XDP and a dispatcher exclude each other.
 */
static inline bool point_excludes(const struct attach_point *now, const struct attach_point *next)
{
	return now != next && point_is_xdp(now) && point_is_xdp(next);
}

/**
 * point_wanted() - does this attach point match mode and hook?
 *
 * AUTO matches any. Hook DISPATCHER is about XDP only: it matches the hooks of other modes.
 */
bool point_wanted(const struct attach_point *point, enum turnpike_mode mode,
		  enum turnpike_hook hook);

/**
 * point_attach() - attach a program, and verify that the kernel lists it
 * @ret: the program's id
 *
 * Return: 0, or a negative errno:
 * - -ENOENT: attached, but the kernel does not list it
 * - others of struct hook_ops
 */
int point_attach(const struct attach_point *point, __u32 ifindex, int prog_fd,
		 struct hook_state *state, __u32 *ret);

/** point_replace() - replace the program of @state, in place; otherwise as point_attach() */
int point_replace(const struct attach_point *point, __u32 ifindex, int prog_fd,
		  const struct hook_state *state, __u32 *ret);

/** point_program_id() - get the id of a program. Return: 0, or a negative errno. */
int point_program_id(int prog_fd, __u32 *ret);

/** point_has() - is this program attached there? After an error: false. */
bool point_has(const struct attach_point *point, __u32 ifindex, __u32 id);

/** struct owner - whose program is attached; @id: 0: not known; @name: may be empty */
struct owner {
	__u32 id;
	char name[16];
};

/** point_owner() - find the program that holds the hook */
void point_owner(const struct attach_point *point, __u32 ifindex, struct owner *ret);

/**
 * point_explain() - append why attaching failed with @err, and a remedy where there is one
 * @owner: of the program that is attached
 */
void point_explain(const struct attach_point *point, int err, const struct owner *owner,
		   struct text *text);

#endif /* TURNPIKE_ATTACH_HOOKS_POINT_H */
