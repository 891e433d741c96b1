/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "devices/backoff.h"

void backoff_fail(struct backoff *backoff, const struct backoff_limits *limits, __u64 now)
{
	__u64 length = limits->first;
	__u32 i;

	if (backoff->until == ~0ull)
		return;
	/* It has worked for as long as the longest back-off: begin anew. */
	if (now >= backoff->until + limits->longest)
		backoff->failures = 0;
	for (i = 0; i < backoff->failures && length < limits->longest; i++)
		length *= 2;
	if (length > limits->longest)
		length = limits->longest;
	backoff->failures++;
	backoff->until = now + length;
}

void backoff_forbid(struct backoff *backoff)
{
	backoff->until = ~0ull;
}

bool backoff_blocks(const struct backoff *backoff, __u64 now)
{
	return now < backoff->until;
}

bool backoff_has_ended(const struct backoff *backoff, __u64 since, __u64 now)
{
	return backoff->until > since && backoff->until <= now;
}

void backoff_end(struct backoff *backoff, __u64 now)
{
	if (backoff->until != ~0ull && backoff->until > now)
		backoff->until = now;
}

void backoff_reset(struct backoff *backoff)
{
	*backoff = (struct backoff){ 0 };
}
