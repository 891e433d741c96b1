/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "net/netlink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/msg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <netlink/attr.h>

/* A neighbour in one of these has a MAC address that may be used (NUD_VALID of the kernel). */
#define NUD_USABLE (NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY)

static unsigned char af_of(const struct turnpike_addr *addr)
{
	return addr->family == TURNPIKE_IPV4 ? AF_INET : AF_INET6;
}

static size_t ip_len(const struct turnpike_addr *addr)
{
	return addr->family == TURNPIKE_IPV4 ? 4 : 16;
}

/* An IP address out of an attribute; false if the length fits no family. */
static bool get_addr(const struct nlattr *attr, struct turnpike_addr *ret)
{
	const int len = nla_len(attr);

	if (len != 4 && len != 16)
		return false;
	memset(ret, 0, sizeof(*ret));
	ret->family = len == 4 ? TURNPIKE_IPV4 : TURNPIKE_IPV6;
	memcpy(ret->ip, nla_data(attr), (size_t)len);
	return true;
}

int netlink_open(struct nl_sock **ret)
{
	struct nl_sock *sock = nl_socket_alloc();

	if (!sock)
		return -ENOMEM;
	/* Each request here has one answer: either what was asked for or an error. */
	nl_socket_disable_auto_ack(sock);
	if (nl_connect(sock, NETLINK_ROUTE)) {
		nl_socket_free(sock);
		return -EPROTONOSUPPORT;
	}
	*ret = sock;
	return 0;
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *error, void *arg)
{
	(void)from;
	*(int *)arg = error->error;
	return NL_STOP;
}

static int on_ack(struct nl_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;
	return NL_STOP;
}

/* A request that begins with @info; NULL without memory, which put() and ask() take in their
 * stride. */
static struct nl_msg *new_request(int type, int flags, void *info, size_t size)
{
	struct nl_msg *msg = nlmsg_alloc_simple(type, NLM_F_REQUEST | flags);

	if (msg && nlmsg_append(msg, info, size, NLMSG_ALIGNTO)) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static void put(struct nl_msg **msg, int type, const void *data, size_t size)
{
	if (*msg && nla_put(*msg, type, (int)size, data)) {
		nlmsg_free(*msg);
		*msg = NULL;
	}
}

/* Sends @msg, frees it, and hands the answer to @on_answer; the kernel's errno or 0. */
static int ask(struct nl_sock *sock, struct nl_msg *msg, nl_recvmsg_msg_cb_t on_answer, void *arg)
{
	int error = 0;
	int err;

	if (!msg)
		return -ENOMEM;
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, on_answer, arg);
	nl_socket_modify_cb(sock, NL_CB_ACK, NL_CB_CUSTOM, on_ack, NULL);
	nl_socket_modify_err_cb(sock, NL_CB_CUSTOM, on_error, &error);
	err = nl_send_auto(sock, msg);
	nlmsg_free(msg);
	if (err < 0)
		return -EIO;
	if (nl_recvmsgs_default(sock) < 0 && !error)
		return -EIO;
	return error;
}

static void get_string(const struct nlattr *attr, char *ret, size_t size)
{
	if (attr)
		nla_strlcpy(ret, attr, size);
}

static void get_number(const struct nlattr *attr, __u32 *ret)
{
	if (attr)
		*ret = nla_get_u32(attr);
}

static void parse_vlan(struct nlattr *data, struct link_facts *ret)
{
	struct nlattr *attrs[IFLA_VLAN_MAX + 1];

	if (!data || nla_parse_nested(attrs, IFLA_VLAN_MAX, data, NULL) < 0 ||
	    !attrs[IFLA_VLAN_ID] || !attrs[IFLA_VLAN_PROTOCOL])
		return;
	ret->tag.tpid = nla_get_u16(attrs[IFLA_VLAN_PROTOCOL]);
	ret->tag.tci = htons(nla_get_u16(attrs[IFLA_VLAN_ID]));
}

static void parse_kind(struct nlattr *linkinfo, struct link_facts *ret)
{
	struct nlattr *attrs[IFLA_INFO_MAX + 1];

	if (!linkinfo || nla_parse_nested(attrs, IFLA_INFO_MAX, linkinfo, NULL) < 0)
		return;
	get_string(attrs[IFLA_INFO_KIND], ret->kind, sizeof(ret->kind));
	if (strcmp(ret->kind, "vlan") == 0)
		parse_vlan(attrs[IFLA_INFO_DATA], ret);
}

