// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Entry points for XDP. Native or generic is a matter of how they are attached, and config.skb. */
#include "ctx_xdp.h"
#include "relay.h"

SEC("xdp")
int relay_xdp_head(struct xdp_md *ctx)
{
	return relay(ctx, MOVE_HEAD);
}

SEC("xdp")
int relay_xdp_tail(struct xdp_md *ctx)
{
	return relay(ctx, MOVE_TAIL);
}
