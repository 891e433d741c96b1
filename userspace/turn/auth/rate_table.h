/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file rate_table.h
 * Rates of many keys, by hash, in fixed memory.
 *
 * Each hash has two slots that it may use. A hash without a slot takes the one that is free sooner.
 * Thousands of keys, most likely of spoofed sources, thus evict each other; a key that is charged
 * little loses nothing, as it starts over with a full burst. The owner has a lock.
 */
#ifndef TURNPIKE_TURN_AUTH_RATE_TABLE_H
#define TURNPIKE_TURN_AUTH_RATE_TABLE_H

#include <stdbool.h>
#include <stdint.h>

/** Slots of 16 bytes: 256 KiB. */
#define RATE_TABLE_SLOTS (1u << 14)

/**
 * struct rate_table - zero it before use
 * @key:  hash of a key
 * @free: the time, in ns, at which its burst is full again if it is not charged before
 */
struct rate_table {
	struct {
		uint64_t key;
		uint64_t free;
	} slots[RATE_TABLE_SLOTS];
};

/** struct rate - @cost: ns of one charge, not 0; @burst: ns of charges that may come at once */
struct rate {
	uint64_t cost;
	uint64_t burst;
};

/** rate_table_has() - may @key be charged at @now (ns)? */
bool rate_table_has(const struct rate_table *table, uint64_t key, const struct rate *rate,
		    uint64_t now);

/** rate_table_take() - charge @key */
void rate_table_take(struct rate_table *table, uint64_t key, const struct rate *rate, uint64_t now);

/** rate_table_give() - take back one charge, unless it is forgotten by now */
void rate_table_give(struct rate_table *table, uint64_t key, const struct rate *rate, uint64_t now);

/** rate_table_occupy() - keep a slot for @key until @until, to be asked by rate_table_is_occupied()
 */
void rate_table_occupy(struct rate_table *table, uint64_t key, uint64_t until);
bool rate_table_is_occupied(const struct rate_table *table, uint64_t key, uint64_t now);

#endif /* TURNPIKE_TURN_AUTH_RATE_TABLE_H */
