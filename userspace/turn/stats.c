/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "base/counters.h"
#include "turn/stats.h"

void turn_stats_add(struct turn_stats *sum, const struct turn_stats *more)
{
	_Static_assert(sizeof(*sum) % sizeof(uint64_t) == 0, "uint64_t members only");
	counters_add(sum, more, sizeof(*sum));
}

void turn_stats_outcomes(const struct turn_stats *stats,
			 void (*fn)(const struct turn_outcome *outcome, void *arg), void *arg)
{
	struct turn_outcome outcome = { 0 };

	for (; outcome.method < TURN_METHOD_MAX; outcome.method++) {
		for (outcome.reason = 0; outcome.reason < TURN_REASON_MAX; outcome.reason++) {
			outcome.code = turn_reasons[outcome.reason].code;
			outcome.n = stats->requests[outcome.method][outcome.reason];
			if (outcome.n)
				fn(&outcome, arg);
		}
	}
	outcome =
		(struct turn_outcome){ .method = TURN_METHOD_ALLOCATE, .code = STUN_TRY_ALTERNATE };
	for (; outcome.reason < TURN_REASON_MAX; outcome.reason++) {
		outcome.n = stats->redirected[outcome.reason];
		if (outcome.n)
			fn(&outcome, arg);
	}
}

/** struct sum - of the outcomes with this code and reason; negative: any */
struct sum {
	int code;
	int reason;
	uint64_t n;
};

static void add(const struct turn_outcome *outcome, void *arg)
{
	struct sum *sum = arg;

	if ((sum->code < 0 || outcome->code == sum->code) &&
	    (sum->reason < 0 || outcome->reason == (enum turn_reason)sum->reason))
		sum->n += outcome->n;
}

static uint64_t sum_of(const struct turn_stats *stats, int code, int reason)
{
	struct sum sum = { .code = code, .reason = reason };

	turn_stats_outcomes(stats, add, &sum);
	return sum.n;
}

uint64_t turn_stats_requests(const struct turn_stats *stats)
{
	return sum_of(stats, -1, -1);
}

uint64_t turn_stats_by_code(const struct turn_stats *stats, int code)
{
	return sum_of(stats, code, -1);
}

uint64_t turn_stats_by_reason(const struct turn_stats *stats, enum turn_reason reason)
{
	return sum_of(stats, -1, (int)reason);
}
