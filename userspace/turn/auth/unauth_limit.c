/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "turn/auth/unauth_limit.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "private/array_len.h"
#include "turn/auth/rate_table.h"

#define NS_PER_S 1000000000ull

/** What a key of the table is about. */
enum subject {
	ANSWERS_TO_SOURCE,
	ANSWERS_TO_NETWORK,
	ANSWERS_TO_PROVEN,
	ANSWERS_TO_ALL,
	GUESSES_OF_SOURCE,
	GUESSES_OF_NETWORK,
	GUESSES_OF_ACCOUNT,
	GUESSES_OWN,
	PROOF,
};

/** struct charge - what is charged, and how much */
struct charge {
	uint64_t key;
	struct rate rate;
};

/**
 * struct turn_unauth_limit
 * @lock:   protects the tables
 * @rates:  of all subjects but PROOF
 * @proofs: the sources that are proven; apart, so that spoofed sources do not evict them
 */
struct turn_unauth_limit {
	pthread_mutex_t lock;
	uint8_t key[SIPHASH_KEY_LEN];
	struct rate_table rates;
	struct rate_table proofs;
};

struct turn_unauth_limit *turn_unauth_limit_new(const uint8_t key[static SIPHASH_KEY_LEN])
{
	struct turn_unauth_limit *limit = calloc(1, sizeof(*limit));

	if (!limit)
		return NULL;
	pthread_mutex_init(&limit->lock, NULL);
	memcpy(limit->key, key, sizeof(limit->key));
	return limit;
}

void turn_unauth_limit_free(struct turn_unauth_limit *limit)
{
	if (!limit)
		return;
	pthread_mutex_destroy(&limit->lock);
	free(limit);
}

static uint64_t key_of(const struct turn_unauth_limit *limit, enum subject subject,
		       struct turnpike_addr prefix)
{
	uint8_t named[1 + sizeof(prefix)] = { (uint8_t)subject };

	memcpy(named + 1, &prefix, sizeof(prefix));
	return siphash(limit->key, named, sizeof(named));
}

static uint64_t source_key(const struct turn_unauth_limit *limit, enum subject subject,
			   const struct turnpike_addr *addr)
{
	return key_of(limit, subject, addr_source(addr));
}

static uint64_t network_key(const struct turn_unauth_limit *limit, enum subject subject,
			    const struct turnpike_addr *addr)
{
	return key_of(limit, subject, addr_network(addr));
}

/** @times @rate per second */
static struct rate rate_of(uint32_t rate, uint32_t times)
{
	const uint64_t cost = NS_PER_S / ((uint64_t)rate * times);

	return (struct rate){ .cost = cost ? cost : 1, .burst = TURN_UNAUTH_BURST_S * NS_PER_S };
}

/** All or nothing. */
static bool charge(struct turn_unauth_limit *limit, const struct charge *charges, size_t n,
		   uint64_t now)
{
	for (size_t i = 0; i < n; i++) {
		if (!rate_table_has(&limit->rates, charges[i].key, &charges[i].rate, now))
			return false;
	}
	for (size_t i = 0; i < n; i++)
		rate_table_take(&limit->rates, charges[i].key, &charges[i].rate, now);
	return true;
}

static void refund(struct turn_unauth_limit *limit, const struct charge *charges, size_t n,
		   uint64_t now)
{
	for (size_t i = 0; i < n; i++)
		rate_table_give(&limit->rates, charges[i].key, &charges[i].rate, now);
}

/** Answers to one source: returns the number of charges. */
static size_t answers(const struct turn_unauth_limit *limit, const struct turnpike_addr *source,
		      uint32_t rate, uint64_t now, struct charge charges[static 3])
{
	const struct turnpike_addr family = { .family = source->family };

	if (rate_table_is_occupied(&limit->proofs, source_key(limit, PROOF, source), now)) {
		charges[0] = (struct charge){ source_key(limit, ANSWERS_TO_PROVEN, source),
					      rate_of(rate, TURN_UNAUTH_PROVEN) };
		return 1;
	}
	charges[0] =
		(struct charge){ source_key(limit, ANSWERS_TO_SOURCE, source), rate_of(rate, 1) };
	charges[1] = (struct charge){ network_key(limit, ANSWERS_TO_NETWORK, source),
				      rate_of(rate, TURN_UNAUTH_NETWORK) };
	charges[2] = (struct charge){ key_of(limit, ANSWERS_TO_ALL, family),
				      rate_of(rate, TURN_UNAUTH_ALL) };
	return 3;
}

