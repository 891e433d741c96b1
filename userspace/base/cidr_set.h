/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file cidr_set.h
 * Sets of prefixes that are searched for each packet. A set does not change: any thread may search
 * it.
 */
#ifndef TURNPIKE_BASE_CIDR_SET_H
#define TURNPIKE_BASE_CIDR_SET_H

#include "base/addr.h"

struct cidr_set;

/**
 * cidr_set_new() - make a set of the @n prefixes of @list, which is copied
 *
 * Return: the set, for cidr_set_free(), or NULL if out of memory.
 */
struct cidr_set *cidr_set_new(const struct addr_cidr *list, size_t n);

/** cidr_set_free() - free @set; NULL is allowed */
void cidr_set_free(struct cidr_set *set);

/** cidr_set_has() - whether a prefix of @set has @addr, in O(log n); NULL is an empty set */
bool cidr_set_has(const struct cidr_set *set, const struct turnpike_addr *addr);

#endif /* TURNPIKE_BASE_CIDR_SET_H */
