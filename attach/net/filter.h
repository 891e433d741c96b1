/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Filters of a clsact qdisc, from RTM_GETTFILTER.
 */
#ifndef TURNPIKE_ATTACH_NET_FILTER_H
#define TURNPIKE_ATTACH_NET_FILTER_H

#include <netlink/netlink.h>
#include <stdbool.h>

#include <linux/types.h>

/** A filter on ingress. */
struct filter_facts {
	__u32 prog_id; /* of cls_bpf; 0: another kind */
	char name[16]; /* of the program, or else the kind */
};

/**
 * netlink_filters() - get the first @max filters on ingress
 *
 * Return: 0 or a negative errno.
 */
int netlink_filters(struct nl_sock *sock, __u32 ifindex, struct filter_facts *ret, __u32 max,
		    __u32 *n);

/**
 * netlink_has_filters() - is there a filter on ingress or egress?
 *
 * Return: 0 or a negative errno.
 */
int netlink_has_filters(struct nl_sock *sock, __u32 ifindex, bool *ret);

#endif /* TURNPIKE_ATTACH_NET_FILTER_H */
