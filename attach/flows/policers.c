/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "flows/policers.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/monotonic.h"

#include <turnpike/abi.h>

int policers_open(struct policers *policers, struct turnpike_policer *map, __u32 max)
{
	__u32 index;

	policers->map = map;
	policers->max = max;
	policers->free = calloc(max, sizeof(*policers->free));
	if (!policers->free)
		return -ENOMEM;
	for (index = max - 1; index >= TURNPIKE_RESERVED_POLICERS; index--)
		policers->free[policers->n_free++] = index;
	return 0;
}

void policers_close(struct policers *policers)
{
	free(policers->free);
	*policers = (struct policers){ 0 };
}

__u32 policers_size(const struct policers *policers)
{
	return policers->max - TURNPIKE_RESERVED_POLICERS;
}

__u32 policers_used(const struct policers *policers)
{
	return policers_size(policers) - policers->n_free;
}

static struct turnpike_policer *find(const struct policers *policers, __u32 index)
{
	return index && index < policers->max ? &policers->map[index] : NULL;
}

/* As the programs do: programs/steps/police.h. */
static void find_levels(const struct policers *policers, __u32 index,
			struct turnpike_policer *level[TURNPIKE_POLICER_LEVELS])
{
	int i;

	for (i = 0; i < TURNPIKE_POLICER_LEVELS; i++) {
		level[i] = find(policers, index);
		index = level[i] ? level[i]->parent : 0;
	}
}

/* It exists, and there is a level left below it. */
static bool can_be_parent(const struct policers *policers, __u32 index)
{
	struct turnpike_policer *level[TURNPIKE_POLICER_LEVELS];

	find_levels(policers, index, level);
	return level[0] && !level[TURNPIKE_POLICER_LEVELS - 1];
}

int policers_set(struct policers *policers, __u32 index, __u64 rate, __u64 burst)
{
	struct turnpike_policer *policer = find(policers, index);

	if (!policer)
		return -EINVAL;
	turnpike_policer_change(policer, clock_ns(), rate, burst);
	return 0;
}

__u64 policers_full(const struct policers *policers, __u32 index)
{
	const struct turnpike_policer *policer = find(policers, index);

	return policer ? turnpike_policer_read(&policer->full) : 0;
}

int policers_new(struct policers *policers, const struct turnpike_policer_opts *opts, __u32 *ret)
{
	struct turnpike_policer policer;

	if (opts->parent && !can_be_parent(policers, opts->parent))
		return -EINVAL;
	if (opts->unit > TURNPIKE_POLICER_PACKETS)
		return -EINVAL;
	if (!policers->n_free)
		return -ENOSPC;
	policer = turnpike_policer_make(opts->unit, opts->rate, opts->burst);
	policer.parent = opts->parent;
	turnpike_policer_continue(&policer, clock_ns(), opts->full);
	*ret = policers->free[--policers->n_free];
	policers->map[*ret] = policer;
	return 0;
}

void policers_free(struct policers *policers, __u32 index)
{
	struct turnpike_policer *policer = find(policers, index);

	if (!policer)
		return;
	*policer = (struct turnpike_policer){ 0 };
	policers->free[policers->n_free++] = index;
}

int policers_charge(struct policers *policers, __u32 index, __u32 bytes)
{
	struct turnpike_policer *level[TURNPIKE_POLICER_LEVELS];

	find_levels(policers, index, level);
	return turnpike_policers_charge(level, clock_ns(), bytes) ? 0 : -EDQUOT;
}
