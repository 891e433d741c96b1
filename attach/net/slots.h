/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The slots of next hops: which pairs of addresses have one, and to which neighbour each leads.
 */
#ifndef TURNPIKE_ATTACH_NET_SLOTS_H
#define TURNPIKE_ATTACH_NET_SLOTS_H

#include <stdbool.h>

#include "net/hops.h"
#include "net/neighbours.h"
#include "net/nexthop.h"
#include "net/route.h"
#include "net/selector.h"
#include "net/trie.h"
#include "private/hash.h"

/** Reasons to look a slot up again. */
enum slot_queue {
	SLOTS_OUTDATED, /* its route may have changed */
	SLOTS_UNSURE,   /* the last lookup failed */
	N_SLOT_QUEUES,
};

struct nexthop {
	struct nexthop_pair pair;
	__u32 index;
	__u32 refs;
	__u32 route_mtu;             /* 0: none of its own */
	struct neighbour *neighbour; /* NULL: no route */
	struct nexthop *next, *prev; /* in neighbour->users */
	struct {
		bool is_in;
		struct nexthop *next, *prev;
	} queue[N_SLOT_QUEUES];
	struct trie_member by_local;
	struct trie_member by_remote;
	UT_hash_handle hh;
};

/** The last answer of slots_ask(), for a slot that is made right after it. */
struct asked {
	bool is_valid;
	struct nexthop_pair pair;
	struct route_facts route;
};

struct slots {
	struct asked asked;
	struct hops hops;
	struct neighbours neighbours;
	struct nexthop *all; /* a hash */
	struct trie by_address;
	struct nexthop *queues[N_SLOT_QUEUES];
	struct nexthop *next; /* first of the next round; NULL: @all */
};

/** slots_open() - see nexthops_open(); @owner must live as long */
int slots_open(const struct nexthop_owner *owner, struct turnpike_nexthop *map, __u32 max,
	       struct privileged *privileged, struct slots *ret);

/** slots_close() - free all; also allowed if slots_open() failed, or @slots is all zero */
void slots_close(struct slots *slots);

/** slots_find() - find that of a pair; NULL: it has none */
struct nexthop *slots_find(const struct slots *slots, const struct nexthop_pair *pair);

/** slots_get(), slots_put() - see nexthops_get(), nexthop_put() */
int slots_get(struct slots *slots, const struct nexthop_pair *pairs, __u32 n, struct nexthop **ret);
void slots_put(struct slots *slots, struct nexthop *nexthop);

/**
 * slots_ask() - look up the route of a pair without a slot
 *
 * slots_get() does not ask again, until slots_forget_asked(): whoever asks whether a pair needs a
 * neighbour often binds it next.
 *
 * Return: that of netlink_route().
 */
int slots_ask(struct slots *slots, const struct nexthop_pair *pair, struct route_facts *ret);

/** slots_forget_asked() - to be called before notifications are read, which may outdate the answer
 */
void slots_forget_asked(struct slots *slots);

/** slots_resolve() - look one up, and publish the result */
void slots_resolve(struct slots *slots, struct nexthop *nexthop);

/** slots_resolve_outdated() - look up the first @turns of SLOTS_OUTDATED. Return: turns left */
int slots_resolve_outdated(struct slots *slots, int turns);

/** slots_resolve_unsure() - look up the first @turns of SLOTS_UNSURE, until one fails again */
void slots_resolve_unsure(struct slots *slots, int turns);

/** slots_run_round() - look up the next @turns of all */
void slots_run_round(struct slots *slots, int turns);

/** slots_publish() - publish what is known about a neighbour to all slots that lead to it */
void slots_publish(struct slots *slots, const struct neighbour *neighbour);

/** slots_outdate() - look all of a family up again, by slots_resolve_outdated() */
void slots_outdate(struct slots *slots, __u8 family);

/** slots_outdate_users() - the same for those that lead to a neighbour */
void slots_outdate_users(struct slots *slots, const struct neighbour *neighbour);

/**
 * slots_renew() - end the confirmation of the flows of all slots that @selector concerns
 * @outdate: also look these slots up again, by slots_resolve_outdated()
 */
void slots_renew(struct slots *slots, const struct selector *selector, bool outdate);

/** slots_distrust() - notifications were lost: look everything up again, step by step */
void slots_distrust(struct slots *slots);

/** slots_refresh() - look up everything now */
void slots_refresh(struct slots *slots);

/** slots_refresh_egress() - publish at once how packets leave by each device now */
void slots_refresh_egress(struct slots *slots);

#endif /* TURNPIKE_ATTACH_NET_SLOTS_H */
