/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "testbed.h"

const struct variant variants[VARIANTS] = {
	{ "native/head", "relay_xdp_head", .confirms = true },
	{ "native/tail", "relay_xdp_tail", .tail = true, .confirms = true },
	{ "generic/head", "relay_xdp_head", .skb = true, .confirms = true },
	{ "generic/tail", "relay_xdp_tail", .skb = true, .tail = true, .confirms = true },
	{ "tc", "relay_tc", .skb = true, .tc = true, .confirms = true },
	{ "native/tail, unchecked", "relay_xdp_tail", .tail = true },
	{ "tc, unchecked", "relay_tc", .skb = true, .tc = true },
};

const struct variant observer = { "observer", "observe_tc",     .skb = true,
				  .tc = true, .confirms = true, .egress = true };
