// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Entry points for XDP. Native or generic is a matter of how they are attached, and config.skb. */
#include "ctx/xdp.h"
#include "relay.h"

/* Not inlined, so that no instance's stack lies on another's. */
__noinline int slow_xdp(struct xdp_md *ctx, enum moves moves)
{
	return relay_as(ctx, moves, SLOW_PATH);
}

__noinline int usual_xdp_head(struct xdp_md *ctx)
{
	return relay_as(ctx, MOVE_HEAD, FAST_PATH);
}

__noinline int usual_xdp_tail(struct xdp_md *ctx)
{
	return relay_as(ctx, MOVE_TAIL, FAST_PATH);
}

SEC("xdp")
int relay_xdp_head(struct xdp_md *ctx)
{
	const int action = usual_xdp_head(ctx);

	return likely(action != ACTION_SLOW_PATH) ? action : slow_xdp(ctx, MOVE_HEAD);
}

SEC("xdp")
int relay_xdp_tail(struct xdp_md *ctx)
{
	const int action = usual_xdp_tail(ctx);

	return likely(action != ACTION_SLOW_PATH) ? action : slow_xdp(ctx, MOVE_TAIL);
}
