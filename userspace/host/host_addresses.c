/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "host/host_addresses.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <stdlib.h>
#include <string.h>

#include "host/host_local.h"
#include "host/host_netlink.h"
#include "private/array_len.h"

/* Addresses and links change while they are read. */
#define DUMP_TRIES 5

/** struct port - a link below a bridge, or any other */
struct port {
	struct host_link link;
	unsigned int master;
};

/** struct reading - what has been read so far */
struct reading {
	struct host_addresses addresses;
	struct port *ports;
	size_t n_ports;
	int err;
};

/* IFLA_INFO_KIND; https://docs.kernel.org and drivers/net name them. */
static const struct {
	const char *type;
	enum host_link_kind kind;
} kinds[] = {
	{ "bridge", HOST_LINK_BRIDGE }, { "openvswitch", HOST_LINK_BRIDGE },
	{ "dummy", HOST_LINK_DUMMY },   { "veth", HOST_LINK_VETH },
	{ "amt", HOST_LINK_TUNNEL },    { "bareudp", HOST_LINK_TUNNEL },
	{ "erspan", HOST_LINK_TUNNEL }, { "geneve", HOST_LINK_TUNNEL },
	{ "gre", HOST_LINK_TUNNEL },    { "gretap", HOST_LINK_TUNNEL },
	{ "gtp", HOST_LINK_TUNNEL },    { "ip6erspan", HOST_LINK_TUNNEL },
	{ "ip6gre", HOST_LINK_TUNNEL }, { "ip6gretap", HOST_LINK_TUNNEL },
	{ "ip6tnl", HOST_LINK_TUNNEL }, { "ipip", HOST_LINK_TUNNEL },
	{ "ovpn", HOST_LINK_TUNNEL },   { "ppp", HOST_LINK_TUNNEL },
	{ "sit", HOST_LINK_TUNNEL },    { "tun", HOST_LINK_TUNNEL },
	{ "vti", HOST_LINK_TUNNEL },    { "vti6", HOST_LINK_TUNNEL },
	{ "vxlan", HOST_LINK_TUNNEL },  { "wireguard", HOST_LINK_TUNNEL },
	{ "xfrm", HOST_LINK_TUNNEL },
};

/* Tunnels that older drivers create without a kind, by ARPHRD_ type. */
static bool is_tunnel_type(unsigned int arptype)
{
	static const unsigned int tunnels[] = { ARPHRD_PPP, ARPHRD_TUNNEL, ARPHRD_TUNNEL6,
						ARPHRD_SIT, ARPHRD_IPGRE,  ARPHRD_IP6GRE,
						ARPHRD_NONE };

	for (size_t i = 0; i < ARRAY_LEN(tunnels); i++) {
		if (tunnels[i] == arptype)
			return true;
	}
	return false;
}

static enum host_link_kind kind_of(const char *type, const struct ifinfomsg *info)
{
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (strcmp(kinds[i].type, type) == 0)
			return kinds[i].kind;
	}
	if (info->ifi_flags & IFF_LOOPBACK)
		return HOST_LINK_LOOPBACK;
	return is_tunnel_type(info->ifi_type) ? HOST_LINK_TUNNEL : HOST_LINK_OTHER;
}

static void read_type(struct nlattr *link_info, struct host_link *link)
{
	struct nlattr *attrs[IFLA_INFO_MAX + 1];

	if (link_info && nla_parse_nested(attrs, IFLA_INFO_MAX, link_info, NULL) == 0 &&
	    attrs[IFLA_INFO_KIND])
		nla_strlcpy(link->type, attrs[IFLA_INFO_KIND], sizeof(link->type));
}

