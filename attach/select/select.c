/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "select/select.h"

#include <errno.h>
#include <net/if_arp.h>
#include <stdlib.h>
#include <string.h>

#include "select/assess.h"
#include "base/loader.h"
#include "hooks/point.h"

/* The master receives the frames, except for a VRF. */
static void check_master(struct assessment *a)
{
	const struct turnpike_facts *master = assess_relative(a->facts, TURNPIKE_RELATION_MASTER);

	if (!master || strcmp(master->kind, "vrf") == 0)
		return;
	if (assess(a, TURNPIKE_REJECTED, "it belongs to %s: relay on %s instead", master->dev,
		   master->dev))
		assess_remedy(a, "turnpike probe dev %s", master->dev);
}

/* Conditions of every program. */
static void check_device(struct assessment *a)
{
	if (a->facts->arptype == ARPHRD_LOOPBACK)
		assess(a, TURNPIKE_REJECTED,
		       "a loopback device receives only what this machine sends");
	else if (a->facts->arptype != ARPHRD_ETHER)
		assess(a, TURNPIKE_REJECTED, "its frames have no Ethernet header");
	if (a->facts->bpf_error == -EPERM)
		assess(a, TURNPIKE_REJECTED,
		       "not permitted: run as root or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON");
	else if (a->facts->bpf_error == -EACCES)
		assess(a, TURNPIKE_REJECTED,
		       "CAP_PERFMON is missing, without which the kernel's verifier rejects the "
		       "programs");
	else if (a->facts->bpf_error == -EOWNERDEAD)
		assess(a, TURNPIKE_REJECTED, "the helper process has ended: restart the server");
	else if (a->facts->bpf_error)
		assess(a, TURNPIKE_REJECTED, "the kernel does not load BPF programs: %s",
		       strerror(-a->facts->bpf_error));
	check_master(a);
}

/* In our network namespace, or, where the kernel tells, in any. */
static bool has_vlans(const struct turnpike_facts *facts)
{
	const struct turnpike_facts *relative;

	if (facts->vlans > 0)
		return true;
	for (relative = facts->related; relative; relative = relative->next)
		if (relative->relation == TURNPIKE_RELATION_UPPER &&
		    strcmp(relative->kind, "vlan") == 0)
			return true;
	return false;
}

/* The device below takes the tags off, before generic XDP runs on this one. */
static bool is_stacked(const struct turnpike_facts *facts)
{
	const struct turnpike_facts *relative = facts->related;

	while (relative && !assess_is_below(relative))
		relative = relative->next;
	return relative;
}

/* Without its tag a frame of a VLAN looks like one of the untagged network. */
static void check_vlans(struct assessment *a)
{
	if (!has_vlans(a->facts))
		return;
	if (a->ret->mode == TURNPIKE_MODE_XDP_GENERIC && is_stacked(a->facts)) {
		assess_harm(a, "it has VLAN devices, whose tags generic XDP does not see on a %s",
			    a->facts->kind);
		return;
	}
	if (a->facts->rx_vlan & TURNPIKE_ON &&
	    assess_harm(
		    a,
		    "it has VLAN devices, and receive offload strips their tags before XDP runs") &&
	    !(a->facts->rx_vlan & TURNPIKE_FIXED))
		assess_remedy(a, "ethtool -K %s rxvlan off", a->facts->dev);
}

/* See programs/ctx/xdp.h: flows are not confirmed. */
static void check_tunnels(struct assessment *a)
{
	if (!a->facts->ipsec_tunnels)
		return;
	a->late = true;
	assess(a, TURNPIKE_DOUBTFUL,
	       "the host has IPsec tunnels, whose packets generic XDP cannot tell from plain ones, so "
	       "all are relayed in user space");
}

static void assess_generic(struct assessment *a)
{
	assess_owner(a);
	check_vlans(a);
	/* generic_xdp_install() of net/core/dev.c. */
	assess(a, TURNPIKE_USABLE, "works with any driver; permanently disables LRO and GRO-HW");
	/* bpf_prog_run_generic_xdp() makes headroom, but not tailroom. */
	if (a->ret->moves == TURNPIKE_MOVES_TAIL)
		assess(a, TURNPIKE_DOUBTFUL, "frames of some lengths have no room behind them");
	check_tunnels(a);
	assess_merging(a);
}

static void note_other_programs(struct assessment *a)
{
	const struct turnpike_program *program = a->facts->programs;
	__u32 i;

	for (i = 0; i < a->facts->n_programs; i++, program++)
		if (program->hook == a->ret->hook && !assess_is_own(a, program))
			assess(a, TURNPIKE_USABLE, "%s '%s' is attached, too",
			       program->id ? "program" : "filter", program->name);
}

static void assess_tc(struct assessment *a)
{
	const int err = a->ret->hook == TURNPIKE_HOOK_TCX ? a->facts->tcx_error : 0;

	assess(a, TURNPIKE_USABLE, "works with any driver");
	note_other_programs(a);
	if (err == -EINVAL)
		assess(a, TURNPIKE_REJECTED, "the kernel has no tcx (since Linux 6.6)");
	else if (err)
		assess(a, TURNPIKE_DOUBTFUL, "cannot tell whether the kernel has tcx: %s",
		       strerror(-err));
	assess_merging(a);
}

