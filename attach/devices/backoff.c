/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "devices/backoff.h"

void backoff_strike(struct backoff *backoff, const struct backoff_limits *limits, __u64 now)
{
	__u64 pause = limits->first;
	__u32 i;

	if (backoff->until == ~0ull)
		return;
	/* Whoever has stood the test for the longest pause begins anew. */
	if (now >= backoff->until + limits->longest)
		backoff->strikes = 0;
	for (i = 0; i < backoff->strikes && pause < limits->longest; i++)
		pause *= 2;
	if (pause > limits->longest)
		pause = limits->longest;
	backoff->strikes++;
	backoff->until = now + pause;
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

void backoff_lift(struct backoff *backoff, __u64 now)
{
	if (backoff->until != ~0ull && backoff->until > now)
		backoff->until = now;
}

void backoff_clear(struct backoff *backoff)
{
	*backoff = (struct backoff){ 0 };
}
