/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "nexthop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Insertions that run out of memory are noticed by the missing handle. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

#include "clock.h"
#include "netlink.h"

/*
 * Linux lets a neighbour that it does not use itself go stale after 30 s by default; a hint every
 * few seconds makes it verify such a one in time.
 */
#define REFRESH_NS (5ull * 1000 * 1000 * 1000)

/* Hashed as they stand: neither has padding. */
struct pair {
	struct turnpike_addr local;  /* port 0 */
	struct turnpike_addr remote; /* port 0 */
};

struct place {
	__u32 ifindex;
	struct turnpike_addr addr; /* port 0 */
};

/* A neighbour that one or more next hops share; most relays have one, their router. */
struct neighbour {
	struct place place;
	bool valid;
	__u8 mac[6];
	struct nexthop *users;
	UT_hash_handle hh;
};

struct nexthop {
	struct pair pair;
	__u32 index;
	__u32 refs;
	__u32 route_mtu;             /* 0: none of its own */
	struct neighbour *neighbour; /* NULL: no route */
	struct nexthop *next, *prev; /* in neighbour->users */
	UT_hash_handle hh;
};

struct nexthops {
	struct nexthop_owner owner;
	struct netlink_events events;
	struct turnpike_nexthop *map;
	struct nl_sock *requests;
	struct nl_sock *notifications;
	struct nexthop *all;
	struct neighbour *neighbours;
	__u32 max;
	__u32 *free_indexes; /* a stack; index 0 is never used */
	__u32 n_free;
	__u64 refreshed;
	bool routing_changed;
};

/* Fills the element that no packet reads, then points packets to it: see struct turnpike_nexthop.
 */
static void publish(struct nexthops *nexthops, __u32 index, const struct turnpike_hop *hop)
{
	struct turnpike_nexthop *nexthop = &nexthops->map[index];
	const __u32 next = !nexthop->current;

	if (memcmp(&nexthop->hop[nexthop->current], hop, sizeof(*hop)) == 0)
		return;
	nexthop->hop[next] = *hop;
	__atomic_store_n(&nexthop->current, next, __ATOMIC_RELEASE);
}

static __u32 mtu_of(const struct nexthop *nexthop, const struct egress *egress)
{
	__u32 mtu = egress->mtu < UINT16_MAX ? egress->mtu : UINT16_MAX;

	return nexthop->route_mtu && nexthop->route_mtu < mtu ? nexthop->route_mtu : mtu;
}

static void publish_slot(struct nexthops *nexthops, const struct nexthop *nexthop)
{
	const struct neighbour *neighbour = nexthop->neighbour;
	struct turnpike_hop hop = { 0 };
	struct egress egress;

	if (neighbour && neighbour->valid &&
	    nexthops->owner.egress(nexthops->owner.arg, neighbour->place.ifindex, &egress)) {
		memcpy(hop.dmac, neighbour->mac, sizeof(hop.dmac));
		memcpy(hop.smac, egress.mac, sizeof(hop.smac));
		hop.ifindex = neighbour->place.ifindex;
		hop.mtu = (__u16)mtu_of(nexthop, &egress);
		hop.flags = (__u8)egress.flags;
	}
	publish(nexthops, nexthop->index, &hop);
}

static void set_neighbour(struct nexthops *nexthops, struct neighbour *neighbour,
			  const struct neighbour_facts *facts)
{
	struct nexthop *nexthop;

	neighbour->valid = facts->valid;
	memcpy(neighbour->mac, facts->mac, sizeof(neighbour->mac));
	DL_FOREACH (neighbour->users, nexthop)
		publish_slot(nexthops, nexthop);
}

static struct neighbour *find_neighbour(struct nexthops *nexthops, __u32 ifindex,
					const struct turnpike_addr *addr)
{
	struct place place = { .ifindex = ifindex, .addr = *addr };
	struct neighbour *neighbour;

	place.addr.port = 0;
	HASH_FIND(hh, nexthops->neighbours, &place, sizeof(place), neighbour);
	return neighbour;
}