static void parse_xdp(struct nlattr *xdp, struct link_facts *ret)
{
	struct nlattr *attrs[IFLA_XDP_MAX + 1];

	if (!xdp || nla_parse_nested(attrs, IFLA_XDP_MAX, xdp, NULL) < 0)
		return;
	get_number(attrs[IFLA_XDP_DRV_PROG_ID], &ret->xdp_native);
	get_number(attrs[IFLA_XDP_SKB_PROG_ID], &ret->xdp_generic);
}

/* The kernel's struct may be shorter or longer than ours; the first member is all that is wanted.
 */
static __u64 get_received(const struct nlattr *stats)
{
	__u64 received = 0;

	_Static_assert(offsetof(struct rtnl_link_stats64, rx_packets) == 0, "the first member");
	nla_memcpy(&received, stats, sizeof(received));
	return received;
}

static int on_link(struct nl_msg *msg, void *arg)
{
	const struct ifinfomsg *info = nlmsg_data(nlmsg_hdr(msg));
	struct nlattr *attrs[IFLA_MAX + 1];
	struct link_facts *ret = arg;

	if (nlmsg_parse(nlmsg_hdr(msg), sizeof(*info), attrs, IFLA_MAX, NULL) < 0)
		return NL_SKIP;
	ret->ifindex = (__u32)info->ifi_index;
	ret->arptype = info->ifi_type;
	ret->up = (info->ifi_flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING);
	get_string(attrs[IFLA_IFNAME], ret->name, sizeof(ret->name));
	get_number(attrs[IFLA_MTU], &ret->mtu);
	get_number(attrs[IFLA_MAX_MTU], &ret->max_mtu);
	get_number(attrs[IFLA_MASTER], &ret->master);
	get_number(attrs[IFLA_LINK], &ret->link);
	ret->link_netns =
		attrs[IFLA_LINK_NETNSID] ? nla_get_s32(attrs[IFLA_LINK_NETNSID]) : NETNS_OURS;
	if (attrs[IFLA_ADDRESS] && nla_len(attrs[IFLA_ADDRESS]) == sizeof(ret->mac))
		memcpy(ret->mac, nla_data(attrs[IFLA_ADDRESS]), sizeof(ret->mac));
	if (attrs[IFLA_STATS64])
		ret->received = get_received(attrs[IFLA_STATS64]);
	parse_kind(attrs[IFLA_LINKINFO], ret);
	parse_xdp(attrs[IFLA_XDP], ret);
	return NL_OK;
}

/* By index, or by name if @ifindex is 0; in another namespace unless @netns is NETNS_OURS. */
static int get_link(struct nl_sock *sock, int netns, int ifindex, const char *name,
		    struct link_facts *ret)
{
	struct ifinfomsg info = { .ifi_index = ifindex };
	struct link_facts facts = { 0 };
	struct nl_msg *msg = new_request(RTM_GETLINK, 0, &info, sizeof(info));
	int err;

	if (!ifindex)
		put(&msg, IFLA_IFNAME, name, strlen(name) + 1);
	if (netns != NETNS_OURS)
		put(&msg, IFLA_TARGET_NETNSID, &netns, sizeof(netns));
	err = ask(sock, msg, on_link, &facts);
	if (err)
		return err;
	if (!facts.ifindex)
		return -ENODEV;
	*ret = facts;
	return 0;
}

int netlink_link(struct nl_sock *sock, int ifindex, const char *name, struct link_facts *ret)
{
	if (!ifindex && (!name[0] || strlen(name) >= IFNAMSIZ))
		return -ENODEV;
	return get_link(sock, NETNS_OURS, ifindex, name, ret);
}

int netlink_link_elsewhere(struct nl_sock *sock, int netns, __u32 ifindex, struct link_facts *ret)
{
	return get_link(sock, netns, (int)ifindex, NULL, ret);
}

struct links {
	struct link_facts *all;
	size_t n;
	int err;
};

