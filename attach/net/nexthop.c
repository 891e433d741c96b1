/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Follows what the kernel reports: decides which slots a notification concerns, and spreads the
 * work that follows from it.
 */
#include "net/nexthop.h"

#include <errno.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <turnpike/turnpike.h>

#include "base/monotonic.h"
#include "net/known_links.h"
#include "net/link.h"
#include "net/monitor.h"
#include "net/neigh.h"
#include "net/notifications.h"
#include "net/rules.h"
#include "net/slots.h"

/* A little less than a second, so that each poll of a caller once a second is a round. */
#define ROUND_NS 900000000ull

/* Neighbours and slots looked at in a round: at most some 10 ms of work. */
#define ROUND_TURNS 256

/* Slots that are looked up in a stint after a change: a quarter of the time, at some 10 us each. */
#define STINT_NS    10000000ull
#define STINT_TURNS 256

#define LOOPBACK 1 /* its ifindex */

struct nexthops {
	struct nexthop_owner owner;
	struct monitor_ops monitor;
	struct slots slots;
	struct known_links links;
	struct nl_sock *notifications;
	struct rules *rules;
	int epoll; /* nexthops_fd() */
	int timer; /* fires when there is more to do */
	__u64 round_began;
	__u64 stint_began;
	int turns;   /* left in the stint */
	__u64 alarm; /* when the timer fires, ns; 0: never */
	bool links_changed;
	enum rules_scope outdated; /* families of which any slot may be */
};

static void on_neighbour(const struct neighbour_facts *facts, void *arg)
{
	struct nexthops *nexthops = arg;
	struct neighbour *neighbour =
		neighbours_find(&nexthops->slots.neighbours, facts->ifindex, &facts->addr);
	bool lost;

	if (!neighbour)
		return;
	lost = neighbour->valid && !facts->valid;
	neighbour_learn(neighbour, facts);
	slots_publish(&nexthops->slots, neighbour);
	/*
	 * Routes may depend on neighbours without a notification: IPv6 drops an unreachable router
	 * (RFC 4861 section 6.3.6), IPv4 prefers another path
	 * (net.ipv4.fib_multipath_use_neigh).
	 */
	if (lost)
		slots_outdate_users(&nexthops->slots, neighbour);
}

/* All slots of a scope are to be looked up again, and meanwhile no flow is sure of its own. */
static void outdate(struct nexthops *nexthops, enum rules_scope scope)
{
	nexthops->outdated |= scope;
	rules_change(nexthops->rules, scope);
}

static bool is_for_all(const struct selector *selector)
{
	return !selector->src.len && !selector->dst.len;
}

static enum rules_scope scope_of(const struct selector *selector)
{
	switch (selector->family) {
	case TURNPIKE_IPV4:
		return RULES_OF_IPV4;
	case TURNPIKE_IPV6:
		return RULES_OF_IPV6;
	default:
		return RULES_OF_ALL;
	}
}

static void on_route(const struct selector *selector, void *arg)
{
	struct nexthops *nexthops = arg;

	if (is_for_all(selector))
		outdate(nexthops, scope_of(selector));
	else
		slots_renew(&nexthops->slots, selector, true);
}

static void on_nexthop(void *arg)
{
	outdate(arg, RULES_OF_ALL);
}

/* Learns of the devices that neighbours are on, as far as no notification did. */
static void learn_links(struct nexthops *nexthops)
{
	const struct neighbours *neighbours = &nexthops->slots.neighbours;
	const struct neighbour *neighbour;
	struct link_facts link;
	__u32 last = 0;

	for (neighbour = neighbours->all; neighbour; neighbour = neighbour->hh.next) {
		const __u32 ifindex = neighbour->place.ifindex;

		if (ifindex == last || known_links_has(&nexthops->links, ifindex))
			continue;
		last = ifindex;
		if (!netlink_link(neighbours->privileged->sock, (int)ifindex, "", &link))
			known_links_add(&nexthops->links, &link);
	}
}