/* Asks what is known, and if that is nothing, has the kernel find out; the answer is an event. */
static void resolve_neighbour(struct nexthops *nexthops, struct neighbour *neighbour)
{
	const struct place *place = &neighbour->place;
	struct neighbour_facts facts = { .valid = false };

	if (netlink_neighbour(nexthops->requests, place->ifindex, &place->addr, &facts) ||
	    !facts.valid)
		netlink_use_neighbour(nexthops->requests, place->ifindex, &place->addr);
	set_neighbour(nexthops, neighbour, &facts);
}

static struct neighbour *get_neighbour(struct nexthops *nexthops, __u32 ifindex,
				       const struct turnpike_addr *addr)
{
	struct neighbour *neighbour = find_neighbour(nexthops, ifindex, addr);

	if (neighbour)
		return neighbour;
	neighbour = calloc(1, sizeof(*neighbour));
	if (!neighbour)
		return NULL;
	neighbour->place.ifindex = ifindex;
	neighbour->place.addr = *addr;
	neighbour->place.addr.port = 0;
	HASH_ADD(hh, nexthops->neighbours, place, sizeof(neighbour->place), neighbour);
	if (!neighbour->hh.tbl) {
		free(neighbour);
		return NULL;
	}
	resolve_neighbour(nexthops, neighbour);
	return neighbour;
}

static void leave_neighbour(struct nexthops *nexthops, struct nexthop *nexthop)
{
	struct neighbour *neighbour = nexthop->neighbour;

	if (!neighbour)
		return;
	nexthop->neighbour = NULL;
	DL_DELETE(neighbour->users, nexthop);
	if (neighbour->users)
		return;
	HASH_DEL(nexthops->neighbours, neighbour);
	free(neighbour);
}

/* The route decides the neighbour. Joins the new one before it leaves the old: often the same. */
static void resolve_slot(struct nexthops *nexthops, struct nexthop *nexthop)
{
	const struct pair *pair = &nexthop->pair;
	struct neighbour *neighbour = NULL;
	struct route_facts route = { 0 };

	if (netlink_route(nexthops->requests, &pair->local, &pair->remote, &route) == 0)
		neighbour = get_neighbour(nexthops, route.ifindex,
					  route.gateway.family ? &route.gateway : &pair->remote);
	nexthop->route_mtu = route.mtu;
	if (neighbour != nexthop->neighbour) {
		leave_neighbour(nexthops, nexthop);
		nexthop->neighbour = neighbour;
		if (neighbour)
			DL_APPEND(neighbour->users, nexthop);
	}
	publish_slot(nexthops, nexthop);
}

static void on_neighbour(const struct neighbour_facts *facts, void *arg)
{
	struct nexthops *nexthops = arg;
	struct neighbour *neighbour = find_neighbour(nexthops, facts->ifindex, &facts->addr);

	if (neighbour)
		set_neighbour(nexthops, neighbour, facts);
}

static void on_routing(void *arg)
{
	struct nexthops *nexthops = arg;

	nexthops->routing_changed = true;
}

static bool fill_free_indexes(struct nexthops *nexthops)
{
	__u32 index;

	nexthops->free_indexes = calloc(nexthops->max, sizeof(*nexthops->free_indexes));
	if (!nexthops->free_indexes)
		return false;
	for (index = nexthops->max - 1; index > 0; index--)
		nexthops->free_indexes[nexthops->n_free++] = index;
	return true;
}

int nexthops_open(const struct nexthop_owner *owner, struct turnpike_nexthop *map, __u32 max,
		  struct nl_sock *requests, struct nexthops **ret)
{
	struct nexthops *nexthops = calloc(1, sizeof(*nexthops));
	int err;

	if (!nexthops)
		return -ENOMEM;
	nexthops->owner = *owner;
	nexthops->map = map;
	nexthops->max = max;
	nexthops->requests = requests;
	nexthops->events = (struct netlink_events){ .on_neighbour = on_neighbour,
						    .on_routing = on_routing,
						    .arg = nexthops };
	err = fill_free_indexes(nexthops) ? 0 : -ENOMEM;
	if (!err)
		err = netlink_open_events(&nexthops->events, &nexthops->notifications);
	if (err) {
		nexthops_close(nexthops);
		return err;
	}
	*ret = nexthops;
	return 0;
}

static void free_slot(struct nexthops *nexthops, struct nexthop *nexthop)
{
	const struct turnpike_hop none = { 0 };

	leave_neighbour(nexthops, nexthop);
	publish(nexthops, nexthop->index, &none);
	nexthops->free_indexes[nexthops->n_free++] = nexthop->index;
	HASH_DEL(nexthops->all, nexthop);
	free(nexthop);
}

