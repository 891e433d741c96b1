/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "base/addr.h"
#include "base/random.h"
#include "net/admission.h"
#include "turn/auth/unauth_limit.h"

/** Bytes of the prefix of a source: an IPv6 client can use its whole /64. */
#define IPV6_SOURCE_LEN 8

/** struct source - source of @n connections, more than 0 */
struct source {
	UT_hash_handle hh;
	struct turnpike_addr addr;
	uint32_t n;
};

struct admission {
	pthread_mutex_t lock;
	uint32_t max;
	uint32_t max_per_source;
	uint32_t rate;
	struct turn_unauth_limit *unauth_limit;
	uint32_t n;
	struct source *sources;
	uint8_t key[SIPHASH_KEY_LEN];
};

struct admission *admission_new(uint32_t max, uint32_t max_per_source, uint32_t rate)
{
	struct admission *admission = calloc(1, sizeof(*admission));

	if (!admission)
		return NULL;
	pthread_mutex_init(&admission->lock, NULL);
	admission->max = max;
	admission->max_per_source = max_per_source;
	admission->rate = rate;
	random_fill(admission->key, sizeof(admission->key));
	admission->unauth_limit = turn_unauth_limit_new(admission->key);
	if (admission->unauth_limit)
		return admission;
	admission_free(admission);
	return NULL;
}

void admission_free(struct admission *admission)
{
	struct source *source, *next;

	if (!admission)
		return;
	HASH_ITER(hh, admission->sources, source, next) {
		HASH_DELETE(hh, admission->sources, source);
		free(source);
	}
	turn_unauth_limit_free(admission->unauth_limit);
	pthread_mutex_destroy(&admission->lock);
	free(admission);
}

void admission_set_rate(struct admission *admission, uint32_t rate)
{
	pthread_mutex_lock(&admission->lock);
	admission->rate = rate;
	pthread_mutex_unlock(&admission->lock);
}

static struct turnpike_addr source_of(const struct turnpike_addr *addr)
{
	struct turnpike_addr source = addr_without_port(addr);

	if (source.family == TURNPIKE_IPV6)
		memset(source.ip + IPV6_SOURCE_LEN, 0, sizeof(source.ip) - IPV6_SOURCE_LEN);
	return source;
}

static unsigned int hash(const struct admission *admission, const struct turnpike_addr *addr)
{
	return (unsigned int)siphash(admission->key, addr, sizeof(*addr));
}

static struct source *find(const struct admission *admission, const struct turnpike_addr *addr)
{
	struct source *source;

	HASH_FIND_BYHASHVALUE(hh, admission->sources, addr, sizeof(*addr), hash(admission, addr),
			      source);
	return source;
}

static struct source *add(struct admission *admission, const struct turnpike_addr *addr)
{
	struct source *source = calloc(1, sizeof(*source));

	if (!source)
		return NULL;
	source->addr = *addr;
	HASH_ADD_BYHASHVALUE(hh, admission->sources, addr, sizeof(source->addr),
			     hash(admission, addr), source);
	if (source->hh.tbl)
		return source;
	free(source);
	return NULL;
}

static bool enter(struct admission *admission, const struct turnpike_addr *addr, uint64_t now)
{
	struct source *source;

	if (admission->n >= admission->max || admission->max_per_source == 0)
		return false;
	source = find(admission, addr);
	if (source && source->n >= admission->max_per_source)
		return false;
	if (!turn_unauth_charge(admission->unauth_limit, addr, admission->rate, now))
		return false;
	if (!source)
		source = add(admission, addr);
	if (!source)
		return false;
	source->n++;
	admission->n++;
	return true;
}

bool admission_enter(struct admission *admission, const struct turnpike_addr *source, uint64_t now)
{
	const struct turnpike_addr addr = source_of(source);
	bool entered;

	pthread_mutex_lock(&admission->lock);
	entered = enter(admission, &addr, now);
	pthread_mutex_unlock(&admission->lock);
	return entered;
}

void admission_leave(struct admission *admission, const struct turnpike_addr *source)
{
	const struct turnpike_addr addr = source_of(source);
	struct source *left;

	pthread_mutex_lock(&admission->lock);
	left = find(admission, &addr);
	admission->n--;
	if (--left->n == 0) {
		HASH_DELETE(hh, admission->sources, left);
		free(left);
	}
	pthread_mutex_unlock(&admission->lock);
}
