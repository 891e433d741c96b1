/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "policers.h"

#include <errno.h>
#include <stdlib.h>

#include "clock.h"

#define NS_PER_S 1000000000ull

/* The largest datagram, so that no rate is too low for any. */
#define BURST_MIN 65536ull

/* The longest that a bucket fills, ns; beyond that a rate is as good as none. */
#define BURST_MAX_NS (3600 * NS_PER_S)

int policers_open(struct policers *policers, struct turnpike_policer *map, __u32 max)
{
	__u32 index;

	policers->map = map;
	policers->max = max;
	policers->free = calloc(max, sizeof(*policers->free));
	if (!policers->free)
		return -ENOMEM;
	for (index = max - 1; index > 0; index--)
		policers->free[policers->n_free++] = index;
	return 0;
}

void policers_close(struct policers *policers)
{
	free(policers->free);
	*policers = (struct policers){ 0 };
}

/* 128 Gbit/s: what is faster is not slowed down by this, and the arithmetic below has no overflow. */
#define RATE_MAX 16000000000ull

static __u64 ns_of(__u64 rate, __u64 bytes)
{
	if (bytes / rate >= BURST_MAX_NS / NS_PER_S)
		return BURST_MAX_NS;
	return bytes / rate * NS_PER_S + bytes % rate * NS_PER_S / rate;
}

struct turnpike_policer policer_of(__u64 rate, __u64 burst)
{
	if (!rate || rate > RATE_MAX)
		return (struct turnpike_policer){ 0 };
	if (!burst)
		burst = rate / 4 > BURST_MIN ? rate / 4 : BURST_MIN;
	return (struct turnpike_policer){ .cost = (NS_PER_S << TURNPIKE_POLICER_SHIFT) / rate,
					  .burst = ns_of(rate, burst) };
}

int policers_set(struct policers *policers, __u32 index, __u64 rate, __u64 burst)
{
	if (!index || index >= policers->max)
		return -EINVAL;
	/* Not at once: a packet may meet the new cost with the old burst. It is one packet. */
	policers->map[index] = policer_of(rate, burst);
	return 0;
}

int policers_new(struct policers *policers, __u64 rate, __u64 burst, __u32 *ret)
{
	__u32 index;

	if (!policers->n_free)
		return -ENOSPC;
	index = policers->free[--policers->n_free];
	policers_set(policers, index, rate, burst);
	*ret = index;
	return 0;
}

void policers_free(struct policers *policers, __u32 index)
{
	if (policers_set(policers, index, 0, 0) == 0)
		policers->free[policers->n_free++] = index;
}

int policers_charge(struct policers *policers, __u32 index, __u32 bytes)
{
	if (!index || index >= policers->max)
		return 0;
	return turnpike_policer_charge(&policers->map[index], clock_ns(), bytes) ? 0 : -EDQUOT;
}
