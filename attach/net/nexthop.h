/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Next hops: one slot of the map `nexthops` for each pair of local and remote address in use,
 * resolved by the kernel's routes and neighbours and updated by its notifications. A packet pays
 * for an array lookup instead of a FIB walk.
 *
 * A slot is routed as the relay's own sockets are: rules by address, by protocol UDP and by the
 * user of this process apply. Rules by port, DSCP or mark do not, since these differ between the
 * packets of a pair. Of several paths, the kernel chooses one by the addresses.
 */
#ifndef TURNPIKE_ATTACH_NET_NEXTHOP_H
#define TURNPIKE_ATTACH_NET_NEXTHOP_H

#include <netlink/netlink.h>
#include <stdbool.h>

#include <turnpike/abi.h>

struct nexthops;
struct privileged;

/** One slot, shared by all flows with the same pair of addresses. */
struct nexthop;

/** A pair of addresses with port 0, made by nexthop_pair(); hashed as it is, without padding. */
struct nexthop_pair {
	struct turnpike_addr local;
	struct turnpike_addr remote;
};

/** How packets leave by a device; see struct nexthop_owner and struct turnpike_hop. */
struct egress {
	__u32 ifindex; /* the device, or the one below its VLANs */
	__u32 mtu;
	__u8 mac[6];
	__u8 flags; /* TURNPIKE_HOP_... */
	__u8 tags;
	struct turnpike_tag tag[TURNPIKE_TAGS_MAX];
};

/**
 * struct nexthop_owner - callbacks to the owner of the next hops
 * @egress:   fill in how packets leave by a device; @ret is zero. Return false if they must not
 * @attached: are packets relayed, or to be relayed, that come in by this device? It may be one that
 *            has disappeared, and is now known by its name only
 * @changed:  devices changed; called before @egress is asked for all of them again
 * @tunnels_changed: packets may have come out of IPsec tunnels, or no more; see rules.h
 * @rules_changed: what the host does with packets may have changed, for any flow: end all
 *            confirmations. What concerns a single next hop changes turnpike_nexthop.current
 * instead
 */
struct nexthop_owner {
	bool (*egress)(void *arg, __u32 ifindex, struct egress *ret);
	bool (*attached)(void *arg, __u32 ifindex, const char *name);
	void (*changed)(void *arg);
	void (*rules_changed)(void *arg);
	void (*tunnels_changed)(void *arg, bool has_tunnels);
	void *arg;
};

/**
 * nexthops_open() - start following routes and neighbours
 * @map:      the mapped array with @max elements; must live as long as the next hops
 * @requests: of netlink_open(); the same
 *
 * Return: 0 or a negative errno.
 */
int nexthops_open(const struct nexthop_owner *owner, struct turnpike_nexthop *map, __u32 max,
		  struct privileged *privileged, struct nexthops **ret);

/** nexthops_close() - free all slots; NULL is allowed. */
void nexthops_close(struct nexthops *nexthops);

/** nexthop_pair() - make the pair for packets from @local to @remote; ports are ignored. */
struct nexthop_pair nexthop_pair(const struct turnpike_addr *local,
				 const struct turnpike_addr *remote);

/** Pairs that nexthops_get() takes: those of a binding, to its peer and to its client. */
#define NEXTHOPS_AT_ONCE 2

/**
 * nexthops_get() - get the slots of @n pairs, shared with others; give each back by nexthop_put()
 * @n:   at most NEXTHOPS_AT_ONCE
 * @ret: a slot for each pair, the same one for equal pairs; on failure there is none
 *
 * Return: 0; -ENOSPC without enough slots; -EAGAIN if freed slots may not be reused yet; or another
 * negative errno.
 */
int nexthops_get(struct nexthops *nexthops, const struct nexthop_pair *pairs, __u32 n,
		 struct nexthop **ret);

/** nexthop_put() - give a slot back; the last user frees it. */
void nexthop_put(struct nexthops *nexthops, struct nexthop *nexthop);

/** nexthops_used() - number of slots in use */
__u32 nexthops_used(const struct nexthops *nexthops);

/** nexthops_reach() - see turnpike_reach() */
int nexthops_reach(struct nexthops *nexthops, const struct nexthop_pair *pair);

/** nexthop_index() - get the index in the map. */
__u32 nexthop_index(const struct nexthop *nexthop);

/** nexthop_resolved() - can packets be sent? */
bool nexthop_resolved(const struct nexthops *nexthops, const struct nexthop *nexthop);

/**
 * nexthop_barred_by() - get the device to which the route leads, if packets must not leave by it
 *
 * Return: its index, or 0: there is no route, or packets leave once the neighbour is resolved.
 */
__u32 nexthop_barred_by(const struct nexthop *nexthop);

/** nexthops_refresh() - look up everything again, for example after a change of devices. */
void nexthops_refresh(struct nexthops *nexthops);

/** nexthops_path_changed() - look up a pair again if it has a slot; turnpike_path_changed(). */
void nexthops_path_changed(struct nexthops *nexthops, const struct turnpike_addr *local,
			   const struct turnpike_addr *remote);

/**
 * nexthops_unwatched() - get what the host's rules_changed() cannot report at once
 *
 * Return: a mask of enum turnpike_rules.
 */
__u32 nexthops_unwatched(const struct nexthops *nexthops);

/** nexthops_fd() - get a descriptor that is readable when nexthops_poll() has work. */
int nexthops_fd(const struct nexthops *nexthops);

/**
 * nexthops_poll() - handle notifications and, once a second, changes that have none
 *
 * Return: 0 or a negative errno; all next hops are then looked up again.
 */
int nexthops_poll(struct nexthops *nexthops);

#endif /* TURNPIKE_ATTACH_NET_NEXTHOP_H */
