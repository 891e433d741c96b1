/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "turn/auth/unauth_limit.h"

#define NS_PER_S 1000000000ull

/** Slots of 16 bytes: 256 KiB. */
#define N_SLOTS   (1u << 14)
#define N_CHOICES 2

/**
 * struct slot - the state of one source
 * @source: hash of the source
 * @debt:   when the burst is full again if the source sends nothing more, in ns
 */
struct slot {
	uint64_t source;
	uint64_t debt;
};

/** struct turn_unauth_limit - @lock: protects @slots */
struct turn_unauth_limit {
	pthread_mutex_t lock;
	uint8_t key[SIPHASH_KEY_LEN];
	struct slot slots[N_SLOTS];
};

struct turn_unauth_limit *turn_unauth_limit_new(const uint8_t key[static SIPHASH_KEY_LEN])
{
	struct turn_unauth_limit *unauth_limit = calloc(1, sizeof(*unauth_limit));

	if (!unauth_limit)
		return NULL;
	pthread_mutex_init(&unauth_limit->lock, NULL);
	memcpy(unauth_limit->key, key, sizeof(unauth_limit->key));
	return unauth_limit;
}

void turn_unauth_limit_free(struct turn_unauth_limit *unauth_limit)
{
	if (!unauth_limit)
		return;
	pthread_mutex_destroy(&unauth_limit->lock);
	free(unauth_limit);
}

static uint64_t hash_of(const struct turn_unauth_limit *unauth_limit,
			const struct turnpike_addr *source)
{
	const size_t len = source->family == TURNPIKE_IPV4 ? 4 : 8;
	uint8_t named[1 + 8] = { (uint8_t)source->family };

	memcpy(named + 1, source->ip, len);
	return siphash(unauth_limit->key, named, sizeof(named));
}

/** Returns the slot of the source, or the slot that it may take over: the one with less debt. */
static struct slot *find_slot(struct turn_unauth_limit *unauth_limit, uint64_t source)
{
	struct slot *found = NULL;
	uint64_t bits = source;

	for (size_t i = 0; i < N_CHOICES; i++, bits /= N_SLOTS) {
		struct slot *slot = &unauth_limit->slots[bits % N_SLOTS];

		if (slot->source == source)
			return slot;
		if (!found || slot->debt < found->debt)
			found = slot;
	}
	return found;
}

static bool take(struct turn_unauth_limit *unauth_limit, uint64_t hash, uint32_t rate, uint64_t now)
{
	struct slot *slot = find_slot(unauth_limit, hash);
	uint64_t debt = slot->source == hash && slot->debt > now ? slot->debt : now;

	debt += NS_PER_S / rate;
	if (debt > now + TURN_UNAUTH_BURST_S * NS_PER_S)
		return false;
	*slot = (struct slot){ hash, debt };
	return true;
}

bool turn_unauth_charge(struct turn_unauth_limit *unauth_limit, const struct turnpike_addr *source,
			uint32_t rate, uint64_t now)
{
	bool taken;

	if (rate == 0)
		return true;
	pthread_mutex_lock(&unauth_limit->lock);
	taken = take(unauth_limit, hash_of(unauth_limit, source), rate, now);
	pthread_mutex_unlock(&unauth_limit->lock);
	return taken;
}

void turn_unauth_refund(struct turn_unauth_limit *unauth_limit, const struct turnpike_addr *source,
			uint32_t rate, uint64_t now)
{
	uint64_t hash;
	struct slot *slot;

	if (rate == 0)
		return;
	hash = hash_of(unauth_limit, source);
	pthread_mutex_lock(&unauth_limit->lock);
	slot = find_slot(unauth_limit, hash);
	if (slot->source == hash && slot->debt > now)
		slot->debt -= NS_PER_S / rate;
	pthread_mutex_unlock(&unauth_limit->lock);
}
