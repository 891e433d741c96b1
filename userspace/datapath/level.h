/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file level.h
 * A level of the rate limits: one token bucket per direction. While it is open, the buckets are
 * policers of the library, which programs charge as well, or private memory. While it is closed, it
 * remembers how full they are, and uses no policer.
 *
 * One thread at a time, except level_charge().
 */
#ifndef TURNPIKE_DATAPATH_LEVEL_H
#define TURNPIKE_DATAPATH_LEVEL_H

#include <stdbool.h>
#include <stdint.h>
#include <turnpike/turnpike.h>

#include "turn/turn.h"

#define LEVEL_DIRECTIONS 2

/**
 * struct level - by enum turn_direction
 * @tp:       NULL: @buckets are charged; else they have the state of when it was last closed
 * @above:    the next level, or NULL
 * @rate:     units per second; 0: no limit
 * @policers: of @tp
 */
struct level {
	struct turnpike *tp;
	struct level *above;
	uint64_t rate;
	uint32_t policers[LEVEL_DIRECTIONS];
	struct turnpike_policer buckets[LEVEL_DIRECTIONS];
};

/** level_init() - make full buckets of @rate; 0: no limit, but level_set() can set one later */
void level_init(struct level *level, enum turnpike_policer_unit unit, uint64_t rate);

/**
 * level_open() - let packets be charged, to buckets as full as when it was closed
 * @tp:    holds the buckets; NULL: they are in private memory
 * @above: an open level, or NULL
 *
 * Return: 0, or -ENOSPC if @tp has no policer left; then it is closed.
 */
int level_open(struct level *level, struct turnpike *tp, struct level *above);

/** level_close() - free the policers of @level, which nothing uses any more */
void level_close(struct level *level);

/** level_set() - change the rate of a level, open or closed; it stays as full as it is */
void level_set(struct level *level, uint64_t rate);

/** level_join() - let closed @level lack in each direction what closed @other does, or more */
void level_join(struct level *level, const struct level *other);

/** level_full() - when both buckets of a closed level will be full: ns, perhaps in the past */
uint64_t level_full(const struct level *level);

/** level_charge() - charge a packet to @level and all above. Return: whether it may pass. */
bool level_charge(struct level *level, enum turn_direction direction, uint32_t bytes);

#endif /* TURNPIKE_DATAPATH_LEVEL_H */
