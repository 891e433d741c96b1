/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file retransmit_cache.h
 * Requests that have ended a relay or an allocation. What they were about is gone, so that nothing
 * else can tell when one comes once more (RFC 8489 section 6.3.1).
 */
#ifndef TURNPIKE_TURN_STATE_RETRANSMIT_CACHE_H
#define TURNPIKE_TURN_STATE_RETRANSMIT_CACHE_H

#include <stdbool.h>
#include <stdint.h>

#include "stun/protocol.h"
#include "turn/turn.h"

/** A client that has not heard the response by then thinks that there is no server any more. */
#define TURN_RETRANSMIT_NS 40000000000ull

/** When more than these end within that time, the first of them are forgotten. */
#define TURN_RETRANSMIT_MAX 256

/** struct turn_retransmit_entry - a request, by 64 bits that nobody else can work out */
struct turn_retransmit_entry {
	uint64_t digest;
	uint64_t until;
};

/** struct turn_retransmit_cache - the last ones; {} to begin with */
struct turn_retransmit_cache {
	struct turn_retransmit_entry ring[TURN_RETRANSMIT_MAX];
	size_t next;
};

/** turn_retransmit_cache_add() - remember a request; @key: SIPHASH_KEY_LEN bytes */
void turn_retransmit_cache_add(struct turn_retransmit_cache *cache, const uint8_t *key,
			       const struct turn_tuple *tuple, const uint8_t *transaction,
			       uint64_t now);

/** turn_retransmit_cache_has() - is this one of them? */
bool turn_retransmit_cache_has(const struct turn_retransmit_cache *cache, const uint8_t *key,
			       const struct turn_tuple *tuple, const uint8_t *transaction,
			       uint64_t now);

#endif /* TURNPIKE_TURN_STATE_RETRANSMIT_CACHE_H */
