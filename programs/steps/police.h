/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Rate limits of the allocation, its user (bytes and packets) and the server. A flow without limits
 * pays for one comparison.
 */
#ifndef TURNPIKE_PROGRAMS_STEPS_POLICE_H
#define TURNPIKE_PROGRAMS_STEPS_POLICE_H

#include "packet.h"
#include "steps/coarse_time.h"

static __always_inline struct turnpike_policer *find_policer(__u32 index)
{
	return index ? bpf_map_lookup_elem(&policers, &index) : NULL;
}

static __always_inline struct turnpike_policer *parent_of(const struct turnpike_policer *policer)
{
	return policer ? find_policer(policer->parent) : NULL;
}

static __always_inline void find_levels(__u32 index,
					struct turnpike_policer *level[TURNPIKE_POLICER_LEVELS])
{
	level[0] = find_policer(index);
	level[1] = parent_of(level[0]);
	level[2] = parent_of(level[1]);
	level[3] = parent_of(level[2]);
}

static __always_inline void give_back(__u32 index, __u32 bytes)
{
	struct turnpike_policer *level[TURNPIKE_POLICER_LEVELS];

	find_levels(index, level);
	turnpike_policers_give_back(level, TURNPIKE_POLICER_LEVELS, bytes);
}

/* Global, like charge_both(): see common.h. */
__noinline bool charge(__u32 index, __u64 now, __u32 bytes)
{
	struct turnpike_policer *level[TURNPIKE_POLICER_LEVELS];

	find_levels(index, level);
	return turnpike_policers_charge(level, now, bytes);
}

/* Charge both policers of a hairpin, or neither. */
__noinline bool charge_both(__u32 first, __u32 second, __u64 now, __u32 bytes)
{
	if (!charge(first, now, bytes))
		return false;
	if (charge(second, now, bytes))
		return true;
	give_back(first, bytes);
	return false;
}

static __always_inline bool is_policed(const struct turnpike_flow *flow)
{
	return flow->policer[0] | flow->policer[1];
}

/*
 * The last check, once the frame has room, because it has an effect: user space charges a packet
 * that is passed up. A packet over its limit is dropped, so its changed frame does no harm.
 */
static __always_inline bool police(const struct packet *pkt, const struct turnpike_flow *flow)
{
	if (likely(!is_policed(flow)))
		return true;
	if (!flow->policer[1])
		return charge(flow->policer[0], coarse_now(), pkt->data_len);
	return charge_both(flow->policer[0], flow->policer[1], coarse_now(), pkt->data_len);
}

#endif /* TURNPIKE_PROGRAMS_STEPS_POLICE_H */
