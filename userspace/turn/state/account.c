/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdlib.h>
#include <string.h>

#include "private/hash.h"
#include "turn/state/account.h"
#include "turn/state/quota.h"

/** struct turn_account - @full: when the bucket of new allocations is full again, ns */
struct turn_account {
	UT_hash_handle hh;
	struct turn_accounts *accounts;
	unsigned int references;
	struct turn_quota allocations;
	_Atomic uint64_t full;
	char name[];
};

void turn_accounts_init(struct turn_accounts *accounts)
{
	accounts->table = NULL;
	pthread_mutex_init(&accounts->lock, NULL);
}

void turn_accounts_destroy(struct turn_accounts *accounts)
{
	pthread_mutex_destroy(&accounts->lock);
}

static struct turn_account *account_new(struct turn_accounts *accounts, const char *name)
{
	const size_t len = strlen(name);
	struct turn_account *account = calloc(1, sizeof(*account) + len + 1);

	if (!account)
		return NULL;
	account->accounts = accounts;
	memcpy(account->name, name, len);
	HASH_ADD_STR(accounts->table, name, account);
	if (account->hh.tbl)
		return account;
	free(account);
	return NULL;
}

struct turn_account *turn_account_open(struct turn_accounts *accounts, const char *name)
{
	struct turn_account *account;

	pthread_mutex_lock(&accounts->lock);
	HASH_FIND_STR(accounts->table, name, account);
	if (!account)
		account = account_new(accounts, name);
	if (account)
		account->references++;
	pthread_mutex_unlock(&accounts->lock);
	return account;
}

struct turn_account *turn_account_get(struct turn_account *account)
{
	pthread_mutex_lock(&account->accounts->lock);
	account->references++;
	pthread_mutex_unlock(&account->accounts->lock);
	return account;
}

void turn_account_put(struct turn_account *account)
{
	struct turn_accounts *accounts = account->accounts;

	pthread_mutex_lock(&accounts->lock);
	if (--account->references == 0) {
		HASH_DELETE(hh, accounts->table, account);
		free(account);
	}
	pthread_mutex_unlock(&accounts->lock);
}

const char *turn_account_name(const struct turn_account *account)
{
	return account->name;
}

bool turn_account_claim(struct turn_account *account, uint32_t n, uint32_t max)
{
	return turn_quota_claim(&account->allocations, n, max);
}

void turn_account_return(struct turn_account *account, uint32_t n)
{
	turn_quota_return(&account->allocations, n);
}

uint32_t turn_account_used(const struct turn_account *account)
{
	return turn_quota_used(&account->allocations);
}

static uint64_t cost(uint32_t n, uint32_t rate)
{
	return n * TURN_ACCOUNT_FILL_NS / rate;
}

bool turn_account_charge(struct turn_account *account, uint32_t n, uint32_t rate, uint64_t now)
{
	uint64_t full = atomic_load(&account->full), charged;

	if (rate == 0)
		return true;
	do {
		charged = (full > now ? full : now) + cost(n, rate);
		if (charged > now + TURN_ACCOUNT_FILL_NS)
			return false;
	} while (!atomic_compare_exchange_weak(&account->full, &full, charged));
	return true;
}

void turn_account_refund(struct turn_account *account, uint32_t n, uint32_t rate)
{
	if (rate)
		atomic_fetch_sub(&account->full, cost(n, rate));
}
