/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The attach points: which hooks there are, in order of preference, and what their errors mean.
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
	const struct hook_ops *ops; /* NULL: nothing to attach, always works */
};

/** attach_points - automatic choice goes down this list. */
#define N_ATTACH_POINTS 5
extern const struct attach_point attach_points[N_ATTACH_POINTS];

/** point_wanted() - is this one of those that mode and hook, or AUTO, ask for? */
bool point_wanted(const struct attach_point *point, enum turnpike_mode mode,
		  enum turnpike_hook hook);

/**
 * point_attach() - attach a program, then ask the kernel whether it is there
 * @ret: the program's id
 * Returns 0; -ENOENT: attached, but the kernel does not show it; others of struct hook_ops.
 */
int point_attach(const struct attach_point *point, __u32 ifindex, int prog_fd,
		 struct hook_state *state, __u32 *ret);

/** point_replace() - the same for a program that takes the place of the one in @state. */
int point_replace(const struct attach_point *point, __u32 ifindex, int prog_fd,
		  const struct hook_state *state, __u32 *ret);

/** point_has() - does this program hang there? An error counts as no. */
bool point_has(const struct attach_point *point, __u32 ifindex, __u32 id);

/** point_explain() - why it cannot be attached there, with a remedy where there is one. */
void point_explain(const struct attach_point *point, __u32 ifindex, int err, struct text *text);

#endif /* TURNPIKE_ATTACH_HOOKS_POINT_H */
