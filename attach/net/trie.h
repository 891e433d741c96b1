/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An index of things by IP address, to find those that a prefix covers: a binary trie without nodes
 * that have a single child. A lookup takes a step for each bit in which addresses differ.
 */
#ifndef TURNPIKE_ATTACH_NET_TRIE_H
#define TURNPIKE_ATTACH_NET_TRIE_H

#include <turnpike/addr.h>

#include "net/selector.h"

struct trie_node;

/** Part of a thing that is indexed. Several may have the same address. */
struct trie_member {
	void *thing; /* for the caller; set before trie_add() */
	struct trie_node *node;
	struct trie_member *next, *prev;
};

/** All zero: empty. */
struct trie {
	struct trie_node *root4;
	struct trie_node *root6;
};

/** trie_add() - index @member by @addr, whose port is ignored. Return: 0 or -ENOMEM. */
int trie_add(struct trie *trie, const struct turnpike_addr *addr, struct trie_member *member);

/** trie_remove() - undo trie_add(). */
void trie_remove(struct trie *trie, struct trie_member *member);

/** trie_walk() - call @fn, which must not change the trie, for the thing of each member covered. */
void trie_walk(const struct trie *trie, const struct prefix *prefix,
	       void (*fn)(void *thing, void *arg), void *arg);

#endif /* TURNPIKE_ATTACH_NET_TRIE_H */
