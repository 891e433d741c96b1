/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stddef.h>

#include "datapath/shares.h"

#define USED_UP "the user's share is used up: "

static const struct {
	const char *name;
	const char *text;
} names[] = {
	[SHARE_FLOWS_IPV4] = { "flows_ipv4", USED_UP "IPv4 flows (--user-flows)" },
	[SHARE_FLOWS_IPV6] = { "flows_ipv6", USED_UP "IPv6 flows (--user-flows)" },
	[SHARE_NEXT_HOPS] = { "next_hops", USED_UP "next hops (--user-next-hops)" },
	[SHARE_NEIGHBOURS_IPV4] = { "neighbours_ipv4",
				    USED_UP "IPv4 neighbours (--user-neighbours)" },
	[SHARE_NEIGHBOURS_IPV6] = { "neighbours_ipv6",
				    USED_UP "IPv6 neighbours (--user-neighbours)" },
	[SHARE_OF_NONE] = { NULL, "no device relays in the kernel" },
};

const char *share_name(enum share what)
{
	return names[what].name;
}

const char *share_text(enum share what)
{
	return names[what].text;
}
