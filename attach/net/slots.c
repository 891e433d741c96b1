/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "net/slots.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/monotonic.h"
#include "net/netlink.h"

/* A hop has 16 bits for it, and no IP packet is longer. */
static __u16 hop_mtu(__u32 mtu, __u32 route_mtu)
{
	if (route_mtu && route_mtu < mtu)
		mtu = route_mtu;
	return mtu < UINT16_MAX ? (__u16)mtu : UINT16_MAX;
}

static void publish(struct slots *slots, const struct nexthop *nexthop)
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
	hops_set(&slots->hops, nexthop->index, &hop);
}

void slots_publish(struct slots *slots, const struct neighbour *neighbour)
{
	struct nexthop *nexthop;

	DL_FOREACH(neighbour->users, nexthop)
		publish(slots, nexthop);
}

static void enqueue(struct slots *slots, struct nexthop *nexthop, enum slot_queue queue)
{
	if (nexthop->queue[queue].is_in)
		return;
	nexthop->queue[queue].is_in = true;
	DL_APPEND2(slots->queues[queue], nexthop, queue[queue].prev, queue[queue].next);
}

static void dequeue(struct slots *slots, struct nexthop *nexthop, enum slot_queue queue)
{
	if (!nexthop->queue[queue].is_in)
		return;
	nexthop->queue[queue].is_in = false;
	DL_DELETE2(slots->queues[queue], nexthop, queue[queue].prev, queue[queue].next);
}

static void leave_neighbour(struct slots *slots, struct nexthop *nexthop)
{
	struct neighbour *neighbour = nexthop->neighbour;

	if (!neighbour)
		return;
	nexthop->neighbour = NULL;
	DL_DELETE(neighbour->users, nexthop);
	if (!neighbour->users)
		neighbours_release(&slots->neighbours, neighbour);
}

static int ask(const struct slots *slots, const struct nexthop_pair *pair, struct route_facts *ret)
{
	return netlink_route(slots->neighbours.privileged->sock, &pair->local, &pair->remote, ret);
}

int slots_ask(struct slots *slots, const struct nexthop_pair *pair, struct route_facts *ret)
{
	const int err = ask(slots, pair, ret);

	if (!err)
		slots->asked = (struct asked){ true, *pair, *ret };
	return err;
}

void slots_forget_asked(struct slots *slots)
{
	slots->asked.is_valid = false;
}

/* What changes after the question is still to be read from the notifications. */
static int answer_or_ask(struct slots *slots, const struct nexthop_pair *pair,
			 struct route_facts *ret)
{
	const struct asked *asked = &slots->asked;

	if (!asked->is_valid || memcmp(&asked->pair, pair, sizeof(*pair)) != 0)
		return ask(slots, pair, ret);
	*ret = asked->route;
	slots_forget_asked(slots);
	return 0;
}

/* Looks up the neighbour to which the route leads; 0 and NULL: there is no route. */
static int find_by_route(struct slots *slots, const struct nexthop_pair *pair,
			 struct route_facts *route, struct neighbour **ret)
{
	struct neighbours *neighbours = &slots->neighbours;
	const int err = answer_or_ask(slots, pair, route);

	*ret = NULL;
	if (err)
		return netlink_is_transient(err) ? err : 0;
	*ret = neighbours_get(neighbours, route->ifindex,
			      route->gateway.family ? &route->gateway : &pair->remote);
	return *ret ? 0 : -ENOMEM;
}

void slots_resolve(struct slots *slots, struct nexthop *nexthop)
{
	struct route_facts route = { 0 };
	struct neighbour *neighbour;
	const int err = find_by_route(slots, &nexthop->pair, &route, &neighbour);

	dequeue(slots, nexthop, SLOTS_OUTDATED);
	dequeue(slots, nexthop, SLOTS_UNSURE);
	if (err) {
		enqueue(slots, nexthop, SLOTS_UNSURE);
		return;
	}
	nexthop->route_mtu = route.mtu;
	if (neighbour != nexthop->neighbour) {
		leave_neighbour(slots, nexthop);
		nexthop->neighbour = neighbour;
		if (neighbour)
			DL_APPEND(neighbour->users, nexthop);
	}
	if (neighbour && neighbour->stale) {
		neighbours_look_up(&slots->neighbours, neighbour);
		slots_publish(slots, neighbour);
	} else {
		publish(slots, nexthop);
	}
}

