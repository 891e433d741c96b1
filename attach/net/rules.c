/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "net/rules.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdlib.h>

#include "base/monotonic.h"
#include "net/ipsec.h"
#include "net/notifications.h"

/* How long a change waits after the one before it. */
#define WINDOW_NS 50000000ull

/* Between two requests for all IPsec policies, of which there may be thousands. */
#define LIST_NS 1000000000ull

#define NEW_GENERATION (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN)

struct rules {
	struct rules_ops ops;
	struct nl_sock *netfilter; /* NULL: not watched */
	struct nl_sock *ipsec;     /* the same */
	__u64 window_ends;
	enum rules_scope waiting; /* changes that have come within the window */
	bool has_tunnels;         /* see ipsec.h */
	bool outdated;            /* @has_tunnels may have changed */
	__u64 list_at;            /* when the policies may be listed */
};

/* A transaction of nftables ends with a new generation, whatever it changed. */
static int on_netfilter(struct nl_msg *msg, void *rules)
{
	if (nlmsg_hdr(msg)->nlmsg_type == NEW_GENERATION)
		rules_change(rules, RULES_OF_ALL);
	return NL_OK;
}

static void set_tunnels(struct rules *rules, bool has_tunnels)
{
	if (has_tunnels == rules->has_tunnels)
		return;
	rules->has_tunnels = has_tunnels;
	rules->ops.tunnels(has_tunnels, rules->ops.arg);
	/* Between the policy and now, decrypted packets may have confirmed flows. */
	if (has_tunnels)
		rules_change(rules, RULES_OF_ALL);
}

static void list_if_due(struct rules *rules)
{
	const __u64 now = clock_ns();

	if (!rules->outdated || now < rules->list_at)
		return;
	rules->outdated = false;
	rules->list_at = now + LIST_NS;
	set_tunnels(rules, ipsec_has_tunnels(rules->ops.privileged));
}

/* A policy that has gone may have been the last one, which takes a list to find out. */
static void follow_tunnels(struct rules *rules, struct nl_msg *msg)
{
	const int type = nlmsg_hdr(msg)->nlmsg_type;

	if ((type == XFRM_MSG_NEWPOLICY || type == XFRM_MSG_UPDPOLICY) &&
	    ipsec_requires_tunnel(msg))
		set_tunnels(rules, true);
	else if (rules->has_tunnels && type != XFRM_MSG_NEWPOLICY)
		rules->outdated = true;
}

/* Associations expire twice: a soft expiry only asks for a new one. */
static int on_ipsec(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *header = nlmsg_hdr(msg);
	const struct xfrm_user_polexpire *policy = nlmsg_data(header);
	const struct xfrm_user_expire *state = nlmsg_data(header);
	struct rules *rules = arg;
	struct selector selector;

	follow_tunnels(rules, msg);
	switch (header->nlmsg_type) {
	case XFRM_MSG_NEWPOLICY:
	case XFRM_MSG_UPDPOLICY:
		selector = selector_of_policy(
			&((const struct xfrm_userpolicy_info *)nlmsg_data(header))->sel);
		rules->ops.selected(&selector, rules->ops.arg);
		break;
	case XFRM_MSG_DELPOLICY:
		selector = selector_of_policy(
			&((const struct xfrm_userpolicy_id *)nlmsg_data(header))->sel);
		rules->ops.selected(&selector, rules->ops.arg);
		break;
	case XFRM_MSG_POLEXPIRE:
		if (policy->hard)
			rules_change(rules, RULES_OF_ALL);
		break;
	case XFRM_MSG_EXPIRE:
		if (state->hard)
			rules_change(rules, RULES_OF_ALL);
		break;
	default:
		rules_change(rules, RULES_OF_ALL);
	}
	return NL_OK;
}

static int watch(struct rules *rules, int epoll)
{
	int err = notifications_open(rules->ops.privileged, NOTIFICATIONS_NFTABLES, on_netfilter,
				     rules, epoll, &rules->netfilter);

	if (!err || err == -EPROTONOSUPPORT)
		err = notifications_open(rules->ops.privileged, NOTIFICATIONS_IPSEC, on_ipsec,
					 rules, epoll, &rules->ipsec);
	return err == -EPROTONOSUPPORT ? 0 : err;
}

int rules_open(const struct rules_ops *ops, int epoll, struct rules **ret)
{
	struct rules *rules = calloc(1, sizeof(*rules));
	int err;

	if (!rules)
		return -ENOMEM;
	rules->ops = *ops;
	err = watch(rules, epoll);
	if (err) {
		rules_close(rules);
		return err;
	}
	set_tunnels(rules, ipsec_has_tunnels(rules->ops.privileged));
	*ret = rules;
	return 0;
}

void rules_close(struct rules *rules)
{
	if (!rules)
		return;
	nl_socket_free(rules->netfilter);
	nl_socket_free(rules->ipsec);
	free(rules);
}

static void report(struct rules *rules, __u64 now)
{
	const enum rules_scope scope = rules->waiting;

	rules->waiting = 0;
	rules->window_ends = now + WINDOW_NS;
	rules->ops.changed(scope, rules->ops.arg);
}

static void report_if_due(struct rules *rules)
{
	const __u64 now = clock_ns();

	if (rules->waiting && now >= rules->window_ends)
		report(rules, now);
}

void rules_change(struct rules *rules, enum rules_scope scope)
{
	rules->waiting |= scope;
	report_if_due(rules);
}

/* What was lost may have been about any packet. */
static void read_from(struct rules *rules, struct nl_sock *sock)
{
	if (!sock || !notifications_read(sock))
		return;
	rules->outdated = true;
	rules_change(rules, RULES_OF_ALL);
}

void rules_poll(struct rules *rules)
{
	read_from(rules, rules->netfilter);
	read_from(rules, rules->ipsec);
	list_if_due(rules);
	report_if_due(rules);
}

void rules_settle(struct rules *rules)
{
	read_from(rules, rules->netfilter);
	read_from(rules, rules->ipsec);
	list_if_due(rules);
	if (rules->waiting)
		report(rules, clock_ns());
}

__u64 rules_due(const struct rules *rules)
{
	const __u64 report_at = rules->waiting ? rules->window_ends : 0;

	if (!rules->outdated || (report_at && report_at < rules->list_at))
		return report_at;
	return rules->list_at;
}

__u32 rules_unwatched(const struct rules *rules)
{
	return (rules->netfilter ? 0 : TURNPIKE_RULES_NETFILTER) |
	       (rules->ipsec ? 0 : TURNPIKE_RULES_IPSEC);
}
