/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What child processes of the library do first: leave everything that belongs to the parent.
 */
#ifndef TURNPIKE_ATTACH_PRIVILEGED_CHILD_H
#define TURNPIKE_ATTACH_PRIVILEGED_CHILD_H

#include <linux/types.h>
#include <stddef.h>

/** CAPABILITY() - the bit of one; include <linux/capability.h> */
#define CAPABILITY(name) (1ull << CAP_##name)

/** child_capabilities() - those that the calling thread may use, a bit for each */
__u64 child_capabilities(void);

/**
 * child_set_effective() - let the calling thread use only these of its permitted capabilities
 *
 * Return: those that it could use before.
 */
__u64 child_set_effective(__u64 mask);

/**
 * child_close_others() - close all descriptors but stderr and these; stdin and stdout are /dev/null
 * @keep: @n of them, each once, 3 or more; sorted by this call
 *
 * Above all the parent's bpf_links must be closed when the parent ends.
 */
void child_close_others(int *keep, size_t n);

/**
 * child_leave() - become independent of the parent's terminal and signals
 * @name: another one than the parent's, so that 'pkill turnpike' spares the child
 */
void child_leave(const char *name);

/**
 * child_keep_capabilities() - give up all others, for good
 * @mask: a bit for each
 *
 * The child cannot be traced by its user, dumps no core, and gains nothing by execve(2).
 *
 * Return: those that are left.
 */
__u64 child_keep_capabilities(__u64 mask);

#endif /* TURNPIKE_ATTACH_PRIVILEGED_CHILD_H */
