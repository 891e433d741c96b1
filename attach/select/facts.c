/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "select/facts.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/compat.h"
#include "base/skb_layout.h"
#include "select/ethtool.h"
#include "select/netdev.h"
#include "net/ipsec.h"
#include "net/link.h"
#include "select/owners.h"
#include "select/sysfs.h"
#include "select/vlans.h"
#include "private/array_len.h"

/* Read once, since it does not change. */
static struct kernel {
	__u32 version;
	int bpf_error;
	int tcx_error;
	int segments_error;
} kernel;

/*
 * Load a program that compares a pointer with a number, as only CAP_PERFMON allows: -EACCES without
 * it, and -EPERM if programs cannot be loaded at all.
 */
static int trial_load(enum bpf_prog_type type)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_JEQ | BPF_K, .dst_reg = BPF_REG_10, .imm = 1 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	const int fd = bpf_prog_load(type, "trial", "GPL", insns, ARRAY_LEN(insns), NULL);

	if (fd < 0)
		return fd;
	close(fd);
	return 0;
}

/* A kernel with tcx (6.6) answers -ENODEV, since there is no device 0. */
static int trial_tcx(void)
{
	LIBBPF_OPTS(bpf_prog_query_opts, opts);
	const int err = bpf_prog_query_opts(0, COMPAT_BPF_TCX_INGRESS, &opts);

	return err == -ENODEV ? 0 : err;
}

static void ask_kernel(void)
{
	const libbpf_print_fn_t print = libbpf_set_print(NULL);
	struct turnpike_skb_layout layout;
	unsigned int major = 0, minor = 0;
	struct utsname name;

	if (uname(&name) == 0 && sscanf(name.release, "%u.%u", &major, &minor) == 2)
		kernel.version = TURNPIKE_KERNEL(major, minor);
	kernel.bpf_error = trial_load(BPF_PROG_TYPE_XDP);
	if (!kernel.bpf_error)
		kernel.bpf_error = trial_load(BPF_PROG_TYPE_SCHED_CLS);
	kernel.tcx_error = trial_tcx();
	kernel.segments_error = skb_layout(&layout);
	libbpf_set_print(print);
}

static int run_read_kernel(struct privileged *privileged, const void *args, void *result, int *fd)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	(void)privileged;
	(void)args;
	(void)fd;
	pthread_once(&once, ask_kernel);
	memcpy(result, &kernel, sizeof(kernel));
	return 0;
}

OPERATION(facts_operation_read_kernel, OPERATION_READ_KERNEL, run_read_kernel, struct nothing,
	  struct kernel);

static void add_kernel(struct privileged *privileged, struct turnpike_facts *facts)
{
	const struct nothing nothing = { 0 };
	struct kernel known;
	const int err =
		privileged_call(privileged, &facts_operation_read_kernel, &nothing, &known, NULL);

	if (err)
		known = (struct kernel){ .bpf_error = err,
					 .tcx_error = err,
					 .segments_error = err };
	facts->kernel = known.version;
	facts->bpf_error = known.bpf_error;
	facts->tcx_error = known.tcx_error;
	facts->segments_error = known.segments_error;
}

/* Gather all but the relatives. */
static struct turnpike_facts *gather_one(struct privileged *privileged,
					 const struct link_facts *link, bool elsewhere)
{
	struct turnpike_facts *facts = calloc(1, sizeof(*facts));

	if (!facts)
		return NULL;
	memcpy(facts->dev, link->name, sizeof(facts->dev));
	memcpy(facts->kind, link->kind, sizeof(facts->kind));
	facts->ifindex = link->ifindex;
	facts->elsewhere = elsewhere;
	facts->arptype = link->arptype;
	facts->mtu = link->mtu;
	facts->max_mtu = link->max_mtu;
	facts->up = link->up;
	add_kernel(privileged, facts);
	owners_read(privileged, link, facts);
	if (!elsewhere) {
		ethtool_read(facts);
		sysfs_read(link, facts);
		facts->xdp_known = netdev_xdp_features(link->ifindex, &facts->xdp_features) == 0;
	}
	return facts;
}

/* The first one, which this file has allocated. */
static struct turnpike_facts *relative_of(const struct turnpike_facts *facts)
{
	return (struct turnpike_facts *)(uintptr_t)facts->related;
}

static int add_relative(struct privileged *privileged, struct turnpike_facts *self,
			const struct link_facts *link, enum turnpike_relation relation,
			bool elsewhere)
{
	struct turnpike_facts *facts = gather_one(privileged, link, elsewhere);

	if (!facts)
		return -ENOMEM;
	facts->relation = relation;
	facts->next = self->related;
	self->related = facts;
	return 0;
}

struct link_args {
	__s32 netns;
	__u32 ifindex;
};

static int run_read_link(struct privileged *privileged, const void *args, void *result, int *fd)
{
	const struct link_args *link = args;

	(void)fd;
	return netlink_link_elsewhere(privileged->sock, link->netns, link->ifindex, result);
}

OPERATION(facts_operation_read_link, OPERATION_READ_LINK, run_read_link, struct link_args,
	  struct link_facts);

/* The index is always known. More about a device of another namespace needs privileges there. */
static int add_elsewhere(struct privileged *privileged, struct turnpike_facts *self,
			 const struct link_facts *link, enum turnpike_relation relation)
{
	const struct link_args args = { link->link_netns, link->link };
	struct link_facts other;

	if (privileged_call(privileged, &facts_operation_read_link, &args, &other, NULL))
		other = (struct link_facts){ .ifindex = link->link };
	return add_relative(privileged, self, &other, relation, true);
}

