/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Bindings that the kernel could relay but has no room or no time for: what each waits for, and
 * when it is tried again.
 *
 * There is one queue for each kind of shortage. When room appears, each queue is tried from its
 * head until one binding does not fit. So the binding that has waited longest comes first, and a
 * queue without room costs one attempt. In addition, rounds try every binding: the first one 1 s
 * after the first refusal, the next ones at intervals that double up to 30 s. All this happens in
 * slices of a few milliseconds.
 */
#ifndef TURNPIKE_ATTACH_FLOWS_WAITING_H
#define TURNPIKE_ATTACH_FLOWS_WAITING_H

#include <turnpike/turnpike.h>

struct waiting;

/** Tries a binding: as bindings_bind(). */
typedef int (*waiting_try_fn)(void *arg, const struct turnpike_binding *binding);

/**
 * waiting_open() - get ready for at most @max bindings; @try is called with @arg
 * Returns 0 or -ENOMEM.
 */
int waiting_open(waiting_try_fn try, void *arg, __u32 max, struct waiting **ret);

/** waiting_close() - forget all; NULL is fine. */
void waiting_close(struct waiting *waiting);

/**
 * waiting_bind() - try a binding, after waiting ones if there is room for them
 *
 * A binding that already waits is not tried; its times and limits are updated.
 *
 * Returns 0; -EAGAIN: it waits; -ENOSPC: no room, and as many wait as may; -EEXIST: the binding
 * waits with another relay or peer; any other negative errno that @try returned.
 */
int waiting_bind(struct waiting *waiting, const struct turnpike_binding *binding);

/** waiting_unbind() - forget a binding in constant time; 0, or -ENOENT: it does not wait. */
int waiting_unbind(struct waiting *waiting, const struct turnpike_binding *binding);

/** waiting_has_room() - flows or next hops were freed; try the bindings that wait for them soon.
 */
void waiting_has_room(struct waiting *waiting);

/** waiting_poll() - try bindings that are due, for a few milliseconds at most. */
void waiting_poll(struct waiting *waiting);

/** waiting_due() - when waiting_poll() has something to do, CLOCK_MONOTONIC in ns; 0: never. */
__u64 waiting_due(const struct waiting *waiting);

/** waiting_count() - how many bindings wait for @what */
__u32 waiting_count(const struct waiting *waiting, enum turnpike_wait what);

#endif /* TURNPIKE_ATTACH_FLOWS_WAITING_H */
