/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file block_set.h
 * Users and clients that are blocked. A set does not change: any thread may search it.
 */
#ifndef TURNPIKE_NET_BLOCK_SET_H
#define TURNPIKE_NET_BLOCK_SET_H

#include "base/addr.h"
#include "turn/walk.h"

/**
 * struct block - a user, or the clients in a prefix
 * @user:   name or username; empty: @prefix
 * @prefix: family 0 with a user
 * @until:  when it ends; TURN_NEVER: only by hand
 */
struct block {
	char user[TURN_USERNAME_SIZE];
	struct addr_cidr prefix;
	uint64_t until;
};

struct block_set;

/** block_is_same() - whether two blocks concern the same user or prefix */
bool block_is_same(const struct block *a, const struct block *b);

/** block_set_new() - make a set of the @n blocks of @list, which is copied; NULL: out of memory */
struct block_set *block_set_new(const struct block *list, size_t n);

/** block_set_free() - free @set; NULL is allowed */
void block_set_free(struct block_set *set);

/** block_set_has_user() - whether a name is blocked, in O(log n); NULL is an empty set */
bool block_set_has_user(const struct block_set *set, const char *name);

/** block_set_has_client() - whether an address without a zone is, likewise */
bool block_set_has_client(const struct block_set *set, const struct turnpike_addr *addr);

#endif /* TURNPIKE_NET_BLOCK_SET_H */
