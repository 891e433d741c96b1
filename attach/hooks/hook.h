/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * One table of operations a hook; the registry is in point.c. Adding a hook is a file with such a
 * table, and a line there.
 */
#ifndef TURNPIKE_ATTACH_HOOKS_HOOK_H
#define TURNPIKE_ATTACH_HOOKS_HOOK_H

#include <linux/types.h>
#include <sys/types.h>

#define HOOK_MAX_PROGS 64

/** What attaching left behind; all that detaching needs. Begin with HOOK_STATE_NONE. */
struct hook_state {
	int fd;         /* the link, or the pipe to the guardian; -1: none */
	pid_t guardian; /* of clsact; 0: none */
};

#define HOOK_STATE_NONE                 \
	(struct hook_state)             \
	{                               \
		.fd = -1, .guardian = 0 \
	}

/**
 * struct hook_ops - how programs hang on a device
 *
 * Each operation returns 0 or a negative errno, and says nothing; the callers report.
 *
 * @attach: Hang program @prog_fd on the device. -EBUSY or -EEXIST: taken by somebody else. After an
 *          error the device is as it was found. What is attached must go when this process ends,
 *          however it ends.
 * @replace: Have program @prog_fd take the place of the one in @state, without a gap. NULL: cannot.
 * @query:  Which programs hang there now, ours or not: up to HOOK_MAX_PROGS ids into @ids, their
 *          number into @n.
 * @detach: Take away what @attach left in @state, and only that; then it is HOOK_STATE_NONE again.
 */
struct hook_ops {
	int (*attach)(__u32 ifindex, int prog_fd, struct hook_state *state);
	int (*replace)(const struct hook_state *state, int prog_fd);
	int (*query)(__u32 ifindex, __u32 *ids, __u32 *n);
	void (*detach)(struct hook_state *state);
};

extern const struct hook_ops hook_xdp_native;
extern const struct hook_ops hook_xdp_generic;
extern const struct hook_ops hook_tcx;
extern const struct hook_ops hook_clsact;

/** hook_update_link(), hook_close_link() - replace and detach of all hooks that are links. */
int hook_update_link(const struct hook_state *state, int prog_fd);
void hook_close_link(struct hook_state *state);

#endif /* TURNPIKE_ATTACH_HOOKS_HOOK_H */
