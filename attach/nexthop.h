/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Next hops, kept by user space so that a packet pays one array look-up and no FIB walk: one slot
 * of the map `nexthops` for each pair of local and remote address in use, worked out from the
 * kernel's routes and neighbours and kept up to date by its notifications.
 */
#ifndef TURNPIKE_NEXTHOP_H
#define TURNPIKE_NEXTHOP_H

#include <netlink/netlink.h>
#include <stdbool.h>

#include <turnpike/abi.h>

struct nexthops;

/** One slot, shared by all flows with the same pair of addresses. */
struct nexthop;

/** A device that packets can be sent out by; see struct nexthop_owner. */
struct egress {
	__u8 mac[6];
	__u32 mtu;
	__u32 flags; /* TURNPIKE_HOP_... */
};

/**
 * struct nexthop_owner - what the next hops ask their owner
 * @egress:  the device of this index, or false if packets must not be sent out by it
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

/** nexthop_get() - the slot for packets from @local to @remote; to be given back. -ENOSPC. */
int nexthop_get(struct nexthops *nexthops, const struct turnpike_addr *local,
		const struct turnpike_addr *remote, struct nexthop **ret);

/** nexthop_put() - gives a slot back; the last one to do so unresolves it. */
void nexthop_put(struct nexthops *nexthops, struct nexthop *nexthop);

/** nexthops_path_changed() - see turnpike_path_changed(). */
void nexthops_path_changed(struct nexthops *nexthops, const struct turnpike_addr *local,
			   const struct turnpike_addr *remote);

/** nexthop_index() - its index in the map. */
__u32 nexthop_index(const struct nexthop *nexthop);

/** nexthop_resolved() - does it have somewhere to send packets to? */
bool nexthop_resolved(const struct nexthops *nexthops, const struct nexthop *nexthop);

/** nexthops_refresh() - look everything up anew, as after a change of the devices. */
void nexthops_refresh(struct nexthops *nexthops);

/** nexthops_fd() - readable when nexthops_poll() has something to do. */
int nexthops_fd(const struct nexthops *nexthops);

/** nexthops_poll() - take in notifications; keep neighbours fresh, at most once in a few seconds.
 */
int nexthops_poll(struct nexthops *nexthops);

#endif /* TURNPIKE_NEXTHOP_H */
