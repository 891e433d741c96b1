// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * XDP entry points. The library attaches the same programs in native and in generic mode, and sets
 * config.skb for the latter.
 *
 * The two paths are functions of their own so that their stack frames do not add up.
 */
#include "ctx/xdp.h"
#include "relay.h"

__noinline int slow_xdp(struct xdp_md *ctx, enum moves moves)
{
	return relay_packet(ctx, moves, SLOW_PATH);
}

__noinline int fast_xdp_head(struct xdp_md *ctx)
{
	return relay_packet(ctx, MOVE_HEAD, FAST_PATH);
}

__noinline int fast_xdp_tail(struct xdp_md *ctx)
{
	return relay_packet(ctx, MOVE_TAIL, FAST_PATH);
}

/*
 * What libxdp's dispatcher reads from the BTF of a component program: it runs after filters, which
 * have lower numbers, and passes on the packets that it does not relay. The name of the variable
 * is that of the program with an underscore.
 */
#define RUN_CONFIG(name)                               \
	struct {                                       \
		__uint(priority, DISPATCHER_PRIORITY); \
		__uint(XDP_PASS, 1);                   \
	} _##name SEC(".xdp_run_config")

/* The default of libxdp. Its own filter, xdp-filter, has 10. */
#define DISPATCHER_PRIORITY 50

RUN_CONFIG(relay_xdp_head);
RUN_CONFIG(relay_xdp_tail);

SEC("xdp")
int relay_xdp_head(struct xdp_md *ctx)
{
	const int action = fast_xdp_head(ctx);

	return likely(action != ACTION_SLOW_PATH) ? action : slow_xdp(ctx, MOVE_HEAD);
}

SEC("xdp")
int relay_xdp_tail(struct xdp_md *ctx)
{
	const int action = fast_xdp_tail(ctx);

	return likely(action != ACTION_SLOW_PATH) ? action : slow_xdp(ctx, MOVE_TAIL);
}
