/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "turn/state/reservation.h"
#include "turn/state/shared.h"

/** struct turn_account - what all servers together hold for a user; @references: under the lock */
struct turn_account {
	UT_hash_handle hh;
	unsigned int references;
	atomic_uint allocations;
	char name[];
};

static int make_pools(struct turn_shared *shared, const struct turn_config *config)
{
	shared->pools = calloc(config->n_relays, sizeof(*shared->pools));
	if (!shared->pools)
		return -ENOMEM;
	for (size_t i = 0; i < config->n_relays; i++) {
		shared->pools[i].address = config->relays[i];
		shared->pools[i].ports = turn_ports_new(config->port_lo, config->port_hi);
		if (!shared->pools[i].ports)
			return -ENOMEM;
		shared->n_pools++;
	}
	return 0;
}

int turn_shared_new(const struct turn_config *config, const uint8_t secret[static TURN_SECRET_LEN],
		    struct turn_shared **shared)
{
	struct turn_shared *result;

	if (!turn_config_is_valid(config))
		return -EINVAL;
	result = calloc(1, sizeof(*result));
	if (!result)
		return -ENOMEM;
	atomic_store(&result->reservations_expire, TURN_NEVER);
	pthread_mutex_init(&result->lock, NULL);
	result->unauth_limit = turn_unauth_limit_new(secret);
	if (!result->unauth_limit || make_pools(result, config)) {
		turn_shared_free(result);
		return -ENOMEM;
	}
	*shared = result;
	return 0;
}

void turn_shared_free(struct turn_shared *shared)
{
	if (!shared)
		return;
	turn_reservations_expire(shared, TURN_NEVER - 1);
	for (size_t i = 0; i < shared->n_pools; i++)
		turn_ports_free(shared->pools[i].ports);
	free(shared->pools);
	turn_unauth_limit_free(shared->unauth_limit);
	pthread_mutex_destroy(&shared->lock);
	free(shared);
}

static bool is_same(const struct turn_relay_address *a, const struct turn_relay_address *b)
{
	struct turnpike_addr own[] = { addr_without_port(&a->addr), addr_without_port(&b->addr) };
	struct turnpike_addr external[] = { addr_without_port(&a->external),
					    addr_without_port(&b->external) };

	return addr_equal(&own[0], &own[1]) && addr_equal(&external[0], &external[1]);
}

bool turn_shared_fits(const struct turn_shared *shared, const struct turn_config *config)
{
	if (shared->n_pools != config->n_relays)
		return false;
	for (size_t i = 0; i < shared->n_pools; i++) {
		const struct turn_pool *pool = &shared->pools[i];

		if (!is_same(&pool->address, &config->relays[i]) ||
		    !turn_ports_are(pool->ports, config->port_lo, config->port_hi))
			return false;
	}
	return true;
}

static bool claim(atomic_uint *count, uint32_t n, uint32_t max)
{
	if (atomic_fetch_add(count, n) + n <= max || max == 0)
		return true;
	atomic_fetch_sub(count, n);
	return false;
}

bool turn_shared_claim_relay(struct turn_shared *shared, uint32_t max)
{
	return claim(&shared->relays, 1, max);
}

void turn_shared_return_relay(struct turn_shared *shared)
{
	atomic_fetch_sub(&shared->relays, 1);
}

static struct turn_account *account_new(struct turn_shared *shared, const char *name, size_t len)
{
	struct turn_account *account = calloc(1, sizeof(*account) + len + 1);

	if (!account)
		return NULL;
	memcpy(account->name, name, len);
	HASH_ADD_STR(shared->accounts, name, account);
	if (account->hh.tbl)
		return account;
	free(account);
	return NULL;
}

struct turn_account *turn_account_get(struct turn_shared *shared, const char *name)
{
	struct turn_account *account;

	pthread_mutex_lock(&shared->lock);
	HASH_FIND_STR(shared->accounts, name, account);
	if (!account)
		account = account_new(shared, name, strlen(name));
	if (account)
		account->references++;
	pthread_mutex_unlock(&shared->lock);
	return account;
}

void turn_account_hold(struct turn_shared *shared, struct turn_account *account)
{
	pthread_mutex_lock(&shared->lock);
	account->references++;
	pthread_mutex_unlock(&shared->lock);
}

void turn_account_put(struct turn_shared *shared, struct turn_account *account)
{
	pthread_mutex_lock(&shared->lock);
	if (--account->references == 0) {
		HASH_DELETE(hh, shared->accounts, account);
		free(account);
	}
	pthread_mutex_unlock(&shared->lock);
}

const char *turn_account_name(const struct turn_account *account)
{
	return account->name;
}

bool turn_account_claim(struct turn_account *account, uint32_t n, uint32_t max)
{
	return claim(&account->allocations, n, max);
}

void turn_account_return(struct turn_account *account, uint32_t n)
{
	atomic_fetch_sub(&account->allocations, n);
}
