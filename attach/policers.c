/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "policers.h"

#include <errno.h>
#include <stdlib.h>

#include "clock.h"

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

int policers_set(struct policers *policers, __u32 index, __u64 rate, __u64 burst)
{
	if (!index || index >= policers->max)
		return -EINVAL;
	/* Not at once: a packet may meet the new cost with the old burst. It is one packet. */
	policers->map[index] = turnpike_policer_make(rate, burst);
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
