/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The public headers in a program, compiled as C and C++ by gcc and clang.
 */
#include <turnpike/probe.h>
#include <turnpike/turnpike.h>

int use(struct turnpike *tp, __u64 now);

int use(struct turnpike *tp, __u64 now)
{
	TURNPIKE_OPTS(turnpike_open_opts, open_opts, .max_flows = 1);
	TURNPIKE_OPTS(turnpike_attach_opts, attach_opts, .mode = TURNPIKE_MODE_TC);
	TURNPIKE_OPTS(turnpike_policer_opts, policer_opts, .rate = 1000, .burst = 1000);
	TURNPIKE_OPTS(turnpike_binding, binding, .channel = TURNPIKE_CHANNEL_MIN,
		      .channel_expires = now);
	struct turnpike_policer policer = turnpike_policer_make(TURNPIKE_POLICER_BYTES, 1000, 0);

	return turnpike_version() == TURNPIKE_VERSION_NUM && tp &&
	       open_opts.sz != attach_opts.sz + policer_opts.sz + binding.sz &&
	       turnpike_policer_charge(&policer, now, 1) &&
	       turnpike_verdict_is(TURNPIKE_RELAYED, TURNPIKE_KIND_RELAY) &&
	       turnpike_counter_index(0, TURNPIKE_DIR_NONE, TURNPIKE_RELAYED) == 0;
}