int slots_resolve_outdated(struct slots *slots, int turns)
{
	for (; slots->queues[SLOTS_OUTDATED] && turns; turns--)
		slots_resolve(slots, slots->queues[SLOTS_OUTDATED]);
	return turns;
}

void slots_resolve_unsure(struct slots *slots, int turns)
{
	struct nexthop *nexthop;

	for (; slots->queues[SLOTS_UNSURE] && turns; turns--) {
		nexthop = slots->queues[SLOTS_UNSURE];
		slots_resolve(slots, nexthop);
		if (nexthop->queue[SLOTS_UNSURE].is_in)
			return;
	}
}

void slots_run_round(struct slots *slots, int turns)
{
	struct nexthop *nexthop = slots->next ? slots->next : slots->all;

	for (; nexthop && turns; turns--) {
		slots_resolve(slots, nexthop);
		nexthop = nexthop->hh.next;
	}
	slots->next = nexthop;
}

void slots_outdate_users(struct slots *slots, const struct neighbour *neighbour)
{
	struct nexthop *nexthop;

	DL_FOREACH(neighbour->users, nexthop)
		enqueue(slots, nexthop, SLOTS_OUTDATED);
}

struct renewal {
	struct slots *slots;
	const struct selector *selector;
	bool outdate;
};

static void renew(void *thing, void *arg)
{
	const struct renewal *renewal = arg;
	struct nexthop *nexthop = thing;

	if (!selector_concerns(renewal->selector, &nexthop->pair.local, &nexthop->pair.remote))
		return;
	hops_renew(&renewal->slots->hops, nexthop->index);
	if (renewal->outdate)
		enqueue(renewal->slots, nexthop, SLOTS_OUTDATED);
}

void slots_renew(struct slots *slots, const struct selector *selector, bool outdate)
{
	const struct prefix *narrow =
		selector->src.len > selector->dst.len ? &selector->src : &selector->dst;
	struct renewal renewal = { slots, selector, outdate };
	struct nexthop *nexthop;

	if (narrow->len) {
		trie_walk(&slots->by_address, narrow, renew, &renewal);
		return;
	}
	for (nexthop = slots->all; nexthop; nexthop = nexthop->hh.next)
		renew(nexthop, &renewal);
}

void slots_outdate(struct slots *slots, __u8 family)
{
	struct nexthop *nexthop;

	for (nexthop = slots->all; nexthop; nexthop = nexthop->hh.next)
		if (nexthop->pair.remote.family == family)
			enqueue(slots, nexthop, SLOTS_OUTDATED);
}

void slots_distrust(struct slots *slots)
{
	struct neighbour *neighbour;

	for (neighbour = slots->neighbours.all; neighbour; neighbour = neighbour->hh.next)
		neighbour->stale = true;
	slots_outdate(slots, TURNPIKE_IPV4);
	slots_outdate(slots, TURNPIKE_IPV6);
}

void slots_refresh_egress(struct slots *slots)
{
	const struct neighbour *renewed = NULL;
	struct neighbour *neighbour;

	for (neighbour = slots->neighbours.all; neighbour; neighbour = neighbour->hh.next) {
		neighbours_renew_egress(&slots->neighbours, neighbour, renewed);
		slots_publish(slots, neighbour);
		renewed = neighbour;
	}
}

void slots_refresh(struct slots *slots)
{
	struct neighbour *neighbour;
	struct nexthop *nexthop;

	for (neighbour = slots->neighbours.all; neighbour; neighbour = neighbour->hh.next) {
		neighbours_look_up(&slots->neighbours, neighbour);
		slots_publish(slots, neighbour);
	}
	for (nexthop = slots->all; nexthop; nexthop = nexthop->hh.next)
		slots_resolve(slots, nexthop);
}

int slots_open(const struct nexthop_owner *owner, struct turnpike_nexthop *map, __u32 max,
	       struct privileged *privileged, struct slots *ret)
{
	ret->neighbours.owner = owner;
	ret->neighbours.privileged = privileged;
	return hops_open(map, max, &ret->hops);
}

