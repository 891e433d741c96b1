/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "net/hops.h"

#include <errno.h>
#include <linux/membarrier.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/random.h"

#define WAIT_EVERY_NS 1000000000ull

/* How far @current moves on; its lowest bit selects the hop. */
enum step {
	OTHER_HOP = 1,
	SAME_HOP = 2,
};

int hops_open(struct turnpike_nexthop *map, __u32 max, struct hops *ret)
{
	struct hops hops = { .map = map, .max = max };
	__u32 index;

	hops.free = calloc(max, sizeof(*hops.free));
	hops.unsettled = calloc(max, sizeof(*hops.unsettled));
	if (!hops.free || !hops.unsettled) {
		hops_close(&hops);
		return -ENOMEM;
	}
	for (index = 1; index < max; index++)
		hops.free[hops.n_free++] = index;
	*ret = hops;
	return 0;
}

void hops_close(struct hops *hops)
{
	free(hops->free);
	free(hops->unsettled);
	*hops = (struct hops){ 0 };
}

/*
 * Waits until every program that runs now has ended. Programs run under RCU, and this is
 * synchronize_rcu() for user space. Kernels with nohz_full CPUs and some sandboxes refuse it: then
 * pause for a thousand times as long as a program runs.
 */
static void wait_for_programs(void)
{
	const struct timespec pause = { .tv_nsec = 10 * 1000 * 1000 };

	if (syscall(__NR_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0))
		nanosleep(&pause, NULL);
}

/* hops_set() overwrites the hop before last, which a program may still read. */
static void settle(struct hops *hops, __u32 index)
{
	if (!hops->unsettled[index])
		return;
	wait_for_programs();
	memset(hops->unsettled, 0, hops->max * sizeof(*hops->unsettled));
}

/* Settle an element that is to be reused, unless the last wait was too recent. */
static bool may_settle(struct hops *hops, __u32 index, __u64 now)
{
	if (!hops->unsettled[index])
		return true;
	if (hops->waited && now - hops->waited < WAIT_EVERY_NS)
		return false;
	hops->waited = now;
	settle(hops, index);
	return true;
}

int hops_prepare(struct hops *hops, __u32 n, __u64 now)
{
	__u32 i;

	if (hops->n_free < n)
		return -ENOSPC;
	for (i = 0; i < n; i++)
		if (!may_settle(hops, hops->free[(hops->first + i) % hops->max], now))
			return -EAGAIN;
	return 0;
}

/*
 * What follows @current. Two steps lead to another number and to the same hop, which is neither
 * written nor waited for. 0 is left out, as it stands for elements that were never in use.
 */
static __u32 later(__u32 current, enum step step)
{
	current += step;
	return current ? current : SAME_HOP;
}

int hops_take(struct hops *hops, __u64 now, __u32 *ret)
{
	__u32 ip4_id, index;
	int err = hops_prepare(hops, 1, now);

	/* RFC 7739 section 5.3: where an identification starts must not be guessed. */
	if (!err)
		err = random_u32(&ip4_id);
	if (err)
		return err;
	index = hops->free[hops->first];
	hops->first = (hops->first + 1) % hops->max;
	hops->n_free--;
	hops->map[index] =
		(struct turnpike_nexthop){ .current = later(hops->map[index].current, OTHER_HOP),
					   .ip4_id = ip4_id };
	*ret = index;
	return 0;
}

void hops_give(struct hops *hops, __u32 index)
{
	/* Do not clear it: packets of the deleted flow may be about to read it. */
	hops->unsettled[index] = true;
	hops->free[(hops->first + hops->n_free++) % hops->max] = index;
}

void hops_set(struct hops *hops, __u32 index, const struct turnpike_hop *hop)
{
	struct turnpike_nexthop *nexthop = &hops->map[index];
	const __u32 next = later(nexthop->current, OTHER_HOP);

	if (memcmp(hops_get(hops, index), hop, sizeof(*hop)) == 0)
		return;
	settle(hops, index);
	nexthop->hop[next & 1] = *hop;
	__atomic_store_n(&nexthop->current, next, __ATOMIC_RELEASE);
	hops->unsettled[index] = true;
}

void hops_renew(struct hops *hops, __u32 index)
{
	struct turnpike_nexthop *nexthop = &hops->map[index];

	__atomic_store_n(&nexthop->current, later(nexthop->current, SAME_HOP), __ATOMIC_RELEASE);
}

const struct turnpike_hop *hops_get(const struct hops *hops, __u32 index)
{
	return turnpike_current_hop(&hops->map[index]);
}
