/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "net/known_links.h"

#include <stdlib.h>
#include <string.h>

#include "private/hash.h"

struct known_link {
	__u32 ifindex;
	bool notified;
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

static void learn(struct known_links *links, const struct link_facts *link, bool notified)
{
	struct known_link *known = find(links, link->ifindex);

	if (!known)
		known = add(links, link->ifindex);
	if (!known)
		return;
	known->facts = *link;
	known->notified = notified;
}

bool known_links_update(struct known_links *links, const struct link_facts *link)
{
	const struct known_link *known = find(links, link->ifindex);

	if (known && known->notified && is_equal(&known->facts, link))
		return false;
	learn(links, link, true);
	return true;
}

void known_links_add(struct known_links *links, const struct link_facts *link)
{
	learn(links, link, false);
}

bool known_links_has(const struct known_links *links, __u32 ifindex)
{
	return find(links, ifindex) != NULL;
}

bool known_links_has_master(const struct known_links *links, __u32 master)
{
	const struct known_link *known;

	for (known = links->all; known; known = known->hh.next)
		if (known->facts.master == master)
			return true;
	return false;
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