/* How @other, of this namespace, is related to @link; SELF: not at all, or the same device. */
static enum turnpike_relation relation_of(const struct link_facts *other,
					  const struct link_facts *link,
					  enum turnpike_relation below)
{
	if (other->ifindex == link->master)
		return TURNPIKE_RELATION_MASTER;
	if (other->master == link->ifindex)
		return TURNPIKE_RELATION_MEMBER;
	if (other->ifindex == link->link && link->link_netns == NETNS_OURS &&
	    other->ifindex != link->ifindex)
		return below;
	/* The ends of a veth refer to each other. */
	if (other->link == link->ifindex && other->link_netns == NETNS_OURS &&
	    other->ifindex != link->ifindex && strcmp(other->kind, "veth") != 0)
		return TURNPIKE_RELATION_UPPER;
	return TURNPIKE_RELATION_SELF;
}

static enum turnpike_relation link_relation(const struct link_facts *link)
{
	return strcmp(link->kind, "veth") == 0 ? TURNPIKE_RELATION_PEER : TURNPIKE_RELATION_LOWER;
}

/* The other end of a bond's member that is a veth: native XDP depends on it. */
static int add_peer(struct privileged *privileged, struct turnpike_facts *self,
		    const struct link_facts *links, size_t n, const struct link_facts *link)
{
	size_t i;
	int err = 0;

	if (strcmp(link->kind, "veth") != 0)
		return 0;
	if (link->link && link->link_netns != NETNS_OURS)
		return add_elsewhere(privileged, self, link, TURNPIKE_RELATION_PEER);
	for (i = 0; !err && i < n; i++)
		if (links[i].ifindex == link->link)
			err = add_relative(privileged, self, &links[i], TURNPIKE_RELATION_PEER,
					   false);
	return err;
}

static bool is_known(const struct turnpike_facts *self, __u32 ifindex)
{
	const struct turnpike_facts *relative = self->related;

	while (relative && (relative->elsewhere || relative->ifindex != ifindex))
		relative = relative->next;
	return relative || self->ifindex == ifindex;
}

/* Does @facts get its packets from another device? */
static bool has_below(const struct turnpike_facts *facts)
{
	return !facts->elsewhere && (facts->relation == TURNPIKE_RELATION_MEMBER ||
				     facts->relation == TURNPIKE_RELATION_LOWER ||
				     facts->relation == TURNPIKE_RELATION_BELOW);
}

/* The devices below those already found, such as the members of a bond below a VLAN. */
static int add_below(struct privileged *privileged, struct turnpike_facts *self,
		     const struct link_facts *links, size_t n, const struct link_facts *link)
{
	enum turnpike_relation relation;
	size_t i;
	int err = 0;

	for (i = 0; !err && i < n; i++) {
		relation = relation_of(&links[i], link, link_relation(link));
		if ((relation == TURNPIKE_RELATION_MEMBER || relation == TURNPIKE_RELATION_LOWER) &&
		    !is_known(self, links[i].ifindex))
			err = add_relative(privileged, self, &links[i], TURNPIKE_RELATION_BELOW,
					   false);
	}
	return err;
}

/* Each pass goes one level deeper; relatives are added in front. */
static int add_all_below(struct privileged *privileged, struct turnpike_facts *self,
			 const struct link_facts *links, size_t n)
{
	const struct turnpike_facts *done = NULL, *first, *each;
	size_t i;
	int err = 0;

	while (!err && self->related != done) {
		first = self->related;
		for (each = first; !err && each != done; each = each->next)
			for (i = 0; !err && has_below(each) && i < n; i++)
				if (links[i].ifindex == each->ifindex)
					err = add_below(privileged, self, links, n, &links[i]);
		done = first;
	}
	return err;
}

static int add_relatives(struct privileged *privileged, struct turnpike_facts *self,
			 const struct link_facts *link)
{
	enum turnpike_relation relation;
	struct link_facts *links;
	size_t n, i;
	int err = netlink_links(privileged->sock, &links, &n);

	if (err)
		return err;
	if (link->link && link->link_netns != NETNS_OURS)
		err = add_elsewhere(privileged, self, link, link_relation(link));
	for (i = 0; !err && i < n; i++) {
		relation = relation_of(&links[i], link, link_relation(link));
		if (relation != TURNPIKE_RELATION_SELF)
			err = add_relative(privileged, self, &links[i], relation, false);
		/* What was added last is the first relative. */
		if (!err && relation == TURNPIKE_RELATION_MEMBER)
			err = add_peer(privileged, relative_of(self), links, n, &links[i]);
	}
	if (!err)
		err = add_all_below(privileged, self, links, n);
	free(links);
	return err;
}

int facts_gather(struct privileged *privileged, const char *ifname, struct turnpike_facts **ret)
{
	struct turnpike_facts *facts;
	struct link_facts link;
	int err = netlink_link(privileged->sock, 0, ifname, &link);

	if (err)
		return err;
	facts = gather_one(privileged, &link, false);
	if (!facts)
		return -ENOMEM;
	facts->vlans = vlans_on(privileged, link.ifindex);
	facts->ipsec_tunnels = ipsec_has_tunnels(privileged);
	err = add_relatives(privileged, facts, &link);
	if (err) {
		facts_free(facts);
		return err;
	}
	*ret = facts;
	return 0;
}

void facts_free(struct turnpike_facts *facts)
{
	struct turnpike_facts *relative, *next;

	if (!facts)
		return;
	for (relative = relative_of(facts); relative; relative = next) {
		next = (struct turnpike_facts *)(uintptr_t)relative->next;
		facts_free(relative);
	}
	free(facts);
}
