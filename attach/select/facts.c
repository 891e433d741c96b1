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
#include "select/ethtool.h"
#include "select/netdev.h"
#include "net/link.h"
#include "select/owners.h"
#include "select/sysfs.h"

/* Read once, since it does not change. */
static struct {
	__u32 version;
	int bpf_error;
	int tcx_error;
} kernel;

/* Load an empty program. */
static int trial_load(enum bpf_prog_type type)
{
	const struct bpf_insn insns[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	const int fd = bpf_prog_load(type, "trial", "GPL", insns, 2, NULL);

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
	unsigned int major = 0, minor = 0;
	struct utsname name;

	if (uname(&name) == 0 && sscanf(name.release, "%u.%u", &major, &minor) == 2)
		kernel.version = TURNPIKE_KERNEL(major, minor);
	kernel.bpf_error = trial_load(BPF_PROG_TYPE_XDP);
	if (!kernel.bpf_error)
		kernel.bpf_error = trial_load(BPF_PROG_TYPE_SCHED_CLS);
	kernel.tcx_error = trial_tcx();
	libbpf_set_print(print);
}

static void add_kernel(struct turnpike_facts *facts)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, ask_kernel);
	facts->kernel = kernel.version;
	facts->bpf_error = kernel.bpf_error;
	facts->tcx_error = kernel.tcx_error;
}

/* Gather all but the relatives. */
static struct turnpike_facts *gather_one(struct nl_sock *sock, const struct link_facts *link,
					 bool elsewhere)
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
	add_kernel(facts);
	owners_read(sock, link, facts);
	if (!elsewhere) {
		ethtool_read(facts);
		sysfs_read(link, facts);
		facts->xdp_known = netdev_xdp_features(link->ifindex, &facts->xdp_features) == 0;
	}
	return facts;
}

static int add_relative(struct nl_sock *sock, struct turnpike_facts *self,
			const struct link_facts *link, enum turnpike_relation relation,
			bool elsewhere)
{
	struct turnpike_facts *facts = gather_one(sock, link, elsewhere);

	if (!facts)
		return -ENOMEM;
	facts->relation = relation;
	facts->next = self->related;
	self->related = facts;
	return 0;
}

/* The index is always known. More about a device of another namespace needs privileges there. */
static int add_elsewhere(struct nl_sock *sock, struct turnpike_facts *self,
			 const struct link_facts *link, enum turnpike_relation relation)
{
	struct link_facts other;

	if (netlink_link_elsewhere(sock, link->link_netns, link->link, &other))
		other = (struct link_facts){ .ifindex = link->link };
	return add_relative(sock, self, &other, relation, true);
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

static int add_relatives(struct nl_sock *sock, struct turnpike_facts *self,
			 const struct link_facts *link)
{
	const enum turnpike_relation below =
		strcmp(link->kind, "veth") == 0 ? TURNPIKE_RELATION_PEER : TURNPIKE_RELATION_LOWER;
	enum turnpike_relation relation;
	struct link_facts *links;
	size_t n, i;
	int err = netlink_links(sock, &links, &n);

	if (err)
		return err;
	if (link->link && link->link_netns != NETNS_OURS)
		err = add_elsewhere(sock, self, link, below);
	for (i = 0; !err && i < n; i++) {
		relation = relation_of(&links[i], link, below);
		if (relation != TURNPIKE_RELATION_SELF)
			err = add_relative(sock, self, &links[i], relation, false);
	}
	free(links);
	return err;
}

int facts_gather(struct nl_sock *sock, const char *ifname, struct turnpike_facts **ret)
{
	struct turnpike_facts *facts;
	struct link_facts link;
	int err = netlink_link(sock, 0, ifname, &link);

	if (err)
		return err;
	facts = gather_one(sock, &link, false);
	if (!facts)
		return -ENOMEM;
	err = add_relatives(sock, facts, &link);
	if (err) {
		facts_free(facts);
		return err;
	}
	*ret = facts;
	return 0;
}

void facts_free(struct turnpike_facts *facts)
{
	const struct turnpike_facts *next;

	while (facts) {
		next = facts->relation == TURNPIKE_RELATION_SELF ? facts->related : facts->next;
		free(facts);
		facts = (struct turnpike_facts *)(uintptr_t)next;
	}
}
