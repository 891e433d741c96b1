/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The few questions that the library has for rtnetlink(7), over libnl.
 */
#ifndef TURNPIKE_ATTACH_NET_NETLINK_H
#define TURNPIKE_ATTACH_NET_NETLINK_H

#include <net/if.h>
#include <netlink/netlink.h>
#include <stdbool.h>
#include <stddef.h>

#include <turnpike/abi.h>
#include <turnpike/addr.h>

/** Instead of the number of another network namespace; -1 is one that the kernel has not numbered.
 */
#define NETNS_OURS (-2)

/** What is asked about a device. */
struct link_facts {
	char name[IFNAMSIZ];
	char kind[16]; /* of a virtual device: "veth", "bridge", ... */
	__u32 ifindex;
	__u32 mtu;
	__u32 max_mtu;        /* 0: any */
	unsigned int arptype; /* ARPHRD_..., <net/if_arp.h> */
	bool up;
	__u8 mac[6];
	__u32 master;            /* the bridge, bond, ... that has it; 0: none */
	__u32 link;              /* a veth's other end, what a VLAN sits on; 0: none */
	int link_netns;          /* number of the namespace that @link is in, or NETNS_OURS */
	struct turnpike_tag tag; /* of a VLAN device; tpid 0: it is none */
	__u32 xdp_native;        /* id of the program; 0: none */
	__u32 xdp_generic;       /* the same */
	__u64 received;          /* packets */
};

/** A classifier on the way in. */
struct filter_facts {
	__u32 prog_id; /* of cls_bpf; 0: of another kind */
	char name[16]; /* of the program, or else the kind */
};

/** What the kernel's routing says about a pair of addresses. */
struct route_facts {
	__u32 ifindex;
	__u32 mtu;                    /* of the route; 0: the device's */
	struct turnpike_addr gateway; /* family 0: the destination is on the link */
};

/** What the kernel knows of a neighbour. */
struct neighbour_facts {
	__u32 ifindex;
	struct turnpike_addr addr; /* port 0 */
	bool valid;
	bool kept; /* by an operator or a daemon: must be left as it is */
	__u8 mac[6];
};

/** netlink_open() - a socket for requests; free with nl_socket_free(). 0 or a negative errno. */
int netlink_open(struct nl_sock **ret);

/**
 * netlink_open_events() - a non-blocking socket that hears of neighbours, routes, rules and links
 * @on_neighbour: a neighbour changed
 * @on_routing:   a route, rule or link changed, any
 */
struct netlink_events {
	void (*on_neighbour)(const struct neighbour_facts *neighbour, void *arg);
	void (*on_routing)(void *arg);
	void *arg;
};

/** @events must live as long as the socket. */
int netlink_open_events(const struct netlink_events *events, struct nl_sock **ret);

/** netlink_read_events() - handle what has arrived; -ENOBUFS: something was lost, ask anew. */
int netlink_read_events(struct nl_sock *sock);

/** netlink_link() - by index, or by name if @ifindex is 0; -ENODEV: there is none. */
int netlink_link(struct nl_sock *sock, int ifindex, const char *name, struct link_facts *ret);

/** netlink_link_elsewhere() - by index in the namespace of that number (struct link_facts). -EACCES
 */
int netlink_link_elsewhere(struct nl_sock *sock, int netns, __u32 ifindex, struct link_facts *ret);

/** netlink_links() - all of this namespace, by index; to be given to free() */
int netlink_links(struct nl_sock *sock, struct link_facts **ret, size_t *n);

/** netlink_filters() - the filters of a clsact qdisc on the way in, the first @max of them */
int netlink_filters(struct nl_sock *sock, __u32 ifindex, struct filter_facts *ret, __u32 max,
		    __u32 *n);

/** netlink_verify_neighbour() - ask a known neighbour whether it is there, unless it is kept; an
 * unknown one: resolve
 */
int netlink_verify_neighbour(struct nl_sock *sock, __u32 ifindex, const struct turnpike_addr *addr);

/** netlink_route() - the way of UDP from @src (ours, or NULL) to @dst, with its path MTU if one is
 * known; -EHOSTUNREACH or another error unless it is a unicast route, and @src an address of ours
 */
int netlink_route(struct nl_sock *sock, const struct turnpike_addr *src,
		  const struct turnpike_addr *dst, struct route_facts *ret);

/** netlink_neighbour() - what is known now; -ENOENT: nothing. */
int netlink_neighbour(struct nl_sock *sock, __u32 ifindex, const struct turnpike_addr *addr,
		      struct neighbour_facts *ret);

/**
 * netlink_use_neighbour() - as if a packet were sent there: resolve it, or verify it if it is stale
 * Not for one that is kept: since Linux 5.16 that would make an end of its being permanent.
 * Nothing stays behind when we are gone, unlike with a managed neighbour (NTF_EXT_MANAGED).
 */
int netlink_use_neighbour(struct nl_sock *sock, __u32 ifindex, const struct turnpike_addr *addr);

#endif /* TURNPIKE_ATTACH_NET_NETLINK_H */
