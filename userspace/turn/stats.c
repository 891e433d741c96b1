/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/counters.h"
#include "turn/stats.h"

void turn_stats_add(struct turn_stats *sum, const struct turn_stats *more)
{
	_Static_assert(sizeof(*sum) % sizeof(uint64_t) == 0, "uint64_t members only");
	counters_add(sum, more, sizeof(*sum));
}
