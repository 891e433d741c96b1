/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "net/route.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>
#include <sys/socket.h>

#include "net/netlink.h"

/* A request has attributes of 16 bytes at most, and an answer is some 150 bytes long. */
#define ATTRS_MAX  96
#define ANSWER_MAX 4096

struct route_request {
	struct nlmsghdr header;
	struct rtmsg route;
	__u8 attrs[ATTRS_MAX];
};

struct route_answer {
	struct nlmsghdr header;
	__u8 rest[ANSWER_MAX];
};

static void put(struct route_request *request, __u16 type, const void *data, size_t size)
{
	struct nlattr *attr = (struct nlattr *)((__u8 *)request + request->header.nlmsg_len);

	attr->nla_type = type;
	attr->nla_len = (__u16)nla_attr_size((int)size);
	memcpy(nla_data(attr), data, size);
	request->header.nlmsg_len += (__u32)nla_total_size((int)size);
}

/*
 * Each binding asks for two routes, so neither requests nor answers are objects of libnl, which
 * allocates 36 KB for each. (Its rtnl_route_lookup() would have no source address and no protocol.)
 *
 * Without RTM_F_FIB_MATCH the answer is where a packet would go, exceptions included; with it, the
 * route as configured.
 */
static struct route_request route_request(const struct turnpike_addr *src,
					  const struct turnpike_addr *dst)
{
	const size_t len = netlink_ip_len(dst);
	const unsigned char bits = (unsigned char)(8 * len);
	const __u8 protocol = IPPROTO_UDP;
	struct route_request request = {
		.header = { .nlmsg_len = NLMSG_LENGTH(sizeof(request.route)),
			    .nlmsg_type = RTM_GETROUTE,
			    .nlmsg_flags = NLM_F_REQUEST },
		.route = { .rtm_family = netlink_af(dst),
			   .rtm_dst_len = bits,
			   .rtm_src_len = src ? bits : 0 },
	};

	put(&request, RTA_DST, dst->ip, len);
	if (src)
		put(&request, RTA_SRC, src->ip, len);
	put(&request, RTA_IP_PROTO, &protocol, sizeof(protocol));
	/* For rules by port; Linux 4.17. */
	if (src && src->port && dst->port) {
		put(&request, RTA_SPORT, &src->port, sizeof(src->port));
		put(&request, RTA_DPORT, &dst->port, sizeof(dst->port));
	}
	return request;
}

static int ask(struct nl_sock *sock, struct route_request *request, struct route_answer *ret)
{
	const int err = netlink_exchange(sock, &request->header, &ret->header, sizeof(*ret));

	if (err)
		return err;
	return nlmsg_valid_hdr(&ret->header, sizeof(struct rtmsg)) &&
			       ret->header.nlmsg_type == RTM_NEWROUTE
		       ? 0
		       : -EIO;
}

static const struct rtmsg *route_of(const struct route_answer *answer)
{
	return nlmsg_data(&answer->header);
}

static void set_addr(struct turnpike_addr *addr, int family, const void *ip, size_t len)
{
	addr->family = family == AF_INET ? TURNPIKE_IPV4 : TURNPIKE_IPV6;
	memcpy(addr->ip, ip, len);
}

/* An IPv4 route may lead to an IPv6 neighbour (RFC 5549, Linux 5.2). */
static bool read_via(const struct nlattr *attr, struct turnpike_addr *ret)
{
	const struct rtvia *via = nla_data(attr);
	const size_t size = (size_t)nla_len(attr), len = size - sizeof(*via);

	if (size < sizeof(*via) ||
	    (via->rtvia_family != AF_INET && via->rtvia_family != AF_INET6) ||
	    len != (via->rtvia_family == AF_INET ? 4 : 16))
		return false;
	set_addr(ret, via->rtvia_family, via->rtvia_addr, len);
	return true;
}

/* False if the next hop is not an IP address, which no Ethernet device has. */
static bool read_gateway(int family, struct nlattr *attrs[], struct turnpike_addr *ret)
{
	const struct nlattr *gateway = attrs[RTA_GATEWAY];
	const int len = family == AF_INET ? 4 : 16;

	if (!gateway)
		return !attrs[RTA_VIA] || read_via(attrs[RTA_VIA], ret);
	if (nla_len(gateway) != len)
		return false;
	set_addr(ret, family, nla_data(gateway), (size_t)len);
	return true;
}

static __u32 read_mtu(struct nlattr *metrics)
{
	struct nlattr *attrs[RTAX_MAX + 1];

	if (!metrics || nla_parse_nested(attrs, RTAX_MAX, metrics, NULL) < 0 || !attrs[RTAX_MTU])
		return 0;
	return nla_get_u32(attrs[RTAX_MTU]);
}

/* The programs cannot encapsulate. */
static int read_route(struct route_answer *answer, struct route_facts *ret)
{
	const struct rtmsg *route = route_of(answer);
	struct route_facts facts = { 0 };
	struct nlattr *attrs[RTA_MAX + 1];

	if (nlmsg_parse(&answer->header, sizeof(*route), attrs, RTA_MAX, NULL) < 0)
		return -EIO;
	if (route->rtm_type != RTN_UNICAST || attrs[RTA_ENCAP] || !attrs[RTA_OIF] ||
	    !read_gateway(route->rtm_family, attrs, &facts.gateway))
		return -EHOSTUNREACH;
	facts.ifindex = nla_get_u32(attrs[RTA_OIF]);
	facts.mtu = read_mtu(attrs[RTA_METRICS]);
	*ret = facts;
	return 0;
}

bool netlink_is_local(struct nl_sock *sock, const struct turnpike_addr *addr)
{
	struct route_request request = route_request(NULL, addr);
	struct route_answer answer;

	return ask(sock, &request, &answer) == 0 && route_of(&answer)->rtm_type == RTN_LOCAL;
}

int netlink_route(struct nl_sock *sock, const struct turnpike_addr *src,
		  const struct turnpike_addr *dst, struct route_facts *ret)
{
	struct route_request request = route_request(src, dst);
	struct route_answer answer;
	int err;

	/* IPv4 refuses a source address that is not local; IPv6 routes it. */
	if (src && src->family == TURNPIKE_IPV6 && !netlink_is_local(sock, src))
		return -EHOSTUNREACH;
	err = ask(sock, &request, &answer);
	return err ? err : read_route(&answer, ret);
}
