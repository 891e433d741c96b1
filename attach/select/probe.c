/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "select/probe.h"

#include <errno.h>
#include <net/if_arp.h>
#include <stdlib.h>

#include "select/facts.h"
#include "net/link.h"
#include "net/netlink.h"
#include "select/select.h"

typedef int probe_fn(const struct turnpike_probe_result *probe, void *arg);

static int probe_one(struct privileged *privileged, const char *ifname, probe_fn *fn, void *arg)
{
	const struct select_policy policy = { .own_all = true };
	struct turnpike_facts *facts;
	struct plan plan;
	int err = facts_gather(privileged, ifname, &facts);

	if (err)
		return err;
	err = select_plan(facts, &policy, &plan);
	if (!err)
		err = fn(&(struct turnpike_probe_result){ .facts = facts, .plan = plan.candidates },
			 arg);
	facts_free(facts);
	return err;
}

static int probe_all(struct privileged *privileged, probe_fn *fn, void *arg)
{
	struct link_facts *links;
	size_t n, i;
	int err = netlink_links(privileged->sock, &links, &n);

	if (err)
		return err;
	for (i = 0; !err && i < n; i++) {
		if (links[i].arptype != ARPHRD_ETHER)
			continue;
		err = probe_one(privileged, links[i].name, fn, arg);
		if (err == -ENODEV)
			err = 0; /* deleted in the meantime */
	}
	free(links);
	return err;
}

int probe_devices(const char *ifname, probe_fn *fn, void *arg)
{
	struct privileged privileged = PRIVILEGED_NONE;
	int err = netlink_open(NETLINK_ROUTE, &privileged.sock);

	if (err)
		return err;
	err = ifname ? probe_one(&privileged, ifname, fn, arg) : probe_all(&privileged, fn, arg);
	nl_socket_free(privileged.sock);
	return err;
}
