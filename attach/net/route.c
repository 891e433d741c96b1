/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "net/route.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/route/nexthop.h>
#include <netlink/route/route.h>

#include "net/netlink.h"

/*
 * rtnl_route_lookup() of libnl-route 3.7 has no source address and no protocol, and adds a table,
 * priority and scope, although they are unset.
 *
 * Without RTM_F_FIB_MATCH the answer is where a packet would go, exceptions included; with it, the
 * route as configured.
 */
static struct nl_msg *route_request(const struct turnpike_addr *src,
				    const struct turnpike_addr *dst)
{
	const unsigned char bits = (unsigned char)(8 * netlink_ip_len(dst));
	const __u8 protocol = IPPROTO_UDP;
	struct rtmsg header = { .rtm_family = netlink_af(dst),
				.rtm_dst_len = bits,
				.rtm_src_len = src ? bits : 0 };
	struct nl_msg *msg = netlink_request(RTM_GETROUTE, 0, &header, sizeof(header));

	netlink_put_addr(&msg, RTA_DST, dst);
	if (src)
		netlink_put_addr(&msg, RTA_SRC, src);
	netlink_put(&msg, RTA_IP_PROTO, &protocol, sizeof(protocol));
	/* For rules by port; Linux 4.17. */
	if (src && src->port && dst->port) {
		netlink_put(&msg, RTA_SPORT, &src->port, sizeof(src->port));
		netlink_put(&msg, RTA_DPORT, &dst->port, sizeof(dst->port));
	}
	return msg;
}

/* False if the next hop is not an IP address, which no Ethernet device has. */
static bool read_gateway(struct rtnl_nexthop *nexthop, struct turnpike_addr *ret)
{
	const struct nl_addr *gateway = rtnl_route_nh_get_gateway(nexthop);

	/* An IPv4 route may lead to an IPv6 neighbour (RFC 5549, Linux 5.2). */
	if (!gateway)
		gateway = rtnl_route_nh_get_via(nexthop);
	return !gateway || netlink_read_addr(gateway, ret);
}

static void read_route(struct rtnl_route *route, struct route_facts *ret)
{
	struct rtnl_nexthop *nexthop = rtnl_route_nexthop_n(route, 0);

	if (rtnl_route_get_type(route) != RTN_UNICAST || !nexthop ||
	    !read_gateway(nexthop, &ret->gateway))
		return;
	rtnl_route_get_metric(route, RTAX_MTU, &ret->mtu);
	ret->ifindex = (__u32)rtnl_route_nh_get_ifindex(nexthop);
}

struct route_answer {
	struct route_facts facts;
	int err;
};

static int on_route(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *header = nlmsg_hdr(msg);
	struct route_answer *answer = arg;
	struct rtnl_route *route;
	int err;

	/* The programs cannot encapsulate, and libnl-route 3.7 can parse MPLS only. */
	if (nlmsg_find_attr(header, sizeof(struct rtmsg), RTA_ENCAP))
		return NL_SKIP;
	err = rtnl_route_parse(header, &route);
	if (err < 0) {
		answer->err = netlink_errno(err);
		return NL_SKIP;
	}
	read_route(route, &answer->facts);
	rtnl_route_put(route);
	return NL_OK;
}

static int on_route_type(struct nl_msg *msg, void *arg)
{
	const struct rtmsg *info = nlmsg_data(nlmsg_hdr(msg));

	*(unsigned char *)arg = info->rtm_type;
	return NL_OK;
}

bool netlink_is_local(struct nl_sock *sock, const struct turnpike_addr *addr)
{
	unsigned char type = RTN_UNSPEC;

	return netlink_ask(sock, route_request(NULL, addr), on_route_type, &type) == 0 &&
	       type == RTN_LOCAL;
}

int netlink_route(struct nl_sock *sock, const struct turnpike_addr *src,
		  const struct turnpike_addr *dst, struct route_facts *ret)
{
	struct route_answer answer = { 0 };
	int err;

	/* IPv4 refuses a source address that is not local; IPv6 routes it. */
	if (src && src->family == TURNPIKE_IPV6 && !netlink_is_local(sock, src))
		return -EHOSTUNREACH;
	err = netlink_ask(sock, route_request(src, dst), on_route, &answer);
	if (!err)
		err = answer.err;
	if (err)
		return err;
	if (!answer.facts.ifindex)
		return -EHOSTUNREACH;
	*ret = answer.facts;
	return 0;
}
