// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Entry point for TC ingress, through tcx (Linux 6.6) or a clsact qdisc. */
#include "ctx_tc.h"
#include "relay.h"

SEC("tc")
int relay_tc(struct __sk_buff *ctx)
{
	return relay(ctx, MOVE_HEAD);
}