static void free_slot(struct slots *slots, struct nexthop *nexthop)
{
	leave_neighbour(slots, nexthop);
	dequeue(slots, nexthop, SLOTS_OUTDATED);
	dequeue(slots, nexthop, SLOTS_UNSURE);
	hops_give(&slots->hops, nexthop->index);
	if (slots->next == nexthop)
		slots->next = nexthop->hh.next;
	trie_remove(&slots->by_address, &nexthop->by_remote);
	trie_remove(&slots->by_address, &nexthop->by_local);
	HASH_DEL(slots->all, nexthop);
	free(nexthop);
}

void slots_close(struct slots *slots)
{
	while (slots->all)
		free_slot(slots, slots->all);
	hops_close(&slots->hops);
}

struct nexthop *slots_find(const struct slots *slots, const struct nexthop_pair *pair)
{
	struct nexthop *nexthop;

	HASH_FIND(hh, slots->all, pair, sizeof(*pair), nexthop);
	return nexthop;
}

/* Makes a new one known by its pair and its addresses. */
static int add(struct slots *slots, struct nexthop *nexthop)
{
	const struct nexthop_pair *pair = &nexthop->pair;

	if (trie_add(&slots->by_address, &pair->local, &nexthop->by_local))
		return -ENOMEM;
	if (trie_add(&slots->by_address, &pair->remote, &nexthop->by_remote))
		goto err_local;
	HASH_ADD(hh, slots->all, pair, sizeof(nexthop->pair), nexthop);
	if (nexthop->hh.tbl)
		return 0;
	trie_remove(&slots->by_address, &nexthop->by_remote);
err_local:
	trie_remove(&slots->by_address, &nexthop->by_local);
	return -ENOMEM;
}

static int new_slot(struct slots *slots, const struct nexthop_pair *pair, struct nexthop **ret)
{
	struct nexthop *nexthop = calloc(1, sizeof(*nexthop));
	int err;

	if (!nexthop)
		return -ENOMEM;
	err = hops_take(&slots->hops, clock_ns(), &nexthop->index);
	if (err)
		goto err_free;
	nexthop->pair = *pair;
	nexthop->by_local.thing = nexthop->by_remote.thing = nexthop;
	err = add(slots, nexthop);
	if (err)
		goto err_give;
	slots_resolve(slots, nexthop);
	*ret = nexthop;
	return 0;

err_give:
	hops_give(&slots->hops, nexthop->index);
err_free:
	free(nexthop);
	return err;
}

void slots_put(struct slots *slots, struct nexthop *nexthop)
{
	if (--nexthop->refs == 0)
		free_slot(slots, nexthop);
}

/* The first of @pairs that equals the one at @i, if it is not that one itself. */
static __u32 first_alike(const struct nexthop_pair *pairs, __u32 i)
{
	__u32 first = 0;

	while (memcmp(&pairs[first], &pairs[i], sizeof(pairs[i])) != 0)
		first++;
	return first;
}

/* Return: number of pairs without a slot. */
static __u32 find_slots(const struct slots *slots, const struct nexthop_pair *pairs, __u32 n,
			struct nexthop **ret)
{
	__u32 i, missing = 0;

	for (i = 0; i < n; i++) {
		ret[i] = slots_find(slots, &pairs[i]);
		missing += !ret[i] && first_alike(pairs, i) == i;
	}
	return missing;
}

static int make_slot(struct slots *slots, const struct nexthop_pair *pairs, __u32 i,
		     struct nexthop **all)
{
	const __u32 first = first_alike(pairs, i);

	if (first == i)
		return new_slot(slots, &pairs[i], &all[i]);
	all[i] = all[first];
	return 0;
}

int slots_get(struct slots *slots, const struct nexthop_pair *pairs, __u32 n, struct nexthop **ret)
{
	struct nexthop *all[NEXTHOPS_AT_ONCE];
	const __u32 missing = find_slots(slots, pairs, n, all);
	int err = hops_prepare(&slots->hops, missing, clock_ns());
	__u32 i;

	for (i = 0; i < n && !err; i++) {
		if (!all[i])
			err = make_slot(slots, pairs, i, all);
		if (!err)
			all[i]->refs++;
	}
	if (!err) {
		memcpy(ret, all, n * sizeof(*ret));
		return 0;
	}
	/* The last one looked at is the one that failed. */
	for (i = i ? i - 1 : 0; i > 0; i--)
		slots_put(slots, all[i - 1]);
	return err;
}