static int on_link(struct nl_msg *msg, void *arg)
{
	const struct ifinfomsg *info = nlmsg_data(nlmsg_hdr(msg));
	struct nlattr *attrs[IFLA_MAX + 1];
	struct reading *reading = arg;
	struct port *port;

	if (nlmsg_parse(nlmsg_hdr(msg), sizeof(*info), attrs, IFLA_MAX, NULL) ||
	    !attrs[IFLA_IFNAME])
		return NL_SKIP;
	port = reallocarray(reading->ports, reading->n_ports + 1, sizeof(*port));
	if (!port) {
		reading->err = -ENOMEM;
		return NL_STOP;
	}
	reading->ports = port;
	port += reading->n_ports++;
	*port = (struct port){ .link.ifindex = (unsigned int)info->ifi_index };
	nla_strlcpy(port->link.name, attrs[IFLA_IFNAME], sizeof(port->link.name));
	read_type(attrs[IFLA_LINKINFO], &port->link);
	port->link.kind = kind_of(port->link.type, info);
	port->link.up = info->ifi_flags & IFF_UP;
	port->link.carrier = info->ifi_flags & IFF_LOWER_UP;
	port->master = attrs[IFLA_MASTER] ? nla_get_u32(attrs[IFLA_MASTER]) : 0;
	return NL_OK;
}

/* Containers are behind veth devices, and virtual machines behind tap devices. */
static bool is_outward(const struct port *port)
{
	return port->link.kind != HOST_LINK_VETH && strcmp(port->link.type, "tun") != 0;
}

static void find_uplinks(struct reading *reading)
{
	for (size_t i = 0; i < reading->n_ports; i++) {
		struct host_link *link = &reading->ports[i].link;

		for (size_t j = 0; j < reading->n_ports && link->kind == HOST_LINK_BRIDGE; j++) {
			const struct port *port = &reading->ports[j];

			link->is_uplink |= port->master == link->ifindex && is_outward(port);
		}
	}
}

/* Length 0 is the default route, 1 is one half of it. */
static int on_route(struct nl_msg *msg, void *arg)
{
	const struct rtmsg *route = nlmsg_data(nlmsg_hdr(msg));

	if (route->rtm_dst_len <= 1 && route->rtm_type == RTN_UNICAST)
		*(bool *)arg = true;
	return NL_OK;
}

/* The kernel leaves out the routes by other devices, which may be very many. */
static int find_default(struct nl_sock *sock, unsigned char family, struct host_link *link)
{
	struct rtmsg header = { .rtm_family = family };
	struct nl_msg *msg =
		host_netlink_request(RTM_GETROUTE, NLM_F_DUMP, &header, sizeof(header));

	if (msg && nla_put_u32(msg, RTA_OIF, link->ifindex)) {
		nlmsg_free(msg);
		msg = NULL;
	}
	return host_netlink_ask(sock, msg, on_route, &link->is_default);
}

static int find_defaults(struct nl_sock *sock, struct reading *reading)
{
	int err = 0;

	for (size_t i = 0; i < reading->n_ports && !err; i++) {
		struct host_link *link = &reading->ports[i].link;

		if (link->kind != HOST_LINK_BRIDGE && link->kind != HOST_LINK_TUNNEL)
			continue;
		err = find_default(sock, AF_INET, link);
		if (!err)
			err = find_default(sock, AF_INET6, link);
		/* The device is gone; its notification follows. */
		if (err == -ENODEV)
			err = 0;
	}
	return err;
}

/* In IPv4, IFA_F_TEMPORARY has the meaning "secondary". */
static unsigned int flags_of(unsigned char family, unsigned int kernel)
{
	unsigned int flags = 0;

	if (kernel & IFA_F_DEPRECATED)
		flags |= HOST_DEPRECATED;
	if (family != AF_INET6)
		return flags;
	if (kernel & IFA_F_DADFAILED)
		flags |= HOST_DADFAILED;
	else if (kernel & IFA_F_TENTATIVE && !(kernel & IFA_F_OPTIMISTIC))
		flags |= HOST_TENTATIVE;
	if (kernel & IFA_F_TEMPORARY)
		flags |= HOST_TEMPORARY;
	return flags;
}

static bool read_ip(const struct ifaddrmsg *header, struct nlattr **attrs,
		    struct turnpike_addr *addr)
{
	/* With a peer (point to point), IFA_ADDRESS is the other end. */
	const struct nlattr *ip = attrs[IFA_LOCAL] ? attrs[IFA_LOCAL] : attrs[IFA_ADDRESS];
	const int len = header->ifa_family == AF_INET ? 4 : 16;

