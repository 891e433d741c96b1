/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The neighbours that next hops lead to: their MAC addresses, and how packets leave by their
 * devices.
 */
#ifndef TURNPIKE_ATTACH_NET_NEIGHBOURS_H
#define TURNPIKE_ATTACH_NET_NEIGHBOURS_H

#include <stdbool.h>

#include "net/neigh.h"
#include "net/nexthop.h"
#include "private/hash.h"
#include "privileged/privileged.h"

/** Hashed as it stands, without padding. */
struct place {
	__u32 ifindex;
	struct turnpike_addr addr; /* port 0 */
};

/** A neighbour, shared by next hops. Most relays have a single one, their router. */
struct neighbour {
	struct place place;
	bool has_egress; /* packets may leave by its device */
	struct egress egress;
	bool valid;
	bool kept;  /* see struct neighbour_facts */
	bool stale; /* a notification of it may have been lost */
	__u8 mac[6];
	struct nexthop *users; /* a list of the caller's; a neighbour without users is released */
	UT_hash_handle hh;
};

/**
 * struct neighbours - all that are in use
 * @owner, @privileged: of the next hops
 * @all:    a hash
 * @next:   first of the next round; NULL: @all
 * @rounds: how many there were
 */
struct neighbours {
	const struct nexthop_owner *owner;
	struct privileged *privileged;
	struct neighbour *all;
	struct neighbour *next;
	__u32 rounds;
};

/** neighbours_find() - find one in use; NULL: it is not */
struct neighbour *neighbours_find(const struct neighbours *neighbours, __u32 ifindex,
				  const struct turnpike_addr *addr);

/** neighbours_get() - find one, or add and look it up; NULL without memory */
struct neighbour *neighbours_get(struct neighbours *neighbours, __u32 ifindex,
				 const struct turnpike_addr *addr);

/** neighbours_release() - forget one that has no users any more */
void neighbours_release(struct neighbours *neighbours, struct neighbour *neighbour);

/** neighbour_learn() - store what a notification or an answer says */
void neighbour_learn(struct neighbour *neighbour, const struct neighbour_facts *facts);

/**
 * neighbours_look_up() - read what the kernel knows about one
 *
 * If that is nothing, makes the kernel resolve it, which ends in a notification.
 */
void neighbours_look_up(struct neighbours *neighbours, struct neighbour *neighbour);

/**
 * neighbours_renew_egress() - ask the owner again how packets to one leave
 * @renewed: one for which this was just done, whose answer is taken if it is on the same device:
 * for a VLAN the owner has to ask the kernel; NULL: none
 */
void neighbours_renew_egress(const struct neighbours *neighbours, struct neighbour *neighbour,
			     const struct neighbour *renewed);

/** neighbours_use() - does any lead to a device, or through it, as to a VLAN above? */
bool neighbours_use(const struct neighbours *neighbours, __u32 ifindex);

/**
 * neighbours_run_round() - keep up to @turns of them fresh, and look up those that do not answer
 * @changed: called for each of the latter
 */
void neighbours_run_round(struct neighbours *neighbours, int turns,
			  void (*changed)(void *arg, const struct neighbour *neighbour), void *arg);

extern const struct operation neighbours_operation_use;

#endif /* TURNPIKE_ATTACH_NET_NEIGHBOURS_H */