static int on_one_of_links(struct nl_msg *msg, void *arg)
{
	struct links *links = arg;
	struct link_facts *all = realloc(links->all, (links->n + 1) * sizeof(*all));

	if (!all) {
		links->err = -ENOMEM;
		return NL_STOP;
	}
	links->all = all;
	all[links->n] = (struct link_facts){ 0 };
	if (on_link(msg, &all[links->n]) == NL_OK)
		links->n++;
	return NL_OK;
}

int netlink_links(struct nl_sock *sock, struct link_facts **ret, size_t *n)
{
	struct ifinfomsg info = { 0 };
	struct nl_msg *msg = new_request(RTM_GETLINK, NLM_F_DUMP, &info, sizeof(info));
	struct links links = { 0 };
	int err;

	err = ask(sock, msg, on_one_of_links, &links);
	if (!err)
		err = links.err;
	if (err) {
		free(links.all);
		return err;
	}
	*ret = links.all;
	*n = links.n;
	return 0;
}

struct filters {
	struct filter_facts *all;
	__u32 max;
	__u32 n;
};

static int on_filter(struct nl_msg *msg, void *arg)
{
	const struct tcmsg *info = nlmsg_data(nlmsg_hdr(msg));
	struct nlattr *attrs[TCA_MAX + 1], *options[TCA_BPF_MAX + 1];
	struct filters *filters = arg;
	struct filter_facts *filter;

	/* Each priority is told of by itself as well, without a handle. */
	if (filters->n == filters->max || !info->tcm_handle ||
	    nlmsg_parse(nlmsg_hdr(msg), sizeof(*info), attrs, TCA_MAX, NULL) < 0)
		return NL_SKIP;
	filter = &filters->all[filters->n++];
	*filter = (struct filter_facts){ 0 };
	get_string(attrs[TCA_KIND], filter->name, sizeof(filter->name));
	if (strcmp(filter->name, "bpf") != 0 || !attrs[TCA_OPTIONS] ||
	    nla_parse_nested(options, TCA_BPF_MAX, attrs[TCA_OPTIONS], NULL) < 0)
		return NL_OK;
	get_number(options[TCA_BPF_ID], &filter->prog_id);
	get_string(options[TCA_BPF_NAME], filter->name, sizeof(filter->name));
	return NL_OK;
}

int netlink_filters(struct nl_sock *sock, __u32 ifindex, struct filter_facts *ret, __u32 max,
		    __u32 *n)
{
	struct tcmsg info = { .tcm_ifindex = (int)ifindex,
			      .tcm_parent = TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS) };
	struct nl_msg *msg = new_request(RTM_GETTFILTER, NLM_F_DUMP, &info, sizeof(info));
	struct filters filters = { .all = ret, .max = max };
	int err;

	err = ask(sock, msg, on_filter, &filters);
	if (!err)
		*n = filters.n;
	return err;
}

static __u32 metrics_mtu(struct nlattr *metrics)
{
	struct nlattr *attrs[RTAX_MAX + 1];

	if (nla_parse_nested(attrs, RTAX_MAX, metrics, NULL) < 0 || !attrs[RTAX_MTU])
		return 0;
	return nla_get_u32(attrs[RTAX_MTU]);
}

static int on_route(struct nl_msg *msg, void *arg)
{
	const struct rtmsg *info = nlmsg_data(nlmsg_hdr(msg));
	struct nlattr *attrs[RTA_MAX + 1];
	struct route_facts *ret = arg;
	const struct rtvia *via;

	if (nlmsg_parse(nlmsg_hdr(msg), sizeof(*info), attrs, RTA_MAX, NULL) < 0)
		return NL_SKIP;
	if (info->rtm_type != RTN_UNICAST || !attrs[RTA_OIF])
		return NL_SKIP;
	if (attrs[RTA_GATEWAY]) {
		if (!get_addr(attrs[RTA_GATEWAY], &ret->gateway))
			return NL_SKIP;
	} else if (attrs[RTA_VIA] && nla_len(attrs[RTA_VIA]) == (int)sizeof(*via) + 16) {
		/* An IPv4 route by way of an IPv6 neighbour (RFC 5549, Linux 5.2). */
		via = nla_data(attrs[RTA_VIA]);
		ret->gateway.family = TURNPIKE_IPV6;
		memcpy(ret->gateway.ip, via->rtvia_addr, 16);
	}
	if (attrs[RTA_METRICS])
		ret->mtu = metrics_mtu(attrs[RTA_METRICS]);
	ret->ifindex = nla_get_u32(attrs[RTA_OIF]);
	return NL_OK;
}