	if (!ip || nla_len(ip) != len ||
	    (header->ifa_family != AF_INET && header->ifa_family != AF_INET6))
		return false;
	*addr = (struct turnpike_addr){ .family = len == 4 ? TURNPIKE_IPV4 : TURNPIKE_IPV6 };
	memcpy(addr->ip, nla_data(ip), (size_t)len);
	return true;
}

static const struct host_link *find_link(const struct reading *reading, unsigned int ifindex)
{
	for (size_t i = 0; i < reading->n_ports; i++) {
		if (reading->ports[i].link.ifindex == ifindex)
			return &reading->ports[i].link;
	}
	return NULL;
}

static int on_address(struct nl_msg *msg, void *arg)
{
	const struct ifaddrmsg *header = nlmsg_data(nlmsg_hdr(msg));
	struct nlattr *attrs[IFA_MAX + 1];
	struct host_address address = { 0 };
	struct reading *reading = arg;
	const struct host_link *link = find_link(reading, header->ifa_index);
	struct host_addresses *all = &reading->addresses;
	struct host_address *list;

	/* The address of a device that has appeared since is read after its notification. */
	if (!link || nlmsg_parse(nlmsg_hdr(msg), sizeof(*header), attrs, IFA_MAX, NULL) ||
	    !read_ip(header, attrs, &address.addr))
		return NL_SKIP;
	address.flags =
		flags_of(header->ifa_family,
			 attrs[IFA_FLAGS] ? nla_get_u32(attrs[IFA_FLAGS]) : header->ifa_flags);
	address.link = *link;
	list = reallocarray(all->list, all->n + 1, sizeof(*list));
	if (!list) {
		reading->err = -ENOMEM;
		return NL_STOP;
	}
	all->list = list;
	list[all->n++] = address;
	return NL_OK;
}

static int read_links(struct nl_sock *sock, struct reading *reading)
{
	struct ifinfomsg header = { 0 };
	int err = host_netlink_ask(
		sock, host_netlink_request(RTM_GETLINK, NLM_F_DUMP, &header, sizeof(header)),
		on_link, reading);

	return err ? err : reading->err;
}

static int read_addresses(struct nl_sock *sock, struct reading *reading)
{
	struct ifaddrmsg header = { 0 };
	int err = host_netlink_ask(
		sock, host_netlink_request(RTM_GETADDR, NLM_F_DUMP, &header, sizeof(header)),
		on_address, reading);

	return err ? err : reading->err;
}

static int read_all(struct nl_sock *sock, struct reading *reading)
{
	int err = read_links(sock, reading);

	if (err)
		return err;
	find_uplinks(reading);
	err = find_defaults(sock, reading);
	if (!err)
		err = read_addresses(sock, reading);
	return err ? err : host_local_read(sock, &reading->addresses);
}

int host_addresses_read(struct host_addresses *ret)
{
	struct reading reading;
	struct nl_sock *sock;
	int tries = 0;
	int err = host_netlink_open(&sock);

	if (err)
		return err;
	do {
		reading = (struct reading){ 0 };
		err = read_all(sock, &reading);
		free(reading.ports);
		if (err)
			host_addresses_free(&reading.addresses);
	} while (err == -EINTR && ++tries < DUMP_TRIES);
	nl_socket_free(sock);
	if (!err)
		*ret = reading.addresses;
	return err;
}

void host_addresses_free(struct host_addresses *addresses)
{
	free(addresses->list);
	free(addresses->local);
	*addresses = (struct host_addresses){ 0 };
}

_Static_assert(sizeof(struct host_link) == 44, "compared without padding");
_Static_assert(sizeof(struct host_address) == 68, "compared without padding");

_Static_assert(sizeof(struct addr_cidr) == 24, "compared without padding");

static bool same(const void *a, const void *b, size_t size)
{
	return size == 0 || memcmp(a, b, size) == 0;
}

bool host_addresses_equal(const struct host_addresses *a, const struct host_addresses *b)
{
	return a->n == b->n && a->n_local == b->n_local &&
	       same(a->list, b->list, a->n * sizeof(*a->list)) &&
	       same(a->local, b->local, a->n_local * sizeof(*a->local));
}