/* Do packets come in or leave by this device, or is it the VRF or the bridge of one that they do?
 */
static bool is_used(struct nexthops *nexthops, __u32 ifindex, const char *name)
{
	if (neighbours_use(&nexthops->slots.neighbours, ifindex) ||
	    nexthops->owner.attached(nexthops->owner.arg, ifindex, name))
		return true;
	learn_links(nexthops);
	return known_links_has_master(&nexthops->links, ifindex);
}

/* With a device the kernel drops its IPv4 routes, of which it reports none. */
static void on_link(const struct link_facts *link, bool gone, void *arg)
{
	struct nexthops *nexthops = arg;
	const bool used = is_used(nexthops, link->ifindex, link->name);

	if (used)
		nexthops->links_changed = true;
	if (used && (gone || known_links_update(&nexthops->links, link)))
		outdate(nexthops, RULES_OF_ALL);
	/* When it is used again, it may have changed. */
	if (gone || !used)
		known_links_forget(&nexthops->links, link->ifindex);
}

/* Loopback has the addresses of routers, which their routes prefer. */
static void on_deleted(__u32 ifindex, void *arg)
{
	struct nexthops *nexthops = arg;

	if (ifindex == LOOPBACK || is_used(nexthops, ifindex, ""))
		outdate(nexthops, RULES_OF_IPV4);
}

static void on_device(__u32 ifindex, void *arg)
{
	struct nexthops *nexthops = arg;

	if (!ifindex || is_used(nexthops, ifindex, ""))
		rules_change(nexthops->rules, RULES_OF_ALL);
}

static void on_rules(enum rules_scope scope, void *arg)
{
	struct nexthops *nexthops = arg;
	struct selector selector = { .family = scope == RULES_OF_IPV4 ? TURNPIKE_IPV4
								      : TURNPIKE_IPV6 };

	if (scope == RULES_OF_ALL)
		nexthops->owner.rules_changed(nexthops->owner.arg);
	else
		slots_renew(&nexthops->slots, &selector, false);
}

static void on_policy(const struct selector *selector, void *arg)
{
	struct nexthops *nexthops = arg;

	if (is_for_all(selector))
		rules_change(nexthops->rules, scope_of(selector));
	else
		slots_renew(&nexthops->slots, selector, false);
}

static void on_tunnels(bool has_tunnels, void *arg)
{
	struct nexthops *nexthops = arg;

	nexthops->owner.tunnels_changed(nexthops->owner.arg, has_tunnels);
}

/* One descriptor for all that can be readable. */
static int watch(struct nexthops *nexthops)
{
	const struct rules_ops rules = { .changed = on_rules,
					 .selected = on_policy,
					 .tunnels = on_tunnels,
					 .privileged = nexthops->slots.neighbours.privileged,
					 .arg = nexthops };
	struct epoll_event event = { .events = EPOLLIN };
	int err;

	nexthops->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	nexthops->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (nexthops->timer < 0 || nexthops->epoll < 0 ||
	    epoll_ctl(nexthops->epoll, EPOLL_CTL_ADD, nexthops->timer, &event))
		return -errno;
	err = monitor_open(rules.privileged, &nexthops->monitor, nexthops->epoll,
			   &nexthops->notifications);
	return err ? err : rules_open(&rules, nexthops->epoll, &nexthops->rules);
}

int nexthops_open(const struct nexthop_owner *owner, struct turnpike_nexthop *map, __u32 max,
		  struct privileged *privileged, struct nexthops **ret)
{
	struct nexthops *nexthops = calloc(1, sizeof(*nexthops));
	int err;

