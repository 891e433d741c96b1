/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "devices/gateway.h"

#include "net/route.h"

void gateways_find(struct nl_sock *sock, __u32 ifindex, struct gateways *ret)
{
	/* Documentation addresses (RFC 5737, RFC 3849): only the default route leads there. */
	static const struct turnpike_addr anywhere[GATEWAYS_MAX] = {
		{ .family = TURNPIKE_IPV4, .ip = { 192, 0, 2, 1 } },
		{ .family = TURNPIKE_IPV6, .ip = { 0x20, 0x01, 0x0d, 0xb8 } },
	};
	struct route_facts route;
	size_t i;

	ret->n = 0;
	for (i = 0; i < GATEWAYS_MAX; i++)
		if (netlink_route(sock, NULL, &anywhere[i], &route) == 0 &&
		    route.ifindex == ifindex && route.gateway.family)
			ret->all[ret->n++] = (struct neighbour_facts){ .ifindex = ifindex,
								       .addr = route.gateway };
}

void gateways_keep_valid(struct nl_sock *sock, struct gateways *gateways)
{
	struct neighbour_facts now;
	size_t i, n = 0;

	for (i = 0; i < gateways->n; i++)
		if (netlink_neighbour(sock, gateways->all[i].ifindex, &gateways->all[i].addr,
				      &now) == 0 &&
		    now.valid)
			gateways->all[n++] = now;
	gateways->n = n;
}
