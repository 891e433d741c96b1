/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>

#include "turn/state/retransmit_cache.h"
#include "base/siphash.h"

static uint64_t digest(const uint8_t *key, const struct turn_tuple *tuple,
		       const uint8_t *transaction)
{
	struct {
		struct turn_tuple tuple;
		uint8_t transaction[STUN_TRANSACTION_LEN];
	} covered = { .tuple = *tuple };

	_Static_assert(sizeof(covered) == 54, "hashed without padding");
	memcpy(covered.transaction, transaction, STUN_TRANSACTION_LEN);
	return siphash(key, &covered, sizeof(covered));
}

void turn_retransmit_cache_add(struct turn_retransmit_cache *cache, const uint8_t *key,
			       const struct turn_tuple *tuple, const uint8_t *transaction,
			       uint64_t now)
{
	cache->ring[cache->next] = (struct turn_retransmit_entry){
		.digest = digest(key, tuple, transaction),
		.until = now + TURN_RETRANSMIT_NS,
	};
	cache->next = (cache->next + 1) % TURN_RETRANSMIT_MAX;
}

bool turn_retransmit_cache_has(const struct turn_retransmit_cache *cache, const uint8_t *key,
			       const struct turn_tuple *tuple, const uint8_t *transaction,
			       uint64_t now)
{
	uint64_t wanted = digest(key, tuple, transaction);

	for (size_t i = 0; i < TURN_RETRANSMIT_MAX; i++) {
		if (cache->ring[i].digest == wanted && cache->ring[i].until > now)
			return true;
	}
	return false;
}
