// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Entry point for TC ingress, through tcx (Linux 6.6) or a clsact qdisc. */
#include "ctx/tc.h"
#include "relay.h"

/* Not inlined, so that no instance's stack lies on another's. */
__noinline int slow_tc(struct __sk_buff *ctx)
{
	return relay_as(ctx, MOVE_HEAD, SLOW_PATH);
}

__noinline int usual_tc(struct __sk_buff *ctx)
{
	return relay_as(ctx, MOVE_HEAD, FAST_PATH);
}

SEC("tc")
int relay_tc(struct __sk_buff *ctx)
{
	const int action = usual_tc(ctx);

	return likely(action != ACTION_SLOW_PATH) ? action : slow_tc(ctx);
}
