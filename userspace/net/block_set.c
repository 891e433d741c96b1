/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "net/block_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/cidr_set.h"

/** struct block_set - @users: sorted */
struct block_set {
	struct cidr_set *prefixes;
	size_t n_users;
	char users[][TURN_USERNAME_SIZE];
};

bool block_is_same(const struct block *a, const struct block *b)
{
	return strcmp(a->user, b->user) == 0 && a->prefix.prefix == b->prefix.prefix &&
	       addr_equal(&a->prefix.addr, &b->prefix.addr);
}

static int compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

static struct cidr_set *prefixes_of(const struct block *list, size_t n)
{
	struct addr_cidr *prefixes = calloc(n + 1, sizeof(*prefixes));
	struct cidr_set *set = NULL;
	size_t used = 0;

	for (size_t i = 0; i < n && prefixes; i++) {
		if (!*list[i].user)
			prefixes[used++] = list[i].prefix;
	}
	if (prefixes)
		set = cidr_set_new(prefixes, used);
	free(prefixes);
	return set;
}

struct block_set *block_set_new(const struct block *list, size_t n)
{
	struct block_set *set = calloc(1, sizeof(*set) + n * sizeof(set->users[0]));

	if (!set)
		return NULL;
	set->prefixes = prefixes_of(list, n);
	if (!set->prefixes) {
		free(set);
		return NULL;
	}
	for (size_t i = 0; i < n; i++) {
		if (*list[i].user)
			strcpy(set->users[set->n_users++], list[i].user);
	}
	qsort(set->users, set->n_users, sizeof(set->users[0]), compare);
	return set;
}

void block_set_free(struct block_set *set)
{
	if (set)
		cidr_set_free(set->prefixes);
	free(set);
}

bool block_set_has_user(const struct block_set *set, const char *name)
{
	return set && bsearch(name, set->users, set->n_users, sizeof(set->users[0]), compare);
}

bool block_set_has_client(const struct block_set *set, const struct turnpike_addr *addr)
{
	return set && cidr_set_has(set->prefixes, addr);
}
