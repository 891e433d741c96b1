/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "base/cidr_set.h"

/** struct cidr_set - @list: sorted, and disjoint: what another prefix contains is left out */
struct cidr_set {
	size_t n;
	struct addr_cidr list[];
};

static int compare_addrs(const struct turnpike_addr *a, const struct turnpike_addr *b)
{
	const int family = a->family - b->family;

	return family ? family : memcmp(a->ip, b->ip, sizeof(a->ip));
}

/* Of prefixes with the same first address, the widest comes first. */
static int compare(const void *a, const void *b)
{
	const struct addr_cidr *x = a, *y = b;
	const int order = compare_addrs(&x->addr, &y->addr);

	return order ? order : (int)x->prefix - (int)y->prefix;
}

/* Two prefixes are disjoint, or one contains the other. */
static void leave_out_contained(struct cidr_set *set)
{
	size_t kept = 0;

	for (size_t i = 0; i < set->n; i++) {
		if (kept == 0 || !addr_cidr_contains(&set->list[kept - 1], &set->list[i].addr))
			set->list[kept++] = set->list[i];
	}
	set->n = kept;
}

struct cidr_set *cidr_set_new(const struct addr_cidr *list, size_t n)
{
	struct cidr_set *set = malloc(sizeof(*set) + n * sizeof(*list));

	if (!set)
		return NULL;
	set->n = n;
	if (n > 0)
		memcpy(set->list, list, n * sizeof(*list));
	qsort(set->list, n, sizeof(*list), compare);
	leave_out_contained(set);
	return set;
}

void cidr_set_free(struct cidr_set *set)
{
	free(set);
}

bool cidr_set_has(const struct cidr_set *set, const struct turnpike_addr *addr)
{
	size_t first = 0, end = set ? set->n : 0;

	/* The last prefix that begins at @addr or before it is the only one that may have it. */
	while (first < end) {
		const size_t middle = first + (end - first) / 2;

		if (compare_addrs(&set->list[middle].addr, addr) <= 0)
			first = middle + 1;
		else
			end = middle;
	}
	return first > 0 && addr_cidr_contains(&set->list[first - 1], addr);
}
