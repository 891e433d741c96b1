/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "net/nexthop.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

/* An insertion that runs out of memory leaves hh.tbl NULL. */
#define HASH_NONFATAL_OOM 1
#include <uthash.h>
#include <utlist.h>

#include "base/monotonic.h"
#include "net/hops.h"
#include "net/monitor.h"
#include "net/neigh.h"
#include "net/notifications.h"
#include "net/route.h"
#include "net/rules.h"

/* A little less than a second, so that each poll of a caller once a second is a round. */
#define ROUND_NS 900000000ull

/* Neighbours and slots looked at in a round: at most some 10 ms of work. */
#define ROUND_TURNS 256

/* Rounds after which a neighbour that does not answer is resolved again. */
#define ROUNDS_TO_RETRY 5

#define LOOPBACK 1 /* its ifindex */

/* Hashed as it stands, without padding. */
struct place {
	__u32 ifindex;
	struct turnpike_addr addr; /* port 0 */
};

/* A neighbour, shared by next hops. Most relays have a single one, their router. */
struct neighbour {
	struct place place;
	bool has_egress; /* packets may leave by its device */
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
	struct monitor_ops monitor;
	struct hops hops;
	struct nl_sock *requests;
	struct nl_sock *notifications;
	struct rules *rules;
	int epoll; /* nexthops_fd() */
	int timer; /* fires when rules are due */
	struct nexthop *all;
	struct neighbour *neighbours;
	struct nexthop *unsure;    /* those whose last lookup failed: look up again */
	struct nexthop *next_slot; /* first of the next round; NULL: @all */
	struct neighbour *next_neighbour;
	__u64 round_began;
	__u32 rounds;
	bool routing_changed;
	bool links_changed;
};

