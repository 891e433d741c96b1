/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A router with a full BGP table changes hundreds of routes a second, so no libnl object is made of
 * them.
 */
#include "net/selector.h"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <linux/xfrm.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>
#include <sys/socket.h>

static __u8 family_of(int af)
{
	return af == AF_INET ? TURNPIKE_IPV4 : af == AF_INET6 ? TURNPIKE_IPV6 : 0;
}

static struct prefix make_prefix(__u8 family, const void *bytes, __u8 len)
{
	const __u8 size = family == TURNPIKE_IPV4 ? 4 : 16;
	struct prefix prefix = { .addr.family = family };

	if (!bytes || !len)
		return prefix;
	memcpy(prefix.addr.ip, bytes, size);
	prefix.len = len < 8 * size ? len : (__u8)(8 * size);
	return prefix;
}

/* Without a whole address: any. */
static struct prefix read_prefix(__u8 family, const struct nlattr *attr, __u8 len)
{
	const bool whole = attr && nla_len(attr) >= (family == TURNPIKE_IPV4 ? 4 : 16);

	return make_prefix(family, whole ? nla_data(attr) : NULL, len);
}

bool selector_of_route(struct nlmsghdr *header, struct selector *ret)
{
	const struct rtmsg *info = nlmsg_data(header);
	const __u8 family = family_of(info->rtm_family);

	if (!family)
		return false;
	ret->family = family;
	ret->src = read_prefix(family, nlmsg_find_attr(header, sizeof(*info), RTA_SRC),
			       info->rtm_src_len);
	ret->dst = read_prefix(family, nlmsg_find_attr(header, sizeof(*info), RTA_DST),
			       info->rtm_dst_len);
	return true;
}

bool selector_of_rule(struct nlmsghdr *header, struct selector *ret)
{
	const struct fib_rule_hdr *info = nlmsg_data(header);
	const __u8 family = family_of(info->family);
	/* A rule that is inverted selects all others. */
	const bool any = info->flags & FIB_RULE_INVERT;

	if (!family)
		return false;
	ret->family = family;
	ret->src = read_prefix(family, nlmsg_find_attr(header, sizeof(*info), FRA_SRC),
			       any ? 0 : info->src_len);
	ret->dst = read_prefix(family, nlmsg_find_attr(header, sizeof(*info), FRA_DST),
			       any ? 0 : info->dst_len);
	return true;
}

struct selector selector_of_policy(const struct xfrm_selector *policy)
{
	const __u8 family = family_of(policy->family);

	if (!family)
		return (struct selector){ 0 };
	return (struct selector){
		.family = family,
		.src = make_prefix(family, &policy->saddr, policy->prefixlen_s),
		.dst = make_prefix(family, &policy->daddr, policy->prefixlen_d),
	};
}

bool prefix_covers(const struct prefix *prefix, const struct turnpike_addr *addr)
{
	const __u8 bytes = prefix->len / 8, bits = prefix->len % 8;
	const __u8 mask = (__u8)(0xff00 >> bits);

	return memcmp(prefix->addr.ip, addr->ip, bytes) == 0 &&
	       (!bits || ((prefix->addr.ip[bytes] ^ addr->ip[bytes]) & mask) == 0);
}

bool selector_concerns(const struct selector *selector, const struct turnpike_addr *local,
		       const struct turnpike_addr *remote)
{
	const struct prefix *src = &selector->src, *dst = &selector->dst;

	if (selector->family && selector->family != remote->family)
		return false;
	return (prefix_covers(src, local) && prefix_covers(dst, remote)) ||
	       (prefix_covers(src, remote) && prefix_covers(dst, local));
}
