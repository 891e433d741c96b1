/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Network devices, from RTM_GETLINK.
 */
#ifndef TURNPIKE_ATTACH_NET_LINK_H
#define TURNPIKE_ATTACH_NET_LINK_H

#include <net/if.h>
#include <netlink/netlink.h>
#include <stdbool.h>
#include <stddef.h>

#include <turnpike/abi.h>

/** In place of a namespace number; -1 is a namespace to which the kernel gave none. */
#define NETNS_OURS (-2)

/** What the library wants to know about a device. */
struct link_facts {
	char name[IFNAMSIZ];
	char kind[16]; /* of a virtual device: "veth", "bridge", ... */
	__u32 ifindex;
	__u32 mtu;
	__u32 max_mtu;           /* 0: no limit */
	unsigned int arptype;    /* ARPHRD_..., <net/if_arp.h> */
	bool up;                 /* and running */
	__u8 mac[6];             /* zero if the address has another length */
	__u32 master;            /* bridge, bond, ... that it is a port of; 0: none */
	__u32 link;              /* the other end of a veth, the device below a VLAN; 0: none */
	int link_netns;          /* number of the namespace of @link, or NETNS_OURS */
	struct turnpike_tag tag; /* of a VLAN device; tpid 0: not a VLAN device */
	__u32 xdp_native;        /* program id; 0: none */
	__u32 xdp_generic;       /* program id; 0: none */
	__u64 received;          /* packets */
};

/**
 * netlink_link() - get a device by index, or by name if @ifindex is 0
 *
 * Return: 0; -ENODEV if there is none; another negative errno.
 */
int netlink_link(struct nl_sock *sock, int ifindex, const char *name, struct link_facts *ret);

/**
 * netlink_link_elsewhere() - get a device of another network namespace by index
 * @netns: number of the namespace, as in struct link_facts
 *
 * Return: 0; -ENODEV; -EACCES without CAP_NET_ADMIN there; another negative errno.
 */
int netlink_link_elsewhere(struct nl_sock *sock, int netns, __u32 ifindex, struct link_facts *ret);

/**
 * netlink_links() - get all devices of this namespace, by index
 * @ret: release with free()
 *
 * Return: 0 or a negative errno.
 */
int netlink_links(struct nl_sock *sock, struct link_facts **ret, size_t *n);

/** link_parse() - read RTM_NEWLINK or RTM_DELLINK. Return: 0 or a negative errno. */
int link_parse(struct nl_msg *msg, struct link_facts *ret);

#endif /* TURNPIKE_ATTACH_NET_LINK_H */
