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

/**
 * known_links_update() - learn of a device from a notification
 *
 * Return: has it changed? True if there was none before.
 */
bool known_links_update(struct known_links *links, const struct link_facts *link);

/**
 * known_links_add() - learn of one from an answer
 *
 * Its next notification counts as a change in any case, as the answer may have come after it.
 */
void known_links_add(struct known_links *links, const struct link_facts *link);

/** known_links_has() - is a device known? */
bool known_links_has(const struct known_links *links, __u32 ifindex);

/** known_links_has_master() - is a device the master of a known one? */
bool known_links_has_master(const struct known_links *links, __u32 master);

/** known_links_forget() - forget a device. */
void known_links_forget(struct known_links *links, __u32 ifindex);

/** known_links_clear() - forget all. */
void known_links_clear(struct known_links *links);

#endif /* TURNPIKE_ATTACH_NET_KNOWN_LINKS_H */
