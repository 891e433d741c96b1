/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Next hops, kept by user space so that a packet pays one array look-up and no FIB walk: one slot
 * of the map `nexthops` for each pair of local and remote address in use, worked out from the
 * kernel's routes and neighbours and kept up to date by its notifications.
 *
 * A slot is looked up as the relay's own sockets are routed: rules by address, protocol UDP and
 * this process's user apply. Rules by port, DSCP or mark cannot: what they select by differs from
 * packet to packet of a pair. Of several paths the one is taken that the kernel gives for the
 * addresses.
 */
#ifndef TURNPIKE_ATTACH_NET_NEXTHOP_H
#define TURNPIKE_ATTACH_NET_NEXTHOP_H

#include <netlink/netlink.h>
#include <stdbool.h>

#include <turnpike/abi.h>

struct nexthops;

/** One slot, shared by all flows with the same pair of addresses. */
struct nexthop;

/** A pair of addresses with port 0, made by nexthop_pair(); hashed as it is, without padding. */
struct nexthop_pair {
	struct turnpike_addr local;
	struct turnpike_addr remote;
};

/** How packets are sent out by a device; see struct nexthop_owner and struct turnpike_hop. */
struct egress {
	__u32 ifindex; /* the device itself, or that which its VLANs are on */
	__u32 mtu;
	__u8 mac[6];
	__u8 flags; /* TURNPIKE_HOP_... */
	__u8 tags;
	struct turnpike_tag tag[TURNPIKE_TAGS_MAX];
};

/**
 * struct nexthop_owner - what the next hops ask their owner
 * @egress:  how packets leave by the device of this index, or false if they must not; @ret is zero
 * @changed: links, routes or rules have changed; called before anything is looked up anew
 */
struct nexthop_owner {
	bool (*egress)(void *arg, __u32 ifindex, struct egress *ret);
	void (*changed)(void *arg);
	void *arg;
};

/**
 * nexthops_open() - @map is the mapped array with @max elements, @requests a socket; both are lent
 * Returns 0 or a negative errno.
 */
int nexthops_open(const struct nexthop_owner *owner, struct turnpike_nexthop *map, __u32 max,
		  struct nl_sock *requests, struct nexthops **ret);

/** nexthops_close() - frees everything; NULL is fine. */
void nexthops_close(struct nexthops *nexthops);

/** nexthop_pair() - the pair for packets from @local to @remote, whose ports are ignored */
struct nexthop_pair nexthop_pair(const struct turnpike_addr *local,
				 const struct turnpike_addr *remote);

/**
 * nexthops_prepare() - get ready for nexthop_get() of two pairs of addresses, so that both succeed
 * Returns 0; -ENOSPC: there are too few slots; -EAGAIN: freed slots may not be used yet.
 */
int nexthops_prepare(struct nexthops *nexthops, const struct nexthop_pair *a,
		     const struct nexthop_pair *b);

/** nexthop_get() - the slot for a pair of addresses; to be given back. As nexthops_prepare(), or
 * another error.
 */
int nexthop_get(struct nexthops *nexthops, const struct nexthop_pair *pair, struct nexthop **ret);

/** nexthop_put() - gives a slot back; the last one to do so unresolves it. */
void nexthop_put(struct nexthops *nexthops, struct nexthop *nexthop);

/** nexthop_index() - its index in the map. */
__u32 nexthop_index(const struct nexthop *nexthop);

/** nexthop_resolved() - does it have somewhere to send packets to? */
bool nexthop_resolved(const struct nexthops *nexthops, const struct nexthop *nexthop);

/** nexthops_refresh() - look everything up anew, as after a change of the devices. */
void nexthops_refresh(struct nexthops *nexthops);

/** nexthops_path_changed() - look a pair up anew, if it has a slot: see turnpike_path_changed(). */
void nexthops_path_changed(struct nexthops *nexthops, const struct turnpike_addr *local,
			   const struct turnpike_addr *remote);

/** nexthops_fd() - readable when nexthops_poll() has something to do. */
int nexthops_fd(const struct nexthops *nexthops);

/** nexthops_poll() - take in notifications; once a second, tend what there are none for. */
int nexthops_poll(struct nexthops *nexthops);

#endif /* TURNPIKE_ATTACH_NET_NEXTHOP_H */
