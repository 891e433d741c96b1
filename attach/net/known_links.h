/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which notifications of a device report a change that packets depend on. Many do not: of counters,
 * of programs that are attached, of a port of a bridge.
 */
#ifndef TURNPIKE_ATTACH_NET_KNOWN_LINKS_H
#define TURNPIKE_ATTACH_NET_KNOWN_LINKS_H

#include <stdbool.h>

#include "net/link.h"

struct known_link;

/** All zero: none is known. */
struct known_links {
	struct known_link *all;
};

/** known_links_update() - learn about a device. Return: has it changed, or was it not known? */
bool known_links_update(struct known_links *links, const struct link_facts *link);

/** known_links_forget() - forget a device. */
void known_links_forget(struct known_links *links, __u32 ifindex);

/** known_links_clear() - forget all. */
void known_links_clear(struct known_links *links);

#endif /* TURNPIKE_ATTACH_NET_KNOWN_LINKS_H */
