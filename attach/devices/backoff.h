/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A way to relay that failed is left alone for a while, and for twice as long each time it fails
 * again. No clock: the time comes in.
 */
#ifndef TURNPIKE_ATTACH_DEVICES_BACKOFF_H
#define TURNPIKE_ATTACH_DEVICES_BACKOFF_H

#include <linux/types.h>
#include <stdbool.h>

/** All zero: never failed. */
struct backoff {
	__u32 strikes;
	__u64 until; /* ns; 0: free */
};

/** How long, ns. */
struct backoff_limits {
	__u64 first;
	__u64 longest;
};

/** backoff_strike() - it failed at @now */
void backoff_strike(struct backoff *backoff, const struct backoff_limits *limits, __u64 now);

/** backoff_forbid() - it cannot work at all, until something changes */
void backoff_forbid(struct backoff *backoff);

/** backoff_blocks() - is it to be left alone at @now? */
bool backoff_blocks(const struct backoff *backoff, __u64 now);

/** backoff_has_ended() - did a pause end after @since, and by @now? */
bool backoff_has_ended(const struct backoff *backoff, __u64 since, __u64 now);

/** backoff_lift() - the pause, if there is one, ends at @now; the next one is longer all the same.
 */
void backoff_lift(struct backoff *backoff, __u64 now);

/** backoff_clear() - something has changed: it may be tried at once. */
void backoff_clear(struct backoff *backoff);

#endif /* TURNPIKE_ATTACH_DEVICES_BACKOFF_H */
