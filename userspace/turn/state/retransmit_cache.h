/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file retransmit_cache.h
 * Recent requests that ended a relay or an allocation. A retransmission of one finds its allocation
 * gone, so only this cache can recognize it (RFC 8489 section 6.3.1).
 */
#ifndef TURNPIKE_TURN_STATE_RETRANSMIT_CACHE_H
#define TURNPIKE_TURN_STATE_RETRANSMIT_CACHE_H

#include "stun/protocol.h"
#include "turn/types.h"

/** Clients give up on a transaction within this time (RFC 8489 section 6.2.1: 39.5 s). */
#define TURN_RETRANSMIT_NS 40000000000ull

/** Entries of the cache; more requests within TURN_RETRANSMIT_NS evict the oldest. */
#define TURN_RETRANSMIT_MAX 256

/** struct turn_retransmit_entry - a request, as a keyed 64-bit digest, remembered until @until */
struct turn_retransmit_entry {
	uint64_t digest;
	uint64_t until;
};

/** struct turn_retransmit_cache - a ring of the last requests; initialize with {} */
struct turn_retransmit_cache {
	struct turn_retransmit_entry ring[TURN_RETRANSMIT_MAX];
	size_t next;
};

/** turn_retransmit_cache_add() - remember a request; @key: SIPHASH_KEY_LEN bytes */
void turn_retransmit_cache_add(struct turn_retransmit_cache *cache, const uint8_t *key,
			       const struct turn_tuple *tuple, const uint8_t *transaction,
			       uint64_t now);

/** turn_retransmit_cache_has() - whether the cache remembers the request at @now */
bool turn_retransmit_cache_has(const struct turn_retransmit_cache *cache, const uint8_t *key,
			       const struct turn_tuple *tuple, const uint8_t *transaction,
			       uint64_t now);

#endif /* TURNPIKE_TURN_STATE_RETRANSMIT_CACHE_H */
