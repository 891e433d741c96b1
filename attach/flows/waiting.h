/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Bindings that wait until the kernel path has room or time for them: what each waits for, and when
 * it is retried.
 *
 * There is one queue for each kind of shortage. When room appears, each queue is tried from its
 * head until one binding does not fit. Thus the binding that has waited longest comes first, and a
 * queue without room costs one attempt. In addition, rounds try every binding: the first one 1 s
 * after the first refusal, the next ones at intervals that double up to 30 s. All this happens in
 * slices of a few milliseconds.
 */
#ifndef TURNPIKE_ATTACH_FLOWS_WAITING_H
#define TURNPIKE_ATTACH_FLOWS_WAITING_H

#include <turnpike/turnpike.h>

struct waiting;

/** waiting_try_fn - try to bind; see bindings_bind() */
typedef int (*waiting_try_fn)(void *arg, const struct turnpike_binding *binding);

/**
 * waiting_open() - create empty queues
 * @try: called with @arg for each attempt
 * @max: the largest number of waiting bindings
 *
 * Return: 0 or -ENOMEM.
 */
int waiting_open(waiting_try_fn try, void *arg, __u32 max, struct waiting **ret);

/** waiting_close() - drop all waiting bindings; accepts NULL */
void waiting_close(struct waiting *waiting);

/**
 * waiting_bind() - try a binding, after the waiting ones that have room
 *
 * If the binding already waits, only its times and limits are updated.
 *
 * Return: 0, or a negative errno:
 * - -EAGAIN: the binding waits
 * - -ENOSPC: there is no room, and the queues are full
 * - -EEXIST: the binding waits with another relay or peer
 * - another error of @try
 */
int waiting_bind(struct waiting *waiting, const struct turnpike_binding *binding);

/** waiting_unbind() - remove a binding in constant time; Return: 0, or -ENOENT if it does not wait
 */
int waiting_unbind(struct waiting *waiting, const struct turnpike_binding *binding);

/**
 * waiting_find() - what a binding waits for, as of its last attempt
 *
 * Return: 0, or -ENOENT if it does not wait.
 */
int waiting_find(const struct waiting *waiting, const struct turnpike_binding *binding,
		 enum turnpike_wait *ret);

/** waiting_has_room() - schedule attempts after flows or next hops have been freed */
void waiting_has_room(struct waiting *waiting);

/** waiting_poll() - try bindings that are due, for a few milliseconds at most */
void waiting_poll(struct waiting *waiting);

/** waiting_due() - when to call waiting_poll() next, CLOCK_MONOTONIC in ns; 0: never */
__u64 waiting_due(const struct waiting *waiting);

/** waiting_count() - number of bindings that wait for @what */
__u32 waiting_count(const struct waiting *waiting, enum turnpike_wait what);

#endif /* TURNPIKE_ATTACH_FLOWS_WAITING_H */
