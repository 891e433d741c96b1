/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdlib.h>
#include <string.h>
#include <turnpike/policer.h>

#include "base/random.h"
#include "base/siphash.h"
#include "datapath/neighbour_limit.h"

/**
 * Users share a set by their hash, which only we know. So it costs no memory to come and go, and
 * nobody starts anew by doing so.
 */
#define SETS 1024

/** struct set - token buckets of one user, by family: a token is a neighbour */
struct set {
	struct turnpike_policer probes[2];
};

struct neighbour_limit {
	uint8_t hash_key[SIPHASH_KEY_LEN];
	struct set sets[SETS];
};

struct neighbour_limit *neighbour_limit_new(void)
{
	struct neighbour_limit *limit = calloc(1, sizeof(*limit));

	if (!limit)
		return NULL;
	random_fill(limit->hash_key, sizeof(limit->hash_key));
	return limit;
}

void neighbour_limit_free(struct neighbour_limit *limit)
{
	free(limit);
}

/* Within NEIGHBOUR_PROBE_NS, half of them at once and as many later. */
static void set_probes(struct turnpike_policer *probes, uint32_t n, uint64_t now)
{
	const uint64_t seconds = 2 * NEIGHBOUR_PROBE_NS / 1000000000ull;

	turnpike_policer_change(probes, now, n ? (n + seconds - 1) / seconds : 0, (n + 1) / 2);
}

void neighbour_limit_set(struct neighbour_limit *limit, uint32_t ipv4, uint32_t ipv6, uint64_t now)
{
	for (size_t i = 0; i < SETS; i++) {
		set_probes(&limit->sets[i].probes[0], ipv4, now);
		set_probes(&limit->sets[i].probes[1], ipv6, now);
	}
}

bool neighbour_limit_probe(struct neighbour_limit *limit, const char *user,
			   enum turnpike_family family, uint64_t now)
{
	const uint64_t hash = siphash(limit->hash_key, user, strlen(user));
	struct set *set = &limit->sets[hash % SETS];

	return turnpike_policer_charge(&set->probes[family != TURNPIKE_IPV4], now, 1);
}