static void assess_xdp_native(struct assessment *a)
{
	check_vlans(a);
	assess_native(a);
}

static void (*const assessors[TURNPIKE_MODE_MAX])(struct assessment *a) = {
	[TURNPIKE_MODE_XDP_NATIVE] = assess_xdp_native,
	[TURNPIKE_MODE_XDP_GENERIC] = assess_generic,
	[TURNPIKE_MODE_TC] = assess_tc,
};

static bool wanted(const struct attach_point *point, enum turnpike_moves moves,
		   const struct select_policy *policy)
{
	/* TC has one program, and user space moves nothing: the policy is about XDP. */
	return point_wanted(point, policy->mode, policy->hook) &&
	       (!point_is_xdp(point) || policy->moves == TURNPIKE_MOVES_AUTO ||
		policy->moves == moves);
}

/*
 * Place in the plan; less is better. Rejected and risky candidates come after user space, which
 * always works. Next come the attach points in their order, late candidates after all others, and
 * last the outlook.
 */
static unsigned int rank_of(const struct assessment *a, size_t point)
{
	const enum turnpike_outlook outlook = a->ret->outlook;
	const unsigned int below = outlook == TURNPIKE_REJECTED ? 2 : a->risky;

	if (a->late && outlook != TURNPIKE_REJECTED && point < ATTACH_POINT_XDP_GENERIC_XDP)
		point = ATTACH_POINT_XDP_GENERIC_XDP;
	return (below << 16) + ((unsigned int)point << 8) + outlook;
}

struct ranked {
	struct turnpike_candidate candidate;
	unsigned int rank;
};

/* Keeps the order of equal ranks. */
static void insert(struct ranked *all, __u32 *n, const struct ranked *added)
{
	__u32 i = (*n)++;

	for (; i > 0 && all[i - 1].rank > added->rank; i--)
		all[i] = all[i - 1];
	all[i] = *added;
}

static void assess_candidate(const struct turnpike_facts *facts, const struct select_policy *policy,
			     const struct attach_point *point, enum turnpike_moves moves,
			     struct ranked *ret)
{
	struct assessment a = {
		.facts = facts, .policy = policy, .port = facts, .ret = &ret->candidate
	};

	*ret = (struct ranked){
		.candidate = { .mode = point->mode, .hook = point->hook, .moves = moves }
	};
	if (!wanted(point, moves, policy)) {
		assess(&a, TURNPIKE_REJECTED, "not requested");
	} else if (!assessors[point->mode]) {
		assess(&a, TURNPIKE_USABLE, "always works");
	} else {
		check_device(&a);
		/* If no program can run, the driver does not matter. */
		if (ret->candidate.outlook != TURNPIKE_REJECTED)
			assessors[point->mode](&a);
	}
	ret->rank = rank_of(&a, (size_t)(point - attach_points));
}

/* One candidate for each program, and one for user space. A dispatcher only where it matters. */
static bool is_candidate(const struct turnpike_facts *facts, const struct select_policy *policy,
			 const struct attach_point *point, enum turnpike_moves moves)
{
	if (!point->ops)
		return moves == TURNPIKE_MOVES_AUTO;
	if (point->hook == TURNPIKE_HOOK_DISPATCHER && !policy->in_dispatcher &&
	    policy->hook != TURNPIKE_HOOK_DISPATCHER && !assess_has_dispatcher(facts))
		return false;
	return loader_variant(point->mode, moves);
}

int select_plan(const struct turnpike_facts *facts, const struct select_policy *policy,
		struct plan *ret)
{
	struct ranked all[PLAN_MAX], added;
	const struct attach_point *point;
	enum turnpike_moves moves;
	__u32 n = 0, i;

	if (policy->mode >= TURNPIKE_MODE_MAX || policy->hook >= TURNPIKE_HOOK_MAX ||
	    policy->moves >= TURNPIKE_MOVES_MAX)
		return -EINVAL;
	for (point = attach_points; point < attach_points + N_ATTACH_POINTS; point++) {
		for (moves = TURNPIKE_MOVES_AUTO; moves < TURNPIKE_MOVES_MAX; moves++) {
			if (!is_candidate(facts, policy, point, moves))
				continue;
			assess_candidate(facts, policy, point, moves, &added);
			insert(all, &n, &added);
		}
	}
	ret->n = n;
	for (i = 0; i < n; i++) {
		ret->candidates[i] = all[i].candidate;
		ret->candidates[i].next = i + 1 < n ? &ret->candidates[i + 1] : NULL;
	}
	return 0;
}

static bool is_same(const struct turnpike_candidate *a, const struct turnpike_candidate *b)
{
	return a->mode == b->mode && a->hook == b->hook && a->moves == b->moves &&
	       a->outlook == b->outlook && a->harmful == b->harmful &&
	       strcmp(a->reason, b->reason) == 0 && strcmp(a->remedy, b->remedy) == 0;
}

bool plan_equals(const struct plan *a, const struct plan *b)
{
	__u32 i;

	for (i = 0; i < a->n && i < b->n; i++)
		if (!is_same(&a->candidates[i], &b->candidates[i]))
			return false;
	return a->n == b->n;
}