static int on_route_type(struct nl_msg *msg, void *arg)
{
	const struct rtmsg *info = nlmsg_data(nlmsg_hdr(msg));

	*(unsigned char *)arg = info->rtm_type;
	return NL_OK;
}

static struct nl_msg *route_request(const struct turnpike_addr *src,
				    const struct turnpike_addr *dst)
{
	const unsigned char bits = (unsigned char)(8 * ip_len(dst));
	const __u8 protocol = IPPROTO_UDP;
	struct rtmsg info = { .rtm_family = af_of(dst),
			      .rtm_dst_len = bits,
			      .rtm_src_len = src ? bits : 0 };
	/*
	 * Without RTM_F_FIB_MATCH the answer is the way that a packet would take, exceptions and
	 * all; with it, the route as it was configured.
	 */
	struct nl_msg *msg = new_request(RTM_GETROUTE, 0, &info, sizeof(info));

	put(&msg, RTA_DST, dst->ip, ip_len(dst));
	if (src)
		put(&msg, RTA_SRC, src->ip, ip_len(src));
	put(&msg, RTA_IP_PROTO, &protocol, sizeof(protocol));
	return msg;
}

static bool is_ours(struct nl_sock *sock, const struct turnpike_addr *addr)
{
	unsigned char type = RTN_UNSPEC;

	return ask(sock, route_request(NULL, addr), on_route_type, &type) == 0 && type == RTN_LOCAL;
}

int netlink_route(struct nl_sock *sock, const struct turnpike_addr *src,
		  const struct turnpike_addr *dst, struct route_facts *ret)
{
	struct route_facts facts = { 0 };
	int err;

	/* IPv4 knows no way from an address that is not local. IPv6 does, but has no socket on it.
	 */
	if (src && src->family == TURNPIKE_IPV6 && !is_ours(sock, src))
		return -EHOSTUNREACH;
	err = ask(sock, route_request(src, dst), on_route, &facts);
	if (err)
		return err;
	if (!facts.ifindex)
		return -EHOSTUNREACH;
	*ret = facts;
	return 0;
}

static bool parse_neighbour(struct nlmsghdr *header, struct neighbour_facts *ret)
{
	const struct ndmsg *info = nlmsg_data(header);
	struct nlattr *attrs[NDA_MAX + 1];

	/* A bridge's addresses and a proxy's come in the same messages. */
	if ((info->ndm_family != AF_INET && info->ndm_family != AF_INET6) ||
	    (info->ndm_flags & NTF_PROXY))
		return false;
	if (nlmsg_parse(header, sizeof(*info), attrs, NDA_MAX, NULL) < 0 || !attrs[NDA_DST])
		return false;
	memset(ret, 0, sizeof(*ret));
	if (!get_addr(attrs[NDA_DST], &ret->addr))
		return false;
	ret->ifindex = (__u32)info->ndm_ifindex;
	/* What is deleted bears whatever state it had. */
	if (header->nlmsg_type != RTM_NEWNEIGH)
		return true;
	ret->kept = (info->ndm_state & (NUD_PERMANENT | NUD_NOARP)) ||
		    (info->ndm_flags & NTF_EXT_LEARNED) ||
		    (attrs[NDA_FLAGS_EXT] && (nla_get_u32(attrs[NDA_FLAGS_EXT]) & NTF_EXT_MANAGED));
	ret->valid = (info->ndm_state & NUD_USABLE) && attrs[NDA_LLADDR] &&
		     nla_len(attrs[NDA_LLADDR]) == sizeof(ret->mac);
	if (ret->valid)
		memcpy(ret->mac, nla_data(attrs[NDA_LLADDR]), sizeof(ret->mac));
	return true;
}

static int on_neighbour_answer(struct nl_msg *msg, void *arg)
{
	return parse_neighbour(nlmsg_hdr(msg), arg) ? NL_OK : NL_SKIP;
}

