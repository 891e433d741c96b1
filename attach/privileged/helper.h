/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The helper: a process that runs operations for another one, and ends with it. It is a child, or
 * a process of its own, to which the other one has connected.
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
 *              negative errno, which the other process gets
 * @capabilities: that it keeps, a bit for each
 */
struct helper_plan {
	const struct operation *const *operations;
	void (*end)(struct privileged *privileged);
	int (*open)(struct nl_sock **ret);
	int (*begin)(void *arg);
	void *arg;
	__u64 capabilities;
};

/**
 * helper_start() - fork it, and wait until it is ready
 * @privileged: the calls of this process go to the helper from now on
 *
 * Return: 0, or a negative errno: then there is no helper.
 */
int helper_start(struct privileged *privileged, const struct helper_plan *plan);

struct greeting;

/**
 * helper_join() - let a helper that exists run the operations
 * @privileged: as for helper_start()
 * @connection: a SOCK_SEQPACKET socket, of which helper_serve() has the other end. It is closed by
 *              privileged_close(), and after an error
 * @greeting:   what the helper said; 0: nothing
 *
 * Return: 0, or a negative errno: -EIO: it said nothing; -EPROTO: it is of another version; others
 * of the helper.
 */
int helper_join(struct privileged *privileged, int connection, struct greeting *greeting);

/**
 * helper_serve() - be the helper, until the other process closes its end
 * @connection: as above; closed once everything is detached
 *
 * Return: 0, or a negative errno: -EXDEV: the other process is in another network namespace;
 * -EBADMSG: a message was no request; others of @plan.
 */
int helper_serve(const struct helper_plan *plan, int connection);

#endif /* TURNPIKE_ATTACH_PRIVILEGED_HELPER_H */
