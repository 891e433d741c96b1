/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "net/nexthop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Insertions that run out of memory are noticed by the missing handle. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

#include "base/monotonic.h"
#include "net/hops.h"
#include "net/netlink.h"

/* A little less than a second, so that whoever polls once a second gets it each time. */
#define ROUND_NS 900000000ull

/* Neighbours and slots that have their turn in a round: some 10 ms of work at most. */
#define ROUND_TURNS 256

/* A neighbour that is not there is asked for in one round of so many. */
#define ROUNDS_TO_ASK_AGAIN 5

/* Hashed as it stands, without padding. */
struct place {
	__u32 ifindex;
	struct turnpike_addr addr; /* port 0 */
};

/* A neighbour that one or more next hops share; most relays have one, their router. */
struct neighbour {
	struct place place;
	bool leads_out; /* its device is one that packets may be sent out by */
	struct egress egress;
	bool valid;
	bool kept; /* see struct neighbour_facts */
	__u8 mac[6];
	struct nexthop *users;
	UT_hash_handle hh;
};

struct nexthop {
	struct nexthop_pair pair;
	__u32 index;
	__u32 refs;
	__u32 route_mtu;             /* 0: none of its own */
	struct neighbour *neighbour; /* NULL: no route */
	struct nexthop *next, *prev; /* in neighbour->users */
	bool is_unsure;
	struct nexthop *unsure_next, *unsure_prev; /* in nexthops->unsure, if so */
	UT_hash_handle hh;
};

struct nexthops {
	struct nexthop_owner owner;
	struct netlink_events events;
	struct hops hops;
	struct nl_sock *requests;
	struct nl_sock *notifications;
	struct nexthop *all;
	struct neighbour *neighbours;
	struct nexthop *unsure;    /* those whose last lookup failed: look up again */
	struct nexthop *next_slot; /* whose turn it is; NULL: the first one's */
	struct neighbour *next_neighbour;
	__u64 round_began;
	__u32 rounds;
	bool routing_changed;
};

/* A hop has 16 bits for it; no device that is relayed to has more. */
static __u16 hop_mtu(__u32 mtu, __u32 route_mtu)
{
	if (route_mtu && route_mtu < mtu)
		mtu = route_mtu;
	return mtu < UINT16_MAX ? (__u16)mtu : UINT16_MAX;
}

static void publish(struct nexthops *nexthops, const struct nexthop *nexthop)
{
	const struct neighbour *neighbour = nexthop->neighbour;
	struct turnpike_hop hop = { 0 };
	const struct egress *egress;

	if (neighbour && neighbour->valid && neighbour->leads_out) {
		egress = &neighbour->egress;
		memcpy(hop.dmac, neighbour->mac, sizeof(hop.dmac));
		memcpy(hop.smac, egress->mac, sizeof(hop.smac));
		hop.ifindex = egress->ifindex;
		hop.mtu = hop_mtu(egress->mtu, nexthop->route_mtu);
		hop.flags = egress->flags;
		hop.tags = egress->tags;
		memcpy(hop.tag, egress->tag, sizeof(hop.tag));
	}
	hops_set(&nexthops->hops, nexthop->index, &hop);
}

static void publish_users(struct nexthops *nexthops, const struct neighbour *neighbour)
{
	struct nexthop *nexthop;

	DL_FOREACH(neighbour->users, nexthop)
		publish(nexthops, nexthop);
}

