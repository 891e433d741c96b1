/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The messages are parsed here, since struct rtnl_cls of libnl-route 3.7 does not know cls_bpf, and
 * fails on options of other kinds that are newer than it: a filter would go unseen. Our own filter
 * and its qdisc are added with libbpf (hooks/clsact.c) for the first reason.
 */
#include "net/filter.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/rtnetlink.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <string.h>

#include "net/netlink.h"

static int dump(struct nl_sock *sock, __u32 ifindex, __u32 parent, nl_recvmsg_msg_cb_t on_filter,
		void *arg)
{
	struct tcmsg header = { .tcm_ifindex = (int)ifindex, .tcm_parent = parent };

	return netlink_ask(sock,
			   netlink_request(RTM_GETTFILTER, NLM_F_DUMP, &header, sizeof(header)),
			   on_filter, arg);
}

static void read_bpf(struct nlattr *options, struct filter_facts *ret)
{
	struct nlattr *attrs[TCA_BPF_MAX + 1];

	if (!options || nla_parse_nested(attrs, TCA_BPF_MAX, options, NULL) < 0)
		return;
	if (attrs[TCA_BPF_ID])
		ret->prog_id = nla_get_u32(attrs[TCA_BPF_ID]);
	if (attrs[TCA_BPF_NAME])
		nla_strlcpy(ret->name, attrs[TCA_BPF_NAME], sizeof(ret->name));
}

struct filters {
	struct filter_facts *all;
	__u32 max;
	__u32 n;
};

static int on_filter(struct nl_msg *msg, void *arg)
{
	const struct tcmsg *header = nlmsg_data(nlmsg_hdr(msg));
	struct nlattr *attrs[TCA_MAX + 1];
	struct filters *filters = arg;
	struct filter_facts *filter;

	/* A message without a handle is the head of a priority. */
	if (filters->n == filters->max || !header->tcm_handle ||
	    nlmsg_parse(nlmsg_hdr(msg), sizeof(*header), attrs, TCA_MAX, NULL) < 0)
		return NL_SKIP;
	filter = &filters->all[filters->n++];
	*filter = (struct filter_facts){ 0 };
	if (attrs[TCA_KIND])
		nla_strlcpy(filter->name, attrs[TCA_KIND], sizeof(filter->name));
	if (strcmp(filter->name, "bpf") == 0)
		read_bpf(attrs[TCA_OPTIONS], filter);
	return NL_OK;
}

int netlink_filters(struct nl_sock *sock, __u32 ifindex, struct filter_facts *ret, __u32 max,
		    __u32 *n)
{
	struct filters filters = { .all = ret, .max = max };
	const int err = dump(sock, ifindex, FILTERS_INGRESS, on_filter, &filters);

	if (!err)
		*n = filters.n;
	return err;
}

int netlink_filter(struct nl_sock *sock, __u32 ifindex, __u32 parent, __u16 priority, __u32 handle,
		   struct filter_facts *ret)
{
	struct tcmsg header = { .tcm_ifindex = (int)ifindex,
				.tcm_parent = parent,
				.tcm_handle = handle,
				.tcm_info = TC_H_MAKE((__u32)priority << 16, htons(ETH_P_ALL)) };
	struct filters filters = { .all = ret, .max = 1 };
	const int err =
		netlink_ask(sock, netlink_request(RTM_GETTFILTER, 0, &header, sizeof(header)),
			    on_filter, &filters);

	if (err)
		return err;
	return filters.n ? 0 : -ENOENT;
}

static int on_any(struct nl_msg *msg, void *arg)
{
	(void)msg;
	*(bool *)arg = true;
	return NL_OK;
}

int netlink_has_filters(struct nl_sock *sock, __u32 ifindex, bool *ret)
{
	bool any = false;
	int err = dump(sock, ifindex, FILTERS_INGRESS, on_any, &any);

	if (!err)
		err = dump(sock, ifindex, FILTERS_EGRESS, on_any, &any);
	if (!err)
		*ret = any;
	return err;
}
