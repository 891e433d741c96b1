/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From facts to a plan: no system calls, the same answer to the same facts.
 */
#ifndef TURNPIKE_ATTACH_SELECT_SELECT_H
#define TURNPIKE_ATTACH_SELECT_SELECT_H

#include <turnpike/probe.h>

/**
 * struct select_policy - what the plan is for
 * @mode, @hook, @moves: AUTO, or the requested one; all other candidates are then rejected
 * @redirects: packets that come in by this device may leave by another one
 * @own_id:    id of our own program, which may be replaced; 0: none
 * @in_dispatcher: it is in a dispatcher, whose name a server cannot read any more
 * @own_all:   the same for every relay program: the question is not asked by a relay
 */
struct select_policy {
	enum turnpike_mode mode;
	enum turnpike_hook hook;
	enum turnpike_moves moves;
	bool redirects;
	__u32 own_id;
	bool in_dispatcher;
	bool own_all;
};

/** More candidates than there are programs and attach points for them. */
#define PLAN_MAX 16

/** struct plan - the candidates, best first; each one's @next is the one after it */
struct plan {
	__u32 n;
	struct turnpike_candidate candidates[PLAN_MAX];
};

/**
 * select_plan() - rank every candidate for a device; see struct turnpike_probe_result
 *
 * Return: 0, or a negative errno:
 * - -EINVAL: the policy is out of range
 */
int select_plan(const struct turnpike_facts *facts, const struct select_policy *policy,
		struct plan *ret);

/** plan_equals() - do both plans say the same, in the same order? */
bool plan_equals(const struct plan *a, const struct plan *b);

#endif /* TURNPIKE_ATTACH_SELECT_SELECT_H */