static struct nl_msg *neighbour_request(int type, int flags, struct ndmsg *info,
					const struct turnpike_addr *addr)
{
	struct nl_msg *msg = new_request(type, flags, info, sizeof(*info));

	put(&msg, NDA_DST, addr->ip, ip_len(addr));
	return msg;
}

int netlink_neighbour(struct nl_sock *sock, __u32 ifindex, const struct turnpike_addr *addr,
		      struct neighbour_facts *ret)
{
	struct ndmsg info = { .ndm_family = af_of(addr), .ndm_ifindex = (int)ifindex };
	struct nl_msg *msg = neighbour_request(RTM_GETNEIGH, 0, &info, addr);
	struct neighbour_facts facts = { 0 };
	const int err = ask(sock, msg, on_neighbour_answer, &facts);

	if (err)
		return err;
	if (!facts.ifindex)
		return -ENOENT;
	*ret = facts;
	return 0;
}

static int touch_neighbour(struct nl_sock *sock, struct ndmsg *info,
			   const struct turnpike_addr *addr)
{
	struct neighbour_facts ignored;

	return ask(sock, neighbour_request(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_ACK, info, addr),
		   on_neighbour_answer, &ignored);
}

int netlink_use_neighbour(struct nl_sock *sock, __u32 ifindex, const struct turnpike_addr *addr)
{
	struct ndmsg info = { .ndm_family = af_of(addr),
			      .ndm_ifindex = (int)ifindex,
			      .ndm_flags = NTF_USE };

	return touch_neighbour(sock, &info, addr);
}

int netlink_verify_neighbour(struct nl_sock *sock, __u32 ifindex, const struct turnpike_addr *addr)
{
	struct neighbour_facts known;
	struct ndmsg info = { .ndm_family = af_of(addr),
			      .ndm_ifindex = (int)ifindex,
			      .ndm_state = NUD_STALE };
	int err;

	if (netlink_neighbour(sock, ifindex, addr, &known) || !known.valid)
		return netlink_use_neighbour(sock, ifindex, addr);
	if (known.kept)
		return 0;
	/* The kernel keeps the MAC address that it knows, and asks at once; but of a neighbour that
	 * it is asking already, only after the next second. */
	err = touch_neighbour(sock, &info, addr);
	info.ndm_state = NUD_PROBE;
	return err ? err : touch_neighbour(sock, &info, addr);
}

static int on_event(struct nl_msg *msg, void *arg)
{
	const struct netlink_events *events = arg;
	struct neighbour_facts neighbour;

	switch (nlmsg_hdr(msg)->nlmsg_type) {
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		if (parse_neighbour(nlmsg_hdr(msg), &neighbour))
			events->on_neighbour(&neighbour, events->arg);
		break;
	default:
		events->on_routing(events->arg);
	}
	return NL_OK;
}

int netlink_open_events(const struct netlink_events *events, struct nl_sock **ret)
{
	struct nl_sock *sock = nl_socket_alloc();

	if (!sock)
		return -ENOMEM;
	nl_socket_disable_seq_check(sock);
	nl_socket_modify_cb(sock, NL_CB_VALID, NL_CB_CUSTOM, on_event, (void *)(uintptr_t)events);
	/* Some routes go without an event: with an address, with a nexthop object. */
	if (nl_connect(sock, NETLINK_ROUTE) ||
	    nl_socket_add_memberships(sock, RTNLGRP_NEIGH, RTNLGRP_LINK, RTNLGRP_IPV4_ROUTE,
				      RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE,
				      RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_NEXTHOP,
				      0) ||
	    nl_socket_set_nonblocking(sock)) {
		nl_socket_free(sock);
		return -EPROTONOSUPPORT;
	}
	/* A burst of changes is better kept than asked for again. */
	nl_socket_set_buffer_size(sock, 1 << 20, 0);
	*ret = sock;
	return 0;
}

int netlink_read_events(struct nl_sock *sock)
{
	for (;;) {
		switch (nl_recvmsgs_default(sock)) {
		case 0:
			continue;
		case -NLE_AGAIN:
			return 0;
		case -NLE_NOMEM: /* what libnl makes of ENOBUFS */
			return -ENOBUFS;
		default:
			return -EIO;
		}
	}
}
