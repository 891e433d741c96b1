/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A guardian is a child process that detaches what outlives its parent: a filter, or a program in a
 * dispatcher. It does so when the pipe to its parent is closed: by guardian_stop(), or because the
 * parent has ended, even by SIGKILL.
 *
 * systemd and the OOM killer may kill both at once. So each guardian has a mark (mark.h), by which
 * the next relay recognizes what is left. It takes the mark when it begins.
 */
#ifndef TURNPIKE_ATTACH_HOOKS_GUARDIAN_H
#define TURNPIKE_ATTACH_HOOKS_GUARDIAN_H

#include <linux/types.h>
#include <stdbool.h>

#include "hooks/hook.h"

/**
 * struct duty - what a guardian does
 * @arg:          passed to the functions, which run in the child
 * @begin:        NULL: nothing. Returns 0 or a negative errno, which guardian_start() returns
 * @is_needed:    NULL: always. Called about every second; if false, the guardian ends without @end
 * @end:          detach
 * @fd:           a descriptor that stays open in the child; -1: none. All others are closed
 * @capabilities: kept after @begin, a bit for each
 */
struct duty {
	void *arg;
	int (*begin)(void *arg);
	bool (*is_needed)(void *arg);
	void (*end)(void *arg);
	int fd;
	__u64 capabilities;
};

/**
 * guardian_start() - start a guardian, and wait until it has begun
 * @state: gets the guardian
 *
 * Return: 0, or a negative errno: then there is no guardian.
 */
int guardian_start(const struct duty *duty, struct hook_state *state);

/** guardian_is_alive() - is the guardian of @state still running? */
bool guardian_is_alive(const struct hook_state *state);

/** guardian_stop() - let the guardian of @state do its duty, and wait for its end */
void guardian_stop(struct hook_state *state);

#endif /* TURNPIKE_ATTACH_HOOKS_GUARDIAN_H */