bool turn_unauth_charge(struct turn_unauth_limit *limit, const struct turnpike_addr *source,
			uint32_t rate, uint64_t now)
{
	struct charge charges[3];
	bool charged;

	if (rate == 0)
		return true;
	pthread_mutex_lock(&limit->lock);
	charged = charge(limit, charges, answers(limit, source, rate, now, charges), now);
	pthread_mutex_unlock(&limit->lock);
	return charged;
}

void turn_unauth_refund(struct turn_unauth_limit *limit, const struct turnpike_addr *source,
			uint32_t rate, uint64_t now)
{
	struct charge charges[3];

	if (rate == 0)
		return;
	pthread_mutex_lock(&limit->lock);
	refund(limit, charges, answers(limit, source, rate, now, charges), now);
	pthread_mutex_unlock(&limit->lock);
}

void turn_unauth_prove(struct turn_unauth_limit *limit, const struct turnpike_addr *source,
		       uint32_t rate, uint64_t now)
{
	const uint64_t key = source_key(limit, PROOF, source);
	struct charge charges[3];

	pthread_mutex_lock(&limit->lock);
	if (rate && !rate_table_is_occupied(&limit->proofs, key, now))
		refund(limit, charges, answers(limit, source, rate, now, charges), now);
	rate_table_occupy(&limit->proofs, key, now + TURN_UNAUTH_PROVEN_S * NS_PER_S);
	pthread_mutex_unlock(&limit->lock);
}

static uint64_t account_key(const struct turn_unauth_limit *limit, const char *account)
{
	const struct turnpike_addr none = { 0 };
	const uint64_t name = siphash(limit->key, account, strlen(account));

	return name ^ key_of(limit, GUESSES_OF_ACCOUNT, none);
}

/**
 * A source's own allowance holds whatever others do to its account. Its network is charged as well,
 * in which allowances would add up.
 */
static void own_charges(const struct turn_unauth_limit *limit, const struct turn_guess *guess,
			struct charge charges[static 2])
{
	charges[0] = (struct charge){ network_key(limit, GUESSES_OF_NETWORK, &guess->source),
				      rate_of(guess->rate, TURN_UNAUTH_NETWORK) };
	charges[1] = (struct charge){ source_key(limit, GUESSES_OWN, &guess->source),
				      { TURN_GUESS_OWN_S * NS_PER_S,
					TURN_GUESS_OWN_BURST * TURN_GUESS_OWN_S * NS_PER_S } };
}

static void common_charges(const struct turn_unauth_limit *limit, const struct turn_guess *guess,
			   struct charge charges[static 3])
{
	charges[0] = (struct charge){ network_key(limit, GUESSES_OF_NETWORK, &guess->source),
				      rate_of(guess->rate, TURN_UNAUTH_NETWORK) };
	charges[1] = (struct charge){ source_key(limit, GUESSES_OF_SOURCE, &guess->source),
				      rate_of(guess->rate, 1) };
	charges[2] = (struct charge){ account_key(limit, guess->account), rate_of(guess->rate, 1) };
}

bool turn_guess_charge(struct turn_unauth_limit *limit, struct turn_guess *guess)
{
	struct charge own[2], common[3];
	bool charged;

	if (guess->rate == 0)
		return true;
	own_charges(limit, guess, own);
	pthread_mutex_lock(&limit->lock);
	guess->own = charge(limit, own, ARRAY_LEN(own), guess->now);
	charged = guess->own;
	if (!charged) {
		common_charges(limit, guess, common);
		charged = charge(limit, common, ARRAY_LEN(common), guess->now);
	}
	pthread_mutex_unlock(&limit->lock);
	return charged;
}

void turn_guess_refund(struct turn_unauth_limit *limit, const struct turn_guess *guess)
{
	struct charge charges[3];
	size_t n = 3;

	if (guess->rate == 0)
		return;
	if (guess->own) {
		own_charges(limit, guess, charges);
		n = 2;
	} else {
		common_charges(limit, guess, charges);
	}
	pthread_mutex_lock(&limit->lock);
	refund(limit, charges, n, guess->now);
	pthread_mutex_unlock(&limit->lock);
}
