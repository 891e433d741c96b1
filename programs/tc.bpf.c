// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * TC entry points, for tcx (Linux 6.6) and clsact: the relay at ingress, the observer at egress.
 *
 * The two paths are functions of their own so that their stack frames do not add up.
 */
#include "ctx/tc.h"
#include "relay.h"
#include "observe.h"

__noinline int slow_tc(struct __sk_buff *ctx)
{
	return relay_packet(ctx, MOVE_HEAD, SLOW_PATH);
}

__noinline int fast_tc(struct __sk_buff *ctx)
{
	return relay_packet(ctx, MOVE_HEAD, FAST_PATH);
}

SEC("tc")
int relay_tc(struct __sk_buff *ctx)
{
	const int action = fast_tc(ctx);

	return likely(action != ACTION_SLOW_PATH) ? action : slow_tc(ctx);
}

SEC("tc")
int observe_tc(struct __sk_buff *ctx)
{
	observe(ctx);
	return (int)CTX_PASS;
}
