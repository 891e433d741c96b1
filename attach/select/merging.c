/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * UDP datagrams that reach a program merged into one sk_buff: by GRO of a device with rx-gro-list,
 * or by a local sender or a virtual machine with UDP_SEGMENT. The kernel's programs relay single
 * datagrams only, and pass merged ones to user space.
 *
 * Native XDP runs before GRO. Generic XDP runs after it, but the kernel does not merge on a device
 * with such a program (netif_elide_gro() of net/core/dev.h): only devices below it do.
 * rx-udp-gro-forwarding leaves datagrams alone for which there is a socket, as for ours.
 */
#include <errno.h>
#include <string.h>

#include "select/assess.h"

/* Before Linux 6.12, the kernel cannot split again what generic XDP has made linear:
 * __udp_gso_segment() of net/ipv4/udp_offload.c. */
#define SPLITS_LINEAR TURNPIKE_KERNEL(6, 12)

static bool merges(const struct turnpike_facts *facts)
{
	return facts->gro & TURNPIKE_ON && facts->gro_list & TURNPIKE_ON;
}

static void say_merges(struct assessment *a, const struct turnpike_facts *from)
{
	const bool splits =
		a->ret->mode != TURNPIKE_MODE_XDP_GENERIC || a->facts->kernel >= SPLITS_LINEAR;
	bool counts;

	a->late = true;
	if (splits)
		counts = assess(a, TURNPIKE_DOUBTFUL,
				"rx-gro-list is on, so datagrams that arrive together come merged, "
				"and are relayed in user space");
	else
		counts = assess_harm(a, "rx-gro-list is on, and this kernel damages datagrams that "
					"come merged to generic XDP (until Linux 6.12)");
	if (counts)
		assess_remedy(a, "ethtool -K %s rx-gro-list off", from->dev);
}

/* A device that passes up only what the devices below it have received. */
static bool is_thin(const struct turnpike_facts *facts)
{
	return strcmp(facts->kind, "vlan") == 0 || strcmp(facts->kind, "bond") == 0 ||
	       strcmp(facts->kind, "team") == 0;
}

/*
 * May an sk_buff of several datagrams come from this device? From a NIC only by GRO, or by USO of a
 * virtio host; a virtual device passes on what a sender on this machine has merged.
 */
static bool may_merge(const struct turnpike_facts *facts, bool is_below)
{
	const __u32 gro = facts->gro_list | facts->gro_forwarding;

	if (facts->elsewhere || (facts->kind[0] && !is_thin(facts)))
		return true;
	return is_below && (gro & TURNPIKE_ON || strcmp(facts->driver, "virtio_net") == 0);
}

/* Generic XDP that cannot tell merged datagrams from single ones. */
static void check_segments(struct assessment *a)
{
	const struct turnpike_facts *each;
	bool may = may_merge(a->facts, false);

	if (a->ret->mode != TURNPIKE_MODE_XDP_GENERIC || !a->facts->segments_error)
		return;
	for (each = a->facts->related; each; each = each->next)
		may |= assess_is_below(each) && may_merge(each, true);
	if (may)
		assess_harm(a,
			    "datagrams may come merged, which generic XDP does not notice without "
			    "%s",
			    a->facts->segments_error == -EPERM ? "CAP_PERFMON"
							       : "the kernel's BTF in /sys");
}

void assess_merging(struct assessment *a)
{
	const bool elided = a->ret->mode == TURNPIKE_MODE_XDP_GENERIC;
	const struct turnpike_facts *each;

	check_segments(a);
	if (!elided && merges(a->facts))
		say_merges(a, a->facts);
	for (each = a->facts->related; each; each = each->next) {
		if (!assess_is_below(each) || !merges(each))
			continue;
		a->port = each;
		say_merges(a, each);
		a->port = a->facts;
	}
}
