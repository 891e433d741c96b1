/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which packets a route, a routing rule or an IPsec policy is about, by address. A change of one
 * concerns only the flows whose addresses it selects.
 */
#ifndef TURNPIKE_ATTACH_NET_SELECTOR_H
#define TURNPIKE_ATTACH_NET_SELECTOR_H

#include <linux/netlink.h>
#include <linux/types.h>
#include <stdbool.h>

#include <turnpike/addr.h>

struct xfrm_selector;

/** The first @len bits of @addr; 0: any address. */
struct prefix {
	struct turnpike_addr addr;
	__u8 len;
};

struct selector {
	__u8 family; /* enum turnpike_family; 0: packets of both */
	struct prefix src;
	struct prefix dst;
};

/** selector_of_route() - parse RTM_NEWROUTE or RTM_DELROUTE; false if it is not about IP. */
bool selector_of_route(struct nlmsghdr *header, struct selector *ret);

/** selector_of_rule() - parse RTM_NEWRULE or RTM_DELRULE; false if it is not about IP. */
bool selector_of_rule(struct nlmsghdr *header, struct selector *ret);

/** selector_of_policy() - convert that of an IPsec policy. */
struct selector selector_of_policy(const struct xfrm_selector *policy);

/** prefix_covers() - does @addr, of the same family, begin with @prefix? */
bool prefix_covers(const struct prefix *prefix, const struct turnpike_addr *addr);

/** selector_concerns() - does it select packets from @local to @remote, or back? */
bool selector_concerns(const struct selector *selector, const struct turnpike_addr *local,
		       const struct turnpike_addr *remote);

#endif /* TURNPIKE_ATTACH_NET_SELECTOR_H */
