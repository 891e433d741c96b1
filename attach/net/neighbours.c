/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "net/neighbours.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "net/netlink.h"

/* Rounds after which a neighbour that does not answer is resolved again. */
#define ROUNDS_TO_RETRY 5

/* Neighbours that the kernel shall act for as if a packet were sent to them: a batch. */
#define USE_MAX 32

struct used {
	__u32 n;
	struct place all[USE_MAX];
};

static int run_use(struct privileged *privileged, const void *args, void *result, int *fd)
{
	const struct used *used = args;
	__u32 i;

	(void)result;
	(void)fd;
	if (used->n > USE_MAX)
		return -EINVAL;
	/* A neighbour that cannot be used now is tried again later. */
	for (i = 0; i < used->n; i++)
		netlink_use_neighbour(privileged->sock, used->all[i].ifindex, &used->all[i].addr);
	return 0;
}

OPERATION(neighbours_operation_use, OPERATION_USE, run_use, struct used, struct nothing);

static void flush(const struct neighbours *neighbours, struct used *used)
{
	struct nothing nothing;

	if (used->n)
		privileged_call(neighbours->privileged, &neighbours_operation_use, used, &nothing,
				NULL);
	used->n = 0;
}

static void use(const struct neighbours *neighbours, const struct place *place, struct used *used)
{
	used->all[used->n++] = *place;
	if (used->n == USE_MAX)
		flush(neighbours, used);
}

struct neighbour *neighbours_find(const struct neighbours *neighbours, __u32 ifindex,
				  const struct turnpike_addr *addr)
{
	struct place place = { .ifindex = ifindex, .addr = *addr };
	struct neighbour *neighbour;

	place.addr.port = 0;
	HASH_FIND(hh, neighbours->all, &place, sizeof(place), neighbour);
	return neighbour;
}

void neighbour_learn(struct neighbour *neighbour, const struct neighbour_facts *facts)
{
	neighbour->valid = facts->valid;
	neighbour->kept = facts->kept;
	memcpy(neighbour->mac, facts->mac, sizeof(neighbour->mac));
}

static void renew_egress(const struct neighbours *neighbours, struct neighbour *neighbour)
{
	const struct nexthop_owner *owner = neighbours->owner;

	memset(&neighbour->egress, 0, sizeof(neighbour->egress));
	neighbour->has_egress =
		owner->egress(owner->arg, neighbour->place.ifindex, &neighbour->egress);
}

void neighbours_renew_egress(const struct neighbours *neighbours, struct neighbour *neighbour,
			     const struct neighbour *renewed)
{
	if (!renewed || renewed->place.ifindex != neighbour->place.ifindex) {
		renew_egress(neighbours, neighbour);
		return;
	}
	neighbour->has_egress = renewed->has_egress;
	neighbour->egress = renewed->egress;
}

void neighbours_look_up(struct neighbours *neighbours, struct neighbour *neighbour)
{
	const struct place *place = &neighbour->place;
	struct neighbour_facts facts = { .valid = false };
	struct used used = { 0 };
	int err;

	renew_egress(neighbours, neighbour);
	err = netlink_neighbour(neighbours->privileged->sock, place->ifindex, &place->addr, &facts);
	if (netlink_is_transient(err))
		return; /* keep what is known; keep_fresh() retries */
	neighbour->stale = false;
	if (!facts.valid && !facts.kept)
		use(neighbours, place, &used);
	flush(neighbours, &used);
	neighbour_learn(neighbour, &facts);
}

struct neighbour *neighbours_get(struct neighbours *neighbours, __u32 ifindex,
				 const struct turnpike_addr *addr)
{
	struct neighbour *neighbour = neighbours_find(neighbours, ifindex, addr);

	if (neighbour)
		return neighbour;
	neighbour = calloc(1, sizeof(*neighbour));
	if (!neighbour)
		return NULL;
	neighbour->place.ifindex = ifindex;
	neighbour->place.addr = *addr;
	neighbour->place.addr.port = 0;
	neighbour->stale = true;
	HASH_ADD(hh, neighbours->all, place, sizeof(neighbour->place), neighbour);
	if (!neighbour->hh.tbl) {
		free(neighbour);
		return NULL;
	}
	neighbours_look_up(neighbours, neighbour);
	return neighbour;
}

void neighbours_release(struct neighbours *neighbours, struct neighbour *neighbour)
{
	if (neighbours->next == neighbour)
		neighbours->next = neighbour->hh.next;
	HASH_DEL(neighbours->all, neighbour);
	free(neighbour);
}

bool neighbours_use(const struct neighbours *neighbours, __u32 ifindex)
{
	const struct neighbour *neighbour;

	for (neighbour = neighbours->all; neighbour; neighbour = neighbour->hh.next)
		if (neighbour->place.ifindex == ifindex || neighbour->egress.ifindex == ifindex)
			return true;
	return false;
}

/*
 * The kernel does not see that XDP sends to a neighbour. It would become stale and, in a large
 * network, be garbage-collected. A hint each second makes the kernel verify it in time. Return: was
 * it looked up?
 */
static bool keep_fresh(struct neighbours *neighbours, struct neighbour *neighbour,
		       struct used *used)
{
	if (neighbour->stale ||
	    (!neighbour->valid && !neighbour->kept && neighbours->rounds % ROUNDS_TO_RETRY == 0)) {
		neighbours_look_up(neighbours, neighbour);
		return true;
	}
	if (neighbour->valid && !neighbour->kept)
		use(neighbours, &neighbour->place, used);
	return false;
}

void neighbours_run_round(struct neighbours *neighbours, int turns,
			  void (*changed)(void *arg, const struct neighbour *neighbour), void *arg)
{
	struct neighbour *neighbour = neighbours->next ? neighbours->next : neighbours->all;
	struct used used = { 0 };

	neighbours->rounds++;
	for (; neighbour && turns; turns--) {
		if (keep_fresh(neighbours, neighbour, &used))
			changed(arg, neighbour);
		neighbour = neighbour->hh.next;
	}
	flush(neighbours, &used);
	neighbours->next = neighbour;
}
