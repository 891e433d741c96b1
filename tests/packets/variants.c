/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "testbed.h"

const struct variant variants[VARIANTS] = {
	{ "native/head", "relay_xdp_head", .skb = false, .tail = false },
	{ "native/tail", "relay_xdp_tail", .skb = false, .tail = true },
	{ "generic/head", "relay_xdp_head", .skb = true, .tail = false },
	{ "generic/tail", "relay_xdp_tail", .skb = true, .tail = true },
	{ "tc", "relay_tc", .skb = true, .tc = true },
};
