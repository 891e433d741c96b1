/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Exponential back-off of candidates that have failed. No clock: the caller passes the time.
 */
#ifndef TURNPIKE_ATTACH_DEVICES_BACKOFF_H
#define TURNPIKE_ATTACH_DEVICES_BACKOFF_H

#include <linux/types.h>
#include <stdbool.h>

/**
 * struct backoff - all zero: never failed
 * @failures: in a row
 * @until:    ns; 0: may be tried
 */
struct backoff {
	__u32 failures;
	__u64 until;
};

/** struct backoff_limits - first and longest back-off, ns */
struct backoff_limits {
	__u64 first;
	__u64 longest;
};

/** backoff_fail() - it failed at @now: back off, twice as long as the last time */
void backoff_fail(struct backoff *backoff, const struct backoff_limits *limits, __u64 now);

/** backoff_forbid() - it cannot work: back off until backoff_reset() */
void backoff_forbid(struct backoff *backoff);

/** backoff_blocks() - is the back-off in force at @now? */
bool backoff_blocks(const struct backoff *backoff, __u64 now);

/** backoff_has_ended() - has the back-off ended after @since, and by @now? */
bool backoff_has_ended(const struct backoff *backoff, __u64 since, __u64 now);

/** backoff_end() - end the back-off at @now, unless forbidden; the next one is longer all the same
 */
void backoff_end(struct backoff *backoff, __u64 now);

/** backoff_reset() - forget all failures */
void backoff_reset(struct backoff *backoff);

#endif /* TURNPIKE_ATTACH_DEVICES_BACKOFF_H */
