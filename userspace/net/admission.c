/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <pthread.h>
#include <stdlib.h>

#include "base/addr.h"
#include "base/random.h"
#include "net/admission.h"
#include "private/hash.h"
#include "turn/auth/unauth_limit.h"

/** struct holder - holder of @n connections, more than 0; @prefix: of a source or a site */
struct holder {
	UT_hash_handle hh;
	struct turnpike_addr prefix;
	uint32_t n;
};

/** struct admission - @n, @n_strangers: connections */
struct admission {
	pthread_mutex_t lock;
	uint32_t max;
	uint32_t rate;
	struct turn_unauth_limit *unauth_limit;
	uint32_t n;
	uint32_t n_strangers;
	struct holder *sources;
	struct holder *sites;
	uint8_t key[SIPHASH_KEY_LEN];
};

struct admission *admission_new(uint32_t max, uint32_t rate)
{
	struct admission *admission = calloc(1, sizeof(*admission));

	if (!admission)
		return NULL;
	pthread_mutex_init(&admission->lock, NULL);
	admission->max = max;
	admission->rate = rate;
	random_fill(admission->key, sizeof(admission->key));
	admission->unauth_limit = turn_unauth_limit_new(admission->key);
	if (admission->unauth_limit)
		return admission;
	admission_free(admission);
	return NULL;
}

static void free_holders(struct holder *holders)
{
	struct holder *holder, *next;

	HASH_ITER(hh, holders, holder, next) {
		HASH_DELETE(hh, holders, holder);
		free(holder);
	}
}

void admission_free(struct admission *admission)
{
	if (!admission)
		return;
	free_holders(admission->sources);
	free_holders(admission->sites);
	turn_unauth_limit_free(admission->unauth_limit);
	pthread_mutex_destroy(&admission->lock);
	free(admission);
}

void admission_set(struct admission *admission, uint32_t max, uint32_t rate)
{
	pthread_mutex_lock(&admission->lock);
	admission->max = max;
	admission->rate = rate;
	pthread_mutex_unlock(&admission->lock);
}

static unsigned int hash(const struct admission *admission, const struct turnpike_addr *prefix)
{
	return (unsigned int)siphash(admission->key, prefix, sizeof(*prefix));
}

static struct holder *find(const struct admission *admission, const struct holder *holders,
			   const struct turnpike_addr *prefix)
{
	struct holder *holder;

	HASH_FIND_BYHASHVALUE(hh, holders, prefix, sizeof(*prefix), hash(admission, prefix),
			      holder);
	return holder;
}

static bool has_room(const struct admission *admission, const struct holder *holders,
		     const struct turnpike_addr *prefix, uint32_t part)
{
	const struct holder *holder = find(admission, holders, prefix);

	/* Even of a tiny limit, each gets one. */
	return !holder || holder->n < admission->max / part;
}

static bool give(const struct admission *admission, struct holder **holders,
		 const struct turnpike_addr *prefix)
{
	struct holder *holder = find(admission, *holders, prefix);

	if (holder) {
		holder->n++;
		return true;
	}
	holder = calloc(1, sizeof(*holder));
	if (!holder)
		return false;
	holder->prefix = *prefix;
	holder->n = 1;
	HASH_ADD_BYHASHVALUE(hh, *holders, prefix, sizeof(holder->prefix), hash(admission, prefix),
			     holder);
	if (holder->hh.tbl)
		return true;
	free(holder);
	return false;
}

static void take(const struct admission *admission, struct holder **holders,
		 const struct turnpike_addr *prefix)
{
	struct holder *holder = find(admission, *holders, prefix);

	if (--holder->n > 0)
		return;
	HASH_DELETE(hh, *holders, holder);
	free(holder);
}

/*
 * IPv4 has no sites: a /24 is often shared by customers that have nothing to do with each other, or
 * has all clients of a server for a local network.
 */
static bool has_site(const struct turnpike_addr *addr)
{
	return addr->family == TURNPIKE_IPV6;
}

static bool is_permitted(struct admission *admission, const struct turnpike_addr *addr,
			 uint64_t now)
{
	const struct turnpike_addr source = addr_source(addr), site = addr_network(addr);

	return admission->max > 0 &&
	       has_room(admission, admission->sources, &source, ADMISSION_SOURCE_PART) &&
	       (!has_site(addr) ||
		has_room(admission, admission->sites, &site, ADMISSION_SITE_PART)) &&
	       turn_unauth_charge(admission->unauth_limit, addr, admission->rate, now);
}

static bool hold(struct admission *admission, const struct turnpike_addr *addr)
{
	const struct turnpike_addr source = addr_source(addr), site = addr_network(addr);

	if (!give(admission, &admission->sources, &source))
		return false;
	if (has_site(addr) && !give(admission, &admission->sites, &site)) {
		take(admission, &admission->sources, &source);
		return false;
	}
	admission->n++;
	admission->n_strangers++;
	return true;
}

static bool is_full(const struct admission *admission)
{
	return admission->n > admission->max ||
	       admission->n_strangers > admission->max - admission->max / ADMISSION_STRANGERS_PART;
}

enum admitted admission_enter(struct admission *admission, const struct turnpike_addr *client,
			      uint64_t now)
{
	enum admitted admitted = ADMISSION_REFUSED;

	pthread_mutex_lock(&admission->lock);
	if (is_permitted(admission, client, now) && hold(admission, client))
		admitted = is_full(admission) ? ADMISSION_FULL : ADMISSION_GRANTED;
	pthread_mutex_unlock(&admission->lock);
	return admitted;
}

void admission_settle(struct admission *admission)
{
	pthread_mutex_lock(&admission->lock);
	admission->n_strangers--;
	pthread_mutex_unlock(&admission->lock);
}

void admission_leave(struct admission *admission, const struct turnpike_addr *client,
		     bool is_stranger)
{
	const struct turnpike_addr source = addr_source(client), site = addr_network(client);

	pthread_mutex_lock(&admission->lock);
	take(admission, &admission->sources, &source);
	if (has_site(client))
		take(admission, &admission->sites, &site);
	admission->n--;
	admission->n_strangers -= is_stranger;
	pthread_mutex_unlock(&admission->lock);
}

uint32_t admission_max(struct admission *admission)
{
	uint32_t max;

	pthread_mutex_lock(&admission->lock);
	max = admission->max;
	pthread_mutex_unlock(&admission->lock);
	return max;
}