void nexthops_close(struct nexthops *nexthops)
{
	struct nexthop *nexthop, *tmp;

	if (!nexthops)
		return;
	HASH_ITER (hh, nexthops->all, nexthop, tmp)
		free_slot(nexthops, nexthop);
	nl_socket_free(nexthops->notifications);
	free(nexthops->free_indexes);
	free(nexthops);
}

static struct nexthop *new_slot(struct nexthops *nexthops, const struct pair *pair)
{
	struct nexthop *nexthop;

	if (!nexthops->n_free)
		return NULL;
	nexthop = calloc(1, sizeof(*nexthop));
	if (!nexthop)
		return NULL;
	nexthop->pair = *pair;
	HASH_ADD(hh, nexthops->all, pair, sizeof(nexthop->pair), nexthop);
	if (!nexthop->hh.tbl) {
		free(nexthop);
		return NULL;
	}
	nexthop->index = nexthops->free_indexes[--nexthops->n_free];
	resolve_slot(nexthops, nexthop);
	return nexthop;
}

static struct nexthop *find_slot(const struct nexthops *nexthops, const struct turnpike_addr *local,
				 const struct turnpike_addr *remote, struct pair *pair)
{
	struct nexthop *nexthop;

	*pair = (struct pair){ *local, *remote };
	pair->local.port = 0;
	pair->remote.port = 0;
	HASH_FIND(hh, nexthops->all, pair, sizeof(*pair), nexthop);
	return nexthop;
}

void nexthops_path_changed(struct nexthops *nexthops, const struct turnpike_addr *local,
			   const struct turnpike_addr *remote)
{
	struct pair pair;
	struct nexthop *nexthop = find_slot(nexthops, local, remote, &pair);

	if (nexthop)
		resolve_slot(nexthops, nexthop);
}

int nexthop_get(struct nexthops *nexthops, const struct turnpike_addr *local,
		const struct turnpike_addr *remote, struct nexthop **ret)
{
	struct pair pair;
	struct nexthop *nexthop = find_slot(nexthops, local, remote, &pair);

	if (!nexthop)
		nexthop = new_slot(nexthops, &pair);
	if (!nexthop)
		return -ENOSPC;
	nexthop->refs++;
	*ret = nexthop;
	return 0;
}

void nexthop_put(struct nexthops *nexthops, struct nexthop *nexthop)
{
	if (--nexthop->refs == 0)
		free_slot(nexthops, nexthop);
}

__u32 nexthop_index(const struct nexthop *nexthop)
{
	return nexthop->index;
}

bool nexthop_resolved(const struct nexthops *nexthops, const struct nexthop *nexthop)
{
	const struct turnpike_nexthop *element = &nexthops->map[nexthop->index];

	return element->hop[element->current].ifindex != 0;
}

void nexthops_refresh(struct nexthops *nexthops)
{
	struct neighbour *neighbour, *tmp_neighbour;
	struct nexthop *nexthop, *tmp;

	HASH_ITER (hh, nexthops->neighbours, neighbour, tmp_neighbour)
		resolve_neighbour(nexthops, neighbour);
	HASH_ITER (hh, nexthops->all, nexthop, tmp)
		resolve_slot(nexthops, nexthop);
}

int nexthops_fd(const struct nexthops *nexthops)
{
	return nl_socket_get_fd(nexthops->notifications);
}

static void keep_fresh(struct nexthops *nexthops)
{
	struct neighbour *neighbour, *tmp;
	const __u64 now = clock_ns();

	if (now - nexthops->refreshed < REFRESH_NS)
		return;
	nexthops->refreshed = now;
	HASH_ITER (hh, nexthops->neighbours, neighbour, tmp)
		netlink_use_neighbour(nexthops->requests, neighbour->place.ifindex,
				      &neighbour->place.addr);
}

int nexthops_poll(struct nexthops *nexthops)
{
	const int err = netlink_read_events(nexthops->notifications);

	if (err || nexthops->routing_changed) {
		nexthops->routing_changed = false;
		nexthops->owner.changed(nexthops->owner.arg);
		nexthops_refresh(nexthops);
	}
	keep_fresh(nexthops);
	return err;
}
