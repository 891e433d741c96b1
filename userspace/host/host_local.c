/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "host/host_local.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

#include "host/host_netlink.h"

/** struct table - @err: of on_route() */
struct table {
	struct host_addresses *addresses;
	int err;
};

/* Not the multicast routes, which are one per device. */
static bool is_own(const struct rtmsg *route)
{
	return route->rtm_table == RT_TABLE_LOCAL &&
	       (route->rtm_type == RTN_LOCAL || route->rtm_type == RTN_ANYCAST ||
		route->rtm_type == RTN_BROADCAST);
}

static bool read_prefix(const struct rtmsg *route, const struct nlattr *dst, struct addr_cidr *ret)
{
	const int len = route->rtm_family == AF_INET ? 4 : 16;

	if (!dst || nla_len(dst) != len || route->rtm_dst_len > 8 * len)
		return false;
	*ret = (struct addr_cidr){ .prefix = route->rtm_dst_len };
	ret->addr.family = len == 4 ? TURNPIKE_IPV4 : TURNPIKE_IPV6;
	memcpy(ret->addr.ip, nla_data(dst), (size_t)len);
	return true;
}

static int on_route(struct nl_msg *msg, void *arg)
{
	const struct rtmsg *route = nlmsg_data(nlmsg_hdr(msg));
	const struct nlattr *dst = nlmsg_find_attr(nlmsg_hdr(msg), sizeof(*route), RTA_DST);
	struct table *table = arg;
	struct host_addresses *all = table->addresses;
	struct addr_cidr prefix, *local;

	if (!is_own(route) || !read_prefix(route, dst, &prefix))
		return NL_SKIP;
	local = reallocarray(all->local, all->n_local + 1, sizeof(*local));
	if (!local) {
		table->err = -ENOMEM;
		return NL_STOP;
	}
	all->local = local;
	local[all->n_local++] = prefix;
	return NL_OK;
}

static int read_family(struct nl_sock *sock, unsigned char family, struct table *table)
{
	struct rtmsg header = { .rtm_family = family, .rtm_table = RT_TABLE_LOCAL };
	const int err = host_netlink_ask(
		sock, host_netlink_request(RTM_GETROUTE, NLM_F_DUMP, &header, sizeof(header)),
		on_route, table);

	return err ? err : table->err;
}

int host_local_read(struct nl_sock *sock, struct host_addresses *ret)
{
	struct table table = { .addresses = ret };
	const int err = read_family(sock, AF_INET, &table);

	return err ? err : read_family(sock, AF_INET6, &table);
}
