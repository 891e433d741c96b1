/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Filters of a clsact qdisc, from RTM_GETTFILTER.
 */
#ifndef TURNPIKE_ATTACH_NET_FILTER_H
#define TURNPIKE_ATTACH_NET_FILTER_H

#include <linux/pkt_sched.h>
#include <linux/types.h>
#include <netlink/netlink.h>
#include <stdbool.h>

/* The parents of the filters on ingress and on egress. */
#define FILTERS_INGRESS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)
#define FILTERS_EGRESS  TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS)

/** A filter. */
struct filter_facts {
	__u32 prog_id; /* of cls_bpf; 0: another kind */
	char name[16]; /* of a filter of cls_bpf, by libbpf "PROGRAM:[ID]"; or else the kind */
};

/**
 * netlink_filters() - get the first @max filters on ingress
 *
 * Return: 0 or a negative errno.
 */
int netlink_filters(struct nl_sock *sock, __u32 ifindex, struct filter_facts *ret, __u32 max,
		    __u32 *n);

/**
 * netlink_filter() - get one filter for all protocols
 * @parent: FILTERS_INGRESS or FILTERS_EGRESS
 *
 * Return: 0; or a negative errno: -ENOENT if there is none.
 */
int netlink_filter(struct nl_sock *sock, __u32 ifindex, __u32 parent, __u16 priority, __u32 handle,
		   struct filter_facts *ret);

/**
 * netlink_has_filters() - is there a filter on ingress or egress?
 *
 * Return: 0 or a negative errno.
 */
int netlink_has_filters(struct nl_sock *sock, __u32 ifindex, bool *ret);

#endif /* TURNPIKE_ATTACH_NET_FILTER_H */