	if (!nexthops)
		return -ENOMEM;
	nexthops->owner = *owner;
	nexthops->monitor = (struct monitor_ops){ .on_neighbour = on_neighbour,
						  .on_route = on_route,
						  .on_nexthop = on_nexthop,
						  .on_link = on_link,
						  .on_deleted = on_deleted,
						  .on_device = on_device,
						  .arg = nexthops };
	nexthops->timer = nexthops->epoll = -1;
	err = slots_open(&nexthops->owner, map, max, privileged, &nexthops->slots);
	if (!err)
		err = watch(nexthops);
	if (err) {
		nexthops_close(nexthops);
		return err;
	}
	*ret = nexthops;
	return 0;
}

void nexthops_close(struct nexthops *nexthops)
{
	if (!nexthops)
		return;
	slots_close(&nexthops->slots);
	known_links_clear(&nexthops->links);
	rules_close(nexthops->rules);
	nl_socket_free(nexthops->notifications);
	if (nexthops->timer >= 0)
		close(nexthops->timer);
	if (nexthops->epoll >= 0)
		close(nexthops->epoll);
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

int nexthops_get(struct nexthops *nexthops, const struct nexthop_pair *pairs, __u32 n,
		 struct nexthop **ret)
{
	return slots_get(&nexthops->slots, pairs, n, ret);
}

void nexthop_put(struct nexthops *nexthops, struct nexthop *nexthop)
{
	slots_put(&nexthops->slots, nexthop);
}

__u32 nexthops_used(const struct nexthops *nexthops)
{
	return HASH_COUNT(nexthops->slots.all);
}

/* The neighbour of a pair without a slot. */
static int look_up_reach(struct slots *slots, const struct nexthop_pair *pair)
{
	struct nl_sock *requests = slots->neighbours.privileged->sock;
	struct neighbour_facts facts;
	struct route_facts route;
	struct link_facts link;
	int err = slots_ask(slots, pair, &route);

	if (err)
		return err;
	if (route.gateway.family)
		return TURNPIKE_REACH_SHARED;
	err = netlink_link(requests, (int)route.ifindex, "", &link);
	if (err || link.arptype != ARPHRD_ETHER)
		return err ? err : TURNPIKE_REACH_SHARED;
	err = netlink_neighbour(requests, route.ifindex, &pair->remote, &facts);
	return !err && (facts.valid || facts.kept) ? TURNPIKE_REACH_RESOLVED
						   : TURNPIKE_REACH_UNRESOLVED;
}

int nexthops_reach(struct nexthops *nexthops, const struct nexthop_pair *pair)
{
	const struct nexthop *slot = slots_find(&nexthops->slots, pair);
	const struct neighbour *known = slot ? slot->neighbour : NULL;

	if (!known || !known->has_egress)
		return look_up_reach(&nexthops->slots, pair);
	if (memcmp(&known->place.addr, &pair->remote, sizeof(pair->remote)) != 0)
		return TURNPIKE_REACH_SHARED;
	return known->valid || known->kept ? TURNPIKE_REACH_RESOLVED : TURNPIKE_REACH_UNRESOLVED;
}

__u32 nexthop_index(const struct nexthop *nexthop)
{
	return nexthop->index;
}

bool nexthop_resolved(const struct nexthops *nexthops, const struct nexthop *nexthop)
{
	return hops_get(&nexthops->slots.hops, nexthop->index)->ifindex != 0;
}

__u32 nexthop_barred_by(const struct nexthop *nexthop)
{
	const struct neighbour *neighbour = nexthop->neighbour;

	return neighbour && !neighbour->has_egress ? neighbour->place.ifindex : 0;
}

/* Anything may have changed unnoticed. */
static void distrust(struct nexthops *nexthops)
{
	nexthops->links_changed = true;
	known_links_clear(&nexthops->links);
	slots_distrust(&nexthops->slots);
	rules_change(nexthops->rules, RULES_OF_ALL);
}

/*
 * The kernel notifies before a request returns. So what our own changes have caused is handled
 * here, and does not end confirmations of flows that are made from now on.
 */
void nexthops_refresh(struct nexthops *nexthops)
{
	slots_forget_asked(&nexthops->slots);
	if (notifications_read(nexthops->notifications))
		distrust(nexthops);
	rules_settle(nexthops->rules);
	slots_refresh(&nexthops->slots);
}

void nexthops_path_changed(struct nexthops *nexthops, const struct turnpike_addr *local,
			   const struct turnpike_addr *remote)
{
	const struct nexthop_pair pair = nexthop_pair(local, remote);
	struct nexthop *nexthop = slots_find(&nexthops->slots, &pair);

	slots_forget_asked(&nexthops->slots);
	if (nexthop)
		slots_resolve(&nexthops->slots, nexthop);
}

int nexthops_fd(const struct nexthops *nexthops)
{
	return nexthops->epoll;
}

__u32 nexthops_unwatched(const struct nexthops *nexthops)
{
	return rules_unwatched(nexthops->rules);
}

/* Devices first: the owner's answers depend on them. */
static void apply_changes(struct nexthops *nexthops)
{
	if (nexthops->links_changed) {
		nexthops->owner.changed(nexthops->owner.arg);
		slots_refresh_egress(&nexthops->slots);
	}
	if (nexthops->outdated & RULES_OF_IPV4)
		slots_outdate(&nexthops->slots, TURNPIKE_IPV4);
	if (nexthops->outdated & RULES_OF_IPV6)
		slots_outdate(&nexthops->slots, TURNPIKE_IPV6);
	nexthops->links_changed = false;
	nexthops->outdated = 0;
}

/* However often a route changes, its slots are looked up for a part of the time only. */
static void run_stint(struct nexthops *nexthops, __u64 now)
{
	if (now - nexthops->stint_began >= STINT_NS) {
		nexthops->stint_began = now;
		nexthops->turns = STINT_TURNS;
	}
	nexthops->turns = slots_resolve_outdated(&nexthops->slots, nexthops->turns);
}

static void publish(void *arg, const struct neighbour *neighbour)
{
	slots_publish(arg, neighbour);
}

/*
 * Some changes have no notification: exceptions to routes, which are path MTUs and redirects that
 * come by ICMP and expire (net.ipv4.route.mtu_expires), and routers that IPv6 finds reachable
 * again.
 */
static void run_round(struct nexthops *nexthops, __u64 now)
{
	struct slots *slots = &nexthops->slots;

	if (now - nexthops->round_began < ROUND_NS)
		return;
	nexthops->round_began = now;
	slots_resolve_unsure(slots, ROUND_TURNS);
	neighbours_run_round(&slots->neighbours, ROUND_TURNS, publish, slots);
	slots_run_round(slots, ROUND_TURNS);
}

/* The earlier of two times; 0: never. */
static __u64 earlier(__u64 a, __u64 b)
{
	return a && (!b || a < b) ? a : b;
}

/* Makes nexthops_fd() readable when rules are due, or the next stint. */
static void set_timer(struct nexthops *nexthops)
{
	const __u64 stint =
		nexthops->slots.queues[SLOTS_OUTDATED] ? nexthops->stint_began + STINT_NS : 0;
	const __u64 due = earlier(rules_due(nexthops->rules), stint);
	const struct itimerspec when = {
		.it_value = { .tv_sec = (time_t)(due / 1000000000u),
			      .tv_nsec = (long)(due % 1000000000u) },
	};

	if (due == nexthops->alarm)
		return;
	nexthops->alarm = due;
	timerfd_settime(nexthops->timer, TFD_TIMER_ABSTIME, &when, NULL);
}

int nexthops_poll(struct nexthops *nexthops)
{
	__u64 now;
	int err;

	slots_forget_asked(&nexthops->slots);
	err = notifications_read(nexthops->notifications);
	if (err)
		distrust(nexthops);
	rules_poll(nexthops->rules);
	apply_changes(nexthops);
	now = clock_ns();
	run_stint(nexthops, now);
	run_round(nexthops, now);
	set_timer(nexthops);
	return err;
}
