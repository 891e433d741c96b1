/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "turn/auth/rate_table.h"

#include <stddef.h>

#define N_CHOICES 2

/** Returns the index of the slot of @key, or of the one that it may take. */
static size_t find(const struct rate_table *table, uint64_t key)
{
	size_t found = key % RATE_TABLE_SLOTS;
	uint64_t bits = key;

	for (size_t i = 0; i < N_CHOICES; i++, bits /= RATE_TABLE_SLOTS) {
		const size_t index = bits % RATE_TABLE_SLOTS;

		if (table->slots[index].key == key)
			return index;
		if (table->slots[index].free < table->slots[found].free)
			found = index;
	}
	return found;
}

static uint64_t free_at(const struct rate_table *table, uint64_t key, uint64_t now)
{
	const size_t index = find(table, key);

	if (table->slots[index].key == key && table->slots[index].free > now)
		return table->slots[index].free;
	return now;
}

static void set(struct rate_table *table, uint64_t key, uint64_t free)
{
	const size_t index = find(table, key);

	table->slots[index].key = key;
	table->slots[index].free = free;
}

bool rate_table_has(const struct rate_table *table, uint64_t key, const struct rate *rate,
		    uint64_t now)
{
	return free_at(table, key, now) + rate->cost <= now + rate->burst;
}

void rate_table_take(struct rate_table *table, uint64_t key, const struct rate *rate, uint64_t now)
{
	set(table, key, free_at(table, key, now) + rate->cost);
}

void rate_table_give(struct rate_table *table, uint64_t key, const struct rate *rate, uint64_t now)
{
	const uint64_t free = free_at(table, key, now);

	if (free > now)
		set(table, key, free - rate->cost);
}

void rate_table_occupy(struct rate_table *table, uint64_t key, uint64_t until)
{
	set(table, key, until);
}

bool rate_table_is_occupied(const struct rate_table *table, uint64_t key, uint64_t now)
{
	return free_at(table, key, now) > now;
}
