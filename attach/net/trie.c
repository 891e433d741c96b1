/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "net/trie.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <utlist.h>

/* A leaf is an address with members; any other node has two children, which begin with its prefix.
 */
struct trie_node {
	struct prefix prefix;
	struct trie_node *parent;
	struct trie_node *child[2];
	struct trie_member *members;
};

static __u8 width(const struct turnpike_addr *addr)
{
	return addr->family == TURNPIKE_IPV4 ? 32 : 128;
}

static unsigned int bit(const struct turnpike_addr *addr, __u8 number)
{
	return addr->ip[number / 8] >> (7 - number % 8) & 1;
}

/* How many of the first @max bits are equal. */
static __u8 common(const struct turnpike_addr *a, const struct turnpike_addr *b, __u8 max)
{
	__u8 n = 0;

	while (n + 8 <= max && a->ip[n / 8] == b->ip[n / 8])
		n += 8;
	while (n < max && bit(a, n) == bit(b, n))
		n++;
	return n;
}

static struct trie_node **root_of(struct trie *trie, __u8 family)
{
	return family == TURNPIKE_IPV4 ? &trie->root4 : &trie->root6;
}

/* The pointer that leads to a node. */
static struct trie_node **link_to(struct trie *trie, const struct trie_node *node)
{
	struct trie_node *parent = node->parent;

	if (!parent)
		return root_of(trie, node->prefix.addr.family);
	return &parent->child[parent->child[1] == node];
}

static struct trie_node *new_node(const struct turnpike_addr *addr, __u8 len,
				  struct trie_node *parent)
{
	struct trie_node *node = calloc(1, sizeof(*node));

	if (!node)
		return NULL;
	node->prefix = (struct prefix){ .addr = *addr, .len = len };
	node->parent = parent;
	return node;
}

/* Replaces @below, which differs from @addr after @len bits, by a node with both. */
static struct trie_node *split(struct trie_node **link, const struct turnpike_addr *addr, __u8 len)
{
	struct trie_node *below = *link;
	struct trie_node *fork = new_node(addr, len, below->parent);
	struct trie_node *leaf = fork ? new_node(addr, width(addr), fork) : NULL;

	if (!leaf) {
		free(fork);
		return NULL;
	}
	fork->child[bit(addr, len)] = leaf;
	fork->child[!bit(addr, len)] = below;
	below->parent = fork;
	*link = fork;
	return leaf;
}

/* The leaf of an address; NULL without memory. */
static struct trie_node *get_leaf(struct trie *trie, const struct turnpike_addr *addr)
{
	struct trie_node **link = root_of(trie, addr->family);
	__u8 len;

	if (!*link) {
		*link = new_node(addr, width(addr), NULL);
		return *link;
	}
	for (;;) {
		len = common(&(*link)->prefix.addr, addr, (*link)->prefix.len);
		if (len < (*link)->prefix.len)
			return split(link, addr, len);
		if (len == width(addr))
			return *link;
		link = &(*link)->child[bit(addr, len)];
	}
}

int trie_add(struct trie *trie, const struct turnpike_addr *addr, struct trie_member *member)
{
	member->node = get_leaf(trie, addr);
	if (!member->node)
		return -ENOMEM;
	DL_APPEND(member->node->members, member);
	return 0;
}

void trie_remove(struct trie *trie, struct trie_member *member)
{
	struct trie_node *leaf = member->node, *fork = leaf->parent, *other;

	DL_DELETE(leaf->members, member);
	if (leaf->members)
		return;
	if (fork) {
		other = fork->child[fork->child[0] == leaf];
		*link_to(trie, fork) = other;
		other->parent = fork->parent;
	} else {
		*link_to(trie, leaf) = NULL;
	}
	free(fork);
	free(leaf);
}

/* The next node of the subtree below @top, in depth-first order. */
static const struct trie_node *next(const struct trie_node *node, const struct trie_node *top)
{
	if (node->child[0])
		return node->child[0];
	while (node != top && node == node->parent->child[1])
		node = node->parent;
	return node == top ? NULL : node->parent->child[1];
}

void trie_walk(const struct trie *trie, const struct prefix *prefix,
	       void (*fn)(void *thing, void *arg), void *arg)
{
	const struct trie_node *top =
		prefix->addr.family == TURNPIKE_IPV4 ? trie->root4 : trie->root6;
	const struct trie_node *node;
	struct trie_member *member;

	while (top && top->prefix.len < prefix->len)
		top = top->child[bit(&prefix->addr, top->prefix.len)];
	if (!top || !prefix_covers(prefix, &top->prefix.addr))
		return;
	for (node = top; node; node = next(node, top))
		DL_FOREACH(node->members, member)
			fn(member->thing, arg);
}
