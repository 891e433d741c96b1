/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Policers.
 */
#include <errno.h>

#include "api/fail.h"
#include "base/opts.h"
#include "handle.h"

static int explain_policer(struct turnpike *tp, int err)
{
	if (err == -ENOSPC)
		return api_fail(tp, err, "all policers are in use: open with more (max_policers)");
	return api_fail(
		tp, err,
		"the parent is not a policer of this handle, policers would nest more than four deep, or the unit is none of enum turnpike_policer_unit");
}

int turnpike_policer_new(struct turnpike *tp, const struct turnpike_policer_opts *opts, __u32 *ret)
{
	TURNPIKE_OPTS(turnpike_policer_opts, own);
	int err = opts_copy(&own, OPTS_KNOWN(turnpike_policer_opts, full), opts);

	if (err)
		return api_fail_opts(tp, err, "turnpike_policer_opts");
	err = policers_new(&tp->policers, &own, ret);
	return err ? explain_policer(tp, err) : 0;
}

int turnpike_policer_set(struct turnpike *tp, __u32 policer, __u64 rate, __u64 burst)
{
	const int err = policers_set(&tp->policers, policer, rate, burst);

	return err ? api_fail(tp, err, "the policer does not exist") : 0;
}

__u64 turnpike_policer_full(const struct turnpike *tp, __u32 policer)
{
	return policers_full(&tp->policers, policer);
}

void turnpike_policer_free(struct turnpike *tp, __u32 policer)
{
	policers_free(&tp->policers, policer);
}

int turnpike_police(struct turnpike *tp, __u32 policer, __u32 bytes)
{
	return policers_charge(&tp->policers, policer, bytes);
}
