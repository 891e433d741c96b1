/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The helper: a child process that runs operations for its parent, and ends with it.
 */
#ifndef TURNPIKE_ATTACH_PRIVILEGED_HELPER_H
#define TURNPIKE_ATTACH_PRIVILEGED_HELPER_H

#include "privileged/privileged.h"

/**
 * struct helper_plan - what the helper is
 * @operations: by enum operation_id
 * @end:        undoes all that is left of them
 * @open:       opens privileged->sock of the helper's own. Return: 0 or a negative errno
 * @begin:      NULL: nothing. Called in the helper before it gives up capabilities. Return: 0, or a
 *              negative errno, which helper_start() returns
 * @keep:       descriptors of the maps, @n_keep; all others are closed
 * @capabilities: that it keeps, a bit for each
 */
struct helper_plan {
	const struct operation *const *operations;
	void (*end)(struct privileged *privileged);
	int (*open)(struct nl_sock **ret);
	int (*begin)(void *arg);
	void *arg;
	const int *keep;
	size_t n_keep;
	__u64 capabilities;
};

/**
 * helper_start() - start it, and wait until it is ready
 * @privileged: the calls of this process go to the helper from now on
 *
 * Return: 0, or a negative errno: then there is no helper.
 */
int helper_start(struct privileged *privileged, const struct helper_plan *plan);

#endif /* TURNPIKE_ATTACH_PRIVILEGED_HELPER_H */