static void learn(struct neighbour *neighbour, const struct neighbour_facts *facts)
{
	neighbour->valid = facts->valid;
	neighbour->kept = facts->kept;
	memcpy(neighbour->mac, facts->mac, sizeof(neighbour->mac));
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

/* A transient error of the kernel or the socket, which says nothing about routes. */
static bool is_transient(int err)
{
	return err == -ENOBUFS || err == -ENOMEM || err == -EINTR || err == -EAGAIN ||
	       err == -EBUSY || err == -EIO;
}

/*
 * Asks what is known, and if that is nothing, has the kernel find out; the answer is an event.
 * Leaves it to the caller to publish it.
 */
static void look_up_neighbour(struct nexthops *nexthops, struct neighbour *neighbour)
{
	const struct place *place = &neighbour->place;
	struct neighbour_facts facts = { .valid = false };
	int err;

	memset(&neighbour->egress, 0, sizeof(neighbour->egress));
	neighbour->leads_out =
		nexthops->owner.egress(nexthops->owner.arg, place->ifindex, &neighbour->egress);
	err = netlink_neighbour(nexthops->requests, place->ifindex, &place->addr, &facts);
	if (is_transient(err))
		return; /* as it was; keep_fresh() asks again for one that is not valid */
	if (!facts.valid && !facts.kept)
		netlink_use_neighbour(nexthops->requests, place->ifindex, &place->addr);
	learn(neighbour, &facts);
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
	look_up_neighbour(nexthops, neighbour);
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
	if (nexthops->next_neighbour == neighbour)
		nexthops->next_neighbour = neighbour->hh.next;
	HASH_DEL(nexthops->neighbours, neighbour);
	free(neighbour);
}

static void set_unsure(struct nexthops *nexthops, struct nexthop *nexthop, bool is_unsure)
{
	if (nexthop->is_unsure)
		DL_DELETE2(nexthops->unsure, nexthop, unsure_prev, unsure_next);
	if (is_unsure)
		DL_APPEND2(nexthops->unsure, nexthop, unsure_prev, unsure_next);
	nexthop->is_unsure = is_unsure;
}

/* The route determines the neighbour. 0 with NULL: there is no route. */
static int find_way(struct nexthops *nexthops, const struct nexthop_pair *pair,
		    struct route_facts *route, struct neighbour **ret)
{
	const int err = netlink_route(nexthops->requests, &pair->local, &pair->remote, route);

	*ret = NULL;
	if (err)
		return is_transient(err) ? err : 0;
	*ret = get_neighbour(nexthops, route->ifindex,
			     route->gateway.family ? &route->gateway : &pair->remote);
	return *ret ? 0 : -ENOMEM;
}

/* Joins the new neighbour before it leaves the old: often the same. */
static void resolve_slot(struct nexthops *nexthops, struct nexthop *nexthop)
{
	struct route_facts route = { 0 };
	struct neighbour *neighbour;
	const int err = find_way(nexthops, &nexthop->pair, &route, &neighbour);

	set_unsure(nexthops, nexthop, err != 0);
	if (err)
		return;
	nexthop->route_mtu = route.mtu;
	if (neighbour != nexthop->neighbour) {
		leave_neighbour(nexthops, nexthop);
		nexthop->neighbour = neighbour;
		if (neighbour)
			DL_APPEND(neighbour->users, nexthop);
	}
	publish(nexthops, nexthop);
}

/*
 * Routes may depend on whether a neighbour is there: IPv6 gives up a router that is not (RFC 4861
 * section 6.3.6), IPv4 prefers another path (net.ipv4.fib_multipath_use_neigh). No event tells so.
 */
static void reroute_users(struct nexthops *nexthops, struct neighbour *neighbour)
{
	struct nexthop *nexthop, *tmp;

	/* The last user to leave takes the neighbour away. */
	DL_FOREACH_SAFE(neighbour->users, nexthop, tmp)
		resolve_slot(nexthops, nexthop);
}

static void on_neighbour(const struct neighbour_facts *facts, void *arg)
{
	struct nexthops *nexthops = arg;
	struct neighbour *neighbour = find_neighbour(nexthops, facts->ifindex, &facts->addr);
	bool lost;

	if (!neighbour)
		return;
	lost = neighbour->valid && !facts->valid;
	learn(neighbour, facts);
	publish_users(nexthops, neighbour);
	if (lost)
		reroute_users(nexthops, neighbour);
}

static void on_routing(void *arg)
{
	struct nexthops *nexthops = arg;

	nexthops->routing_changed = true;
}

int nexthops_open(const struct nexthop_owner *owner, struct turnpike_nexthop *map, __u32 max,
		  struct nl_sock *requests, struct nexthops **ret)
{
	struct nexthops *nexthops = calloc(1, sizeof(*nexthops));
	int err;

	if (!nexthops)
		return -ENOMEM;
	nexthops->owner = *owner;
	nexthops->requests = requests;
	nexthops->events = (struct netlink_events){ .on_neighbour = on_neighbour,
						    .on_routing = on_routing,
						    .arg = nexthops };
	err = hops_open(map, max, &nexthops->hops);
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
	leave_neighbour(nexthops, nexthop);
	set_unsure(nexthops, nexthop, false);
	hops_give(&nexthops->hops, nexthop->index);
	if (nexthops->next_slot == nexthop)
		nexthops->next_slot = nexthop->hh.next;
	HASH_DEL(nexthops->all, nexthop);
	free(nexthop);
}

void nexthops_close(struct nexthops *nexthops)
{
	struct nexthop *nexthop, *tmp;

	if (!nexthops)
		return;
	HASH_ITER(hh, nexthops->all, nexthop, tmp)
		free_slot(nexthops, nexthop);
	nl_socket_free(nexthops->notifications);
	hops_close(&nexthops->hops);
	free(nexthops);
}

struct nexthop_pair nexthop_pair(const struct turnpike_addr *local,
				 const struct turnpike_addr *remote)
{
	struct nexthop_pair pair = { *local, *remote };

	pair.local.port = 0;
	pair.remote.port = 0;
	return pair;
}

static struct nexthop *find_slot(const struct nexthops *nexthops, const struct nexthop_pair *pair)
{
	struct nexthop *nexthop;

	HASH_FIND(hh, nexthops->all, pair, sizeof(*pair), nexthop);
	return nexthop;
}

static int new_slot(struct nexthops *nexthops, const struct nexthop_pair *pair,
		    struct nexthop **ret)
{
	struct nexthop *nexthop = calloc(1, sizeof(*nexthop));
	int err;

	if (!nexthop)
		return -ENOMEM;
	err = hops_take(&nexthops->hops, clock_ns(), &nexthop->index);
	if (err) {
		free(nexthop);
		return err;
	}
	nexthop->pair = *pair;
	HASH_ADD(hh, nexthops->all, pair, sizeof(nexthop->pair), nexthop);
	if (!nexthop->hh.tbl) {
		hops_give(&nexthops->hops, nexthop->index);
		free(nexthop);
		return -ENOMEM;
	}
	resolve_slot(nexthops, nexthop);
	*ret = nexthop;
	return 0;
}

int nexthops_prepare(struct nexthops *nexthops, const struct nexthop_pair *a,
		     const struct nexthop_pair *b)
{
	__u32 missing = !find_slot(nexthops, a);

	if (memcmp(a, b, sizeof(*a)) != 0)
		missing += !find_slot(nexthops, b);
	return hops_prepare(&nexthops->hops, missing, clock_ns());
}

int nexthop_get(struct nexthops *nexthops, const struct nexthop_pair *pair, struct nexthop **ret)
{
	struct nexthop *nexthop = find_slot(nexthops, pair);
	const int err = nexthop ? 0 : new_slot(nexthops, pair, &nexthop);

	if (err)
		return err;
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
	return hops_get(&nexthops->hops, nexthop->index)->ifindex != 0;
}

void nexthops_refresh(struct nexthops *nexthops)
{
	struct neighbour *neighbour, *tmp_neighbour;
	struct nexthop *nexthop, *tmp;

	HASH_ITER(hh, nexthops->neighbours, neighbour, tmp_neighbour)
		look_up_neighbour(nexthops, neighbour);
	/* Each neighbour has users, so this publishes all that is new. */
	HASH_ITER(hh, nexthops->all, nexthop, tmp)
		resolve_slot(nexthops, nexthop);
}

void nexthops_path_changed(struct nexthops *nexthops, const struct turnpike_addr *local,
			   const struct turnpike_addr *remote)
{
	const struct nexthop_pair pair = nexthop_pair(local, remote);
	struct nexthop *nexthop = find_slot(nexthops, &pair);

	if (nexthop)
		resolve_slot(nexthops, nexthop);
}

int nexthops_fd(const struct nexthops *nexthops)
{
	return nl_socket_get_fd(nexthops->notifications);
}

/*
 * A neighbour that only XDP talks to is not used in the kernel's eyes: it would go stale, and in a
 * large network be forgotten. A hint each second makes the kernel verify it in time.
 */
static void keep_fresh(struct nexthops *nexthops, struct neighbour *neighbour)
{
	if (neighbour->kept)
		return;
	if (neighbour->valid) {
		netlink_use_neighbour(nexthops->requests, neighbour->place.ifindex,
				      &neighbour->place.addr);
	} else if (nexthops->rounds % ROUNDS_TO_ASK_AGAIN == 0) {
		look_up_neighbour(nexthops, neighbour);
		publish_users(nexthops, neighbour);
	}
}

static void tend_neighbours(struct nexthops *nexthops)
{
	struct neighbour *neighbour = nexthops->next_neighbour;
	int turns;

	if (!neighbour)
		neighbour = nexthops->neighbours;
	for (turns = 0; neighbour && turns < ROUND_TURNS; turns++) {
		keep_fresh(nexthops, neighbour);
		neighbour = neighbour->hh.next;
	}
	nexthops->next_neighbour = neighbour;
}

/*
 * No event tells of exceptions to routes, which are path MTUs and redirects that come by ICMP and
 * expire (net.ipv4.route.mtu_expires), nor of routers that IPv6 takes back.
 */
static void tend_slots(struct nexthops *nexthops)
{
	struct nexthop *nexthop = nexthops->next_slot;
	int turns;

	if (!nexthop)
		nexthop = nexthops->all;
	for (turns = 0; nexthop && turns < ROUND_TURNS; turns++) {
		resolve_slot(nexthops, nexthop);
		nexthop = nexthop->hh.next;
	}
	nexthops->next_slot = nexthop;
}

/* Once a second. Stops at the first error: the kernel is still short of something. */
static void resolve_unsure(struct nexthops *nexthops)
{
	struct nexthop *nexthop = nexthops->unsure;
	int turns;

	for (turns = 0; nexthop && turns < ROUND_TURNS; turns++) {
		resolve_slot(nexthops, nexthop);
		if (nexthop->is_unsure)
			return;
		nexthop = nexthops->unsure;
	}
}

static void refresh(struct nexthops *nexthops)
{
	const __u64 now = clock_ns();

	if (now - nexthops->round_began < ROUND_NS)
		return;
	nexthops->round_began = now;
	nexthops->rounds++;
	resolve_unsure(nexthops);
	tend_neighbours(nexthops);
	tend_slots(nexthops);
}

int nexthops_poll(struct nexthops *nexthops)
{
	const int err = netlink_read_events(nexthops->notifications);

	if (err || nexthops->routing_changed) {
		nexthops->routing_changed = false;
		nexthops->owner.changed(nexthops->owner.arg);
		nexthops_refresh(nexthops);
	}
	refresh(nexthops);
	return err;
}
