/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* An insertion that runs out of memory leaves hh.tbl NULL. */
#define HASH_NONFATAL_OOM 1
#include "net/known_links.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

struct known_link {
	__u32 ifindex;
	struct link_facts facts;
	UT_hash_handle hh;
};

/* The name, too: firewall rules match it. */
static bool is_equal(const struct link_facts *a, const struct link_facts *b)
{
	return strcmp(a->name, b->name) == 0 && a->mtu == b->mtu && a->arptype == b->arptype &&
	       a->up == b->up && memcmp(a->mac, b->mac, sizeof(a->mac)) == 0 &&
	       a->master == b->master && a->link == b->link &&
	       memcmp(&a->tag, &b->tag, sizeof(a->tag)) == 0;
}

static struct known_link *find(const struct known_links *links, __u32 ifindex)
{
	struct known_link *known;

	HASH_FIND(hh, links->all, &ifindex, sizeof(ifindex), known);
	return known;
}

/* Without memory the device stays unknown. */
static struct known_link *add(struct known_links *links, __u32 ifindex)
{
	struct known_link *known = calloc(1, sizeof(*known));

	if (!known)
		return NULL;
	known->ifindex = ifindex;
	HASH_ADD(hh, links->all, ifindex, sizeof(known->ifindex), known);
	if (known->hh.tbl)
		return known;
	free(known);
	return NULL;
}

bool known_links_update(struct known_links *links, const struct link_facts *link)
{
	struct known_link *known = find(links, link->ifindex);

	if (known && is_equal(&known->facts, link))
		return false;
	if (!known)
		known = add(links, link->ifindex);
	if (known)
		known->facts = *link;
	return true;
}

void known_links_forget(struct known_links *links, __u32 ifindex)
{
	struct known_link *known = find(links, ifindex);

	if (!known)
		return;
	HASH_DEL(links->all, known);
	free(known);
}

void known_links_clear(struct known_links *links)
{
	while (links->all)
		known_links_forget(links, links->all->ifindex);
}
