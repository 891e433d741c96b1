/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From facts to a plan: no system calls, the same answer to the same facts.
 */
#ifndef TURNPIKE_ATTACH_SELECT_SELECT_H
#define TURNPIKE_ATTACH_SELECT_SELECT_H

#include <turnpike/probe.h>

/**
 * struct select_policy - what is wanted of the plan
 * @mode, @hook, @moves: AUTO, or what was asked for: then all else is rejected
 * @redirects: packets that come in by this device may have to leave by another one
 * @own_id:    program that is ours, and so is in nobody's way; 0: none
 */
struct select_policy {
	enum turnpike_mode mode;
	enum turnpike_hook hook;
	enum turnpike_moves moves;
	bool redirects;
	__u32 own_id;
};

/**
 * select_plan() - rank every way to relay on a device; see struct turnpike_plan
 * Returns 0; -EINVAL for a policy out of range.
 */
int select_plan(const struct turnpike_facts *facts, const struct select_policy *policy,
		struct turnpike_plan *ret);

#endif /* TURNPIKE_ATTACH_SELECT_SELECT_H */