/* A hop has 16 bits for it, and no IP packet is longer. */
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

	if (neighbour && neighbour->valid && neighbour->has_egress) {
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
 * Reads what the kernel knows. If that is nothing, makes it resolve the neighbour, which ends in a
 * notification. The caller publishes the result.
 */
static void look_up_neighbour(struct nexthops *nexthops, struct neighbour *neighbour)
{
	const struct place *place = &neighbour->place;
	struct neighbour_facts facts = { .valid = false };
	int err;

	memset(&neighbour->egress, 0, sizeof(neighbour->egress));
	neighbour->has_egress =
		nexthops->owner.egress(nexthops->owner.arg, place->ifindex, &neighbour->egress);
	err = netlink_neighbour(nexthops->requests, place->ifindex, &place->addr, &facts);
	if (is_transient(err))
		return; /* keep the present route; keep_fresh() retries */
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

/* Look up the neighbour to which the route leads; 0 and NULL: there is no route. */
static int find_neighbour_by_route(struct nexthops *nexthops, const struct nexthop_pair *pair,
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

/* Joins the new neighbour before it leaves the old one, which is often the same. */
static void resolve_slot(struct nexthops *nexthops, struct nexthop *nexthop)
{
	struct route_facts route = { 0 };
	struct neighbour *neighbour;
	const int err = find_neighbour_by_route(nexthops, &nexthop->pair, &route, &neighbour);

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
 * Routes may depend on neighbours without a notification: IPv6 drops an unreachable router (RFC
 * 4861 section 6.3.6), IPv4 prefers another path (net.ipv4.fib_multipath_use_neigh).
 */
static void reroute_users(struct nexthops *nexthops, struct neighbour *neighbour)
{
	struct nexthop *nexthop, *tmp;

	/* The last user that leaves frees the neighbour. */
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

static void on_route(const struct selector *selector, void *arg)
{
	struct nexthops *nexthops = arg;
	struct nexthop *nexthop, *tmp;

	HASH_ITER(hh, nexthops->all, nexthop, tmp) {
		if (!selector_concerns(selector, &nexthop->pair.local, &nexthop->pair.remote))
			continue;
		hops_renew(&nexthops->hops, nexthop->index);
		nexthops->routing_changed = true;
	}
}

static void on_nexthop(void *arg)
{
	struct nexthops *nexthops = arg;

	nexthops->routing_changed = true;
	rules_change(nexthops->rules);
}

/* Do packets come in or leave by this device? */
static bool is_used(const struct nexthops *nexthops, __u32 ifindex, const char *name)
{
	const struct neighbour *neighbour;

	for (neighbour = nexthops->neighbours; neighbour; neighbour = neighbour->hh.next)
		if (neighbour->place.ifindex == ifindex || neighbour->egress.ifindex == ifindex)
			return true;
	return nexthops->owner.attached(nexthops->owner.arg, ifindex, name);
}

static void on_link(const struct link_facts *link, bool gone, void *arg)
{
	struct nexthops *nexthops = arg;

	(void)gone;
	if (!is_used(nexthops, link->ifindex, link->name))
		return;
	nexthops->routing_changed = nexthops->links_changed = true;
	rules_change(nexthops->rules);
}

/* Loopback carries the addresses of routers, which their routes prefer. */
static void on_deleted(__u32 ifindex, void *arg)
{
	struct nexthops *nexthops = arg;

	if (ifindex == LOOPBACK || is_used(nexthops, ifindex, ""))
		nexthops->routing_changed = true;
}

static void on_device(__u32 ifindex, void *arg)
{
	struct nexthops *nexthops = arg;

	if (!ifindex || is_used(nexthops, ifindex, ""))
		rules_change(nexthops->rules);
}

static void on_rules(void *arg)
{
	const struct nexthops *nexthops = arg;

	nexthops->owner.rules_changed(nexthops->owner.arg);
}

static void on_selected(const struct selector *selector, void *arg)
{
	struct nexthops *nexthops = arg;
	struct nexthop *nexthop, *tmp;

	HASH_ITER(hh, nexthops->all, nexthop, tmp)
		if (selector_concerns(selector, &nexthop->pair.local, &nexthop->pair.remote))
			hops_renew(&nexthops->hops, nexthop->index);
}

/* Everything that can be readable has one descriptor. */
static int watch(struct nexthops *nexthops)
{
	const struct rules_ops rules = { .changed = on_rules,
					 .selected = on_selected,
					 .arg = nexthops };
	struct epoll_event event = { .events = EPOLLIN };
	int err;

	nexthops->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	nexthops->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (nexthops->timer < 0 || nexthops->epoll < 0 ||
	    epoll_ctl(nexthops->epoll, EPOLL_CTL_ADD, nexthops->timer, &event))
		return -errno;
	err = monitor_open(&nexthops->monitor, nexthops->epoll, &nexthops->notifications);
	return err ? err : rules_open(&rules, nexthops->epoll, &nexthops->rules);
}

/* Makes nexthops_fd() readable when rules are due. */
static void set_timer(const struct nexthops *nexthops)
{
	const __u64 due = rules_due(nexthops->rules);
	const struct itimerspec when = {
		.it_value = { .tv_sec = (time_t)(due / 1000000000u),
			      .tv_nsec = (long)(due % 1000000000u) },
	};

	timerfd_settime(nexthops->timer, TFD_TIMER_ABSTIME, &when, NULL);
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
	nexthops->monitor = (struct monitor_ops){ .on_neighbour = on_neighbour,
						  .on_route = on_route,
						  .on_nexthop = on_nexthop,
						  .on_link = on_link,
						  .on_deleted = on_deleted,
						  .on_device = on_device,
						  .arg = nexthops };
	nexthops->timer = nexthops->epoll = -1;
	err = hops_open(map, max, &nexthops->hops);
	if (!err)
		err = watch(nexthops);
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
	rules_close(nexthops->rules);
	nl_socket_free(nexthops->notifications);
	if (nexthops->timer >= 0)
		close(nexthops->timer);
	if (nexthops->epoll >= 0)
		close(nexthops->epoll);
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
	/* Each neighbour has users, so this publishes every change. */
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
	return nexthops->epoll;
}

__u32 nexthops_unwatched(const struct nexthops *nexthops)
{
	return rules_unwatched(nexthops->rules);
}

/*
 * The kernel does not see that XDP sends to a neighbour. It would become stale and, in a large
 * network, be garbage-collected. A hint each second makes the kernel verify it in time.
 */
static void keep_fresh(struct nexthops *nexthops, struct neighbour *neighbour)
{
	if (neighbour->kept)
		return;
	if (neighbour->valid) {
		netlink_use_neighbour(nexthops->requests, neighbour->place.ifindex,
				      &neighbour->place.addr);
	} else if (nexthops->rounds % ROUNDS_TO_RETRY == 0) {
		look_up_neighbour(nexthops, neighbour);
		publish_users(nexthops, neighbour);
	}
}

static void refresh_neighbours(struct nexthops *nexthops)
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
 * Some changes have no notification: exceptions to routes, which are path MTUs and redirects that
 * come by ICMP and expire (net.ipv4.route.mtu_expires), and routers that IPv6 finds reachable
 * again.
 */
static void refresh_slots(struct nexthops *nexthops)
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

static void run_round(struct nexthops *nexthops)
{
	const __u64 now = clock_ns();

	if (now - nexthops->round_began < ROUND_NS)
		return;
	nexthops->round_began = now;
	nexthops->rounds++;
	resolve_unsure(nexthops);
	refresh_neighbours(nexthops);
	refresh_slots(nexthops);
}

int nexthops_poll(struct nexthops *nexthops)
{
	const int err = notifications_read(nexthops->notifications);

	if (err) {
		nexthops->links_changed = nexthops->routing_changed = true;
		rules_change(nexthops->rules);
	}
	rules_poll(nexthops->rules);
	if (nexthops->links_changed)
		nexthops->owner.changed(nexthops->owner.arg);
	if (nexthops->routing_changed)
		nexthops_refresh(nexthops);
	nexthops->links_changed = nexthops->routing_changed = false;
	run_round(nexthops);
	set_timer(nexthops);
	return err;
}
