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

	_Static_assert(sizeof(covered) == 54, "no padding to be hashed");
	memcpy(covered.transaction, transaction, STUN_TRANSACTION_LEN);
	return siphash(key, &covered, sizeof(covered));
}

void turn_endings_add(struct turn_endings *endings, const uint8_t *key,
		      const struct turn_tuple *tuple, const uint8_t *transaction, uint64_t now)
{
	endings->ring[endings->next] = (struct turn_ending){
		.digest = digest(key, tuple, transaction),
		.until = now + TURN_ENDINGS_NS,
	};
	endings->next = (endings->next + 1) % TURN_ENDINGS_MAX;
}

bool turn_endings_has(const struct turn_endings *endings, const uint8_t *key,
		      const struct turn_tuple *tuple, const uint8_t *transaction, uint64_t now)
{
	uint64_t wanted = digest(key, tuple, transaction);

	for (size_t i = 0; i < TURN_ENDINGS_MAX; i++) {
		if (endings->ring[i].digest == wanted && endings->ring[i].until > now)
			return true;
	}
	return false;
}
