/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "net/neigh.h"

#include <errno.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <netlink/addr.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/route/neighbour.h>
#include <string.h>
#include <sys/socket.h>

#include "net/netlink.h"

/* NUD_VALID of the kernel: the MAC address may be used. */
#define NUD_USABLE (NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY)

/* libnl-route 3.7 does not read NDA_FLAGS_EXT (Linux 5.16). */
static bool is_managed(struct nlmsghdr *header)
{
	struct nlattr *flags = nlmsg_find_attr(header, sizeof(struct ndmsg), NDA_FLAGS_EXT);

	return flags && (nla_get_u32(flags) & NTF_EXT_MANAGED);
}

static void read_state(struct rtnl_neigh *neigh, struct neighbour_facts *ret)
{
	const struct nl_addr *lladdr = rtnl_neigh_get_lladdr(neigh);
	const int state = rtnl_neigh_get_state(neigh);

	ret->kept = state > 0 && (state & (NUD_PERMANENT | NUD_NOARP));
	if (rtnl_neigh_get_flags(neigh) & NTF_EXT_LEARNED)
		ret->kept = true;
	ret->valid = state > 0 && (state & NUD_USABLE) && lladdr &&
		     nl_addr_get_len(lladdr) == sizeof(ret->mac);
	if (ret->valid)
		memcpy(ret->mac, nl_addr_get_binary_addr(lladdr), sizeof(ret->mac));
}

bool neighbour_parse(struct nlmsghdr *header, struct neighbour_facts *ret)
{
	const struct ndmsg *info = nlmsg_data(header);
	struct rtnl_neigh *neigh;
	bool ok;

	/* Entries of bridges and proxies share the messages. */
	if ((info->ndm_family != AF_INET && info->ndm_family != AF_INET6) ||
	    (info->ndm_flags & NTF_PROXY) || rtnl_neigh_parse(header, &neigh) < 0)
		return false;
	memset(ret, 0, sizeof(*ret));
	ret->ifindex = (__u32)rtnl_neigh_get_ifindex(neigh);
	ok = netlink_read_addr(rtnl_neigh_get_dst(neigh), &ret->addr);
	/* A deleted neighbour still has its last state. */
	if (header->nlmsg_type == RTM_NEWNEIGH) {
		read_state(neigh, ret);
		ret->kept = ret->kept || is_managed(header);
	}
	rtnl_neigh_put(neigh);
	return ok;
}

static int on_neighbour(struct nl_msg *msg, void *arg)
{
	return neighbour_parse(nlmsg_hdr(msg), arg) ? NL_OK : NL_SKIP;
}

/* libnl-route 3.7 cannot ask for a single neighbour, only for all. */
int netlink_neighbour(struct nl_sock *sock, __u32 ifindex, const struct turnpike_addr *addr,
		      struct neighbour_facts *ret)
{
	struct ndmsg header = { .ndm_family = netlink_af(addr), .ndm_ifindex = (int)ifindex };
	struct nl_msg *msg = netlink_request(RTM_GETNEIGH, 0, &header, sizeof(header));
	struct neighbour_facts facts = { 0 };
	int err;

	netlink_put_addr(&msg, NDA_DST, addr);
	err = netlink_ask(sock, msg, on_neighbour, &facts);
	if (err)
		return err;
	if (!facts.ifindex)
		return -ENOENT;
	*ret = facts;
	return 0;
}

static struct rtnl_neigh *build_neighbour(__u32 ifindex, const struct turnpike_addr *addr)
{
	struct rtnl_neigh *neigh = rtnl_neigh_alloc();
	struct nl_addr *dst = netlink_build_addr(addr);

	if (!neigh || !dst || rtnl_neigh_set_dst(neigh, dst)) {
		nl_addr_put(dst);
		rtnl_neigh_put(neigh);
		return NULL;
	}
	nl_addr_put(dst);
	rtnl_neigh_set_ifindex(neigh, (int)ifindex);
	return neigh;
}

static int no_answer(struct nl_msg *msg, void *arg)
{
	(void)msg;
	(void)arg;
	return NL_SKIP;
}

/* As rtnl_neigh_add(), but keeps the kernel's errno and needs no automatic acknowledgements. */
static int update_neighbour(struct nl_sock *sock, __u32 ifindex, const struct turnpike_addr *addr,
			    int state, unsigned int flags)
{
	struct rtnl_neigh *neigh = build_neighbour(ifindex, addr);
	struct nl_msg *msg;
	int err;

	if (!neigh)
		return -ENOMEM;
	rtnl_neigh_set_state(neigh, state);
	rtnl_neigh_set_flags(neigh, flags);
	err = rtnl_neigh_build_add_request(neigh, NLM_F_CREATE | NLM_F_ACK, &msg);
	rtnl_neigh_put(neigh);
	if (err < 0)
		return netlink_errno(err);
	return netlink_ask(sock, msg, no_answer, NULL);
}

int netlink_use_neighbour(struct nl_sock *sock, __u32 ifindex, const struct turnpike_addr *addr)
{
	return update_neighbour(sock, ifindex, addr, NUD_NONE, NTF_USE);
}

int netlink_verify_neighbour(struct nl_sock *sock, __u32 ifindex, const struct turnpike_addr *addr)
{
	struct neighbour_facts known;
	int err;

	if (netlink_neighbour(sock, ifindex, addr, &known) || !known.valid)
		return netlink_use_neighbour(sock, ifindex, addr);
	if (known.kept)
		return 0;
	/* The kernel keeps the MAC address and probes at once. If it is probing already, it would
	 * wait for the next second, unless the neighbour is stale in between. */
	err = update_neighbour(sock, ifindex, addr, NUD_STALE, 0);
	return err ? err : update_neighbour(sock, ifindex, addr, NUD_PROBE, 0);
}
