/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "net/link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/addr.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/route/link.h>
#include <netlink/route/link/vlan.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "net/netlink.h"

/* Containers come and go while a list is read. */
#define DUMP_TRIES 5

static void read_vlan(struct rtnl_link *link, struct turnpike_tag *ret)
{
	if (!rtnl_link_is_vlan(link))
		return;
	ret->tpid = (__be16)rtnl_link_vlan_get_protocol(link);
	ret->tci = htons((__u16)rtnl_link_vlan_get_id(link));
}

static void copy_string(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", from ? from : "");
}

static void read_object(struct nl_object *object, void *arg)
{
	struct rtnl_link *link = (struct rtnl_link *)object;
	const unsigned int running = IFF_UP | IFF_RUNNING;
	const struct nl_addr *addr = rtnl_link_get_addr(link);
	struct link_facts *ret = arg;

	copy_string(ret->name, sizeof(ret->name), rtnl_link_get_name(link));
	copy_string(ret->kind, sizeof(ret->kind), rtnl_link_get_type(link));
	ret->ifindex = (__u32)rtnl_link_get_ifindex(link);
	ret->mtu = rtnl_link_get_mtu(link);
	ret->arptype = rtnl_link_get_arptype(link);
	ret->up = (rtnl_link_get_flags(link) & running) == running;
	if (addr && nl_addr_get_len(addr) == sizeof(ret->mac))
		memcpy(ret->mac, nl_addr_get_binary_addr(addr), sizeof(ret->mac));
	ret->master = (__u32)rtnl_link_get_master(link);
	ret->link = (__u32)rtnl_link_get_link(link);
	if (rtnl_link_get_link_netnsid(link, &ret->link_netns))
		ret->link_netns = NETNS_OURS;
	ret->received = rtnl_link_get_stat(link, RTNL_LINK_RX_PACKETS);
	read_vlan(link, &ret->tag);
}

static void get_u32(const struct nlattr *attr, __u32 *ret)
{
	if (attr)
		*ret = nla_get_u32(attr);
}

/* What libnl-route 3.7 leaves out of its object. */
static void read_attributes(struct nlmsghdr *header, struct link_facts *ret)
{
	struct nlattr *xdp = nlmsg_find_attr(header, sizeof(struct ifinfomsg), IFLA_XDP);
	struct nlattr *attrs[IFLA_XDP_MAX + 1];

	get_u32(nlmsg_find_attr(header, sizeof(struct ifinfomsg), IFLA_MAX_MTU), &ret->max_mtu);
	if (!xdp || nla_parse_nested(attrs, IFLA_XDP_MAX, xdp, NULL) < 0)
		return;
	get_u32(attrs[IFLA_XDP_DRV_PROG_ID], &ret->xdp_native);
	get_u32(attrs[IFLA_XDP_SKB_PROG_ID], &ret->xdp_generic);
}

int link_parse(struct nl_msg *msg, struct link_facts *ret)
{
	const int err = nl_msg_parse(msg, read_object, ret);

	if (err < 0)
		return netlink_errno(err);
	read_attributes(nlmsg_hdr(msg), ret);
	return 0;
}

struct links {
	struct link_facts *all;
	size_t n;
	int err;
	int parse_err; /* of one that libnl could not read */
};

static int on_link(struct nl_msg *msg, void *arg)
{
	struct links *links = arg;
	struct link_facts facts = { 0 };
	struct link_facts *all;

	links->parse_err = link_parse(msg, &facts);
	if (links->parse_err)
		return NL_SKIP;
	all = realloc(links->all, (links->n + 1) * sizeof(*all));
	if (!all) {
		links->err = -ENOMEM;
		return NL_STOP;
	}
	links->all = all;
	all[links->n++] = facts;
	return NL_OK;
}

static int ask(struct nl_sock *sock, struct nl_msg *msg, struct links *ret)
{
	const int err = netlink_ask(sock, msg, on_link, ret);

	if (!err && !ret->err)
		return 0;
	free(ret->all);
	return err ? err : ret->err;
}

/*
 * rtnl_link_build_get_request() and rtnl_link_alloc_cache() of libnl-route 3.7 always request the
 * virtual functions, too, for which some drivers ask their firmware one by one.
 */
static struct nl_msg *link_request(int flags, int ifindex)
{
	struct ifinfomsg header = { .ifi_index = ifindex };

	return netlink_request(RTM_GETLINK, flags, &header, sizeof(header));
}

static int get_link(struct nl_sock *sock, struct nl_msg *msg, struct link_facts *ret)
{
	struct links links = { 0 };
	int err = ask(sock, msg, &links);

	if (err)
		return err;
	if (!links.n)
		return links.parse_err ? links.parse_err : -ENODEV;
	*ret = links.all[0];
	free(links.all);
	return 0;
}

int netlink_link(struct nl_sock *sock, int ifindex, const char *name, struct link_facts *ret)
{
	struct nl_msg *msg;

	if (!ifindex && (!name[0] || strlen(name) >= IFNAMSIZ))
		return -ENODEV;
	msg = link_request(0, ifindex);
	if (!ifindex)
		netlink_put(&msg, IFLA_IFNAME, name, strlen(name) + 1);
	return get_link(sock, msg, ret);
}

int netlink_link_elsewhere(struct nl_sock *sock, int netns, __u32 ifindex, struct link_facts *ret)
{
	struct nl_msg *msg = link_request(0, (int)ifindex);

	netlink_put(&msg, IFLA_TARGET_NETNSID, &netns, sizeof(netns));
	return get_link(sock, msg, ret);
}

int netlink_links(struct nl_sock *sock, struct link_facts **ret, size_t *n)
{
	struct links links;
	int tries = 0, err;

	do {
		links = (struct links){ 0 };
		err = ask(sock, link_request(NLM_F_DUMP, 0), &links);
	} while (err == -EINTR && ++tries < DUMP_TRIES);
	if (err)
		return err;
	*ret = links.all;
	*n = links.n;
	return 0;
}
