/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file account.h
 * Accounts: the allocations of one user, or of all time-limited usernames with one name, over all
 * servers of a relay. Any thread.
 */
#ifndef TURNPIKE_TURN_STATE_ACCOUNT_H
#define TURNPIKE_TURN_STATE_ACCOUNT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct turn_account;

/** struct turn_accounts - accounts by name; @lock protects @table and the reference counts */
struct turn_accounts {
	pthread_mutex_t lock;
	struct turn_account *table;
};

/** turn_accounts_init() - initialize an empty table */
void turn_accounts_init(struct turn_accounts *accounts);

/** turn_accounts_destroy() - destroy the table, whose accounts have all been put */
void turn_accounts_destroy(struct turn_accounts *accounts);

/** turn_account_open() - take a reference to the account @name, created if new; NULL: no memory */
struct turn_account *turn_account_open(struct turn_accounts *accounts, const char *name);

/** turn_account_get() - take another reference */
struct turn_account *turn_account_get(struct turn_account *account);

/** turn_account_put() - drop a reference; the last one frees the account */
void turn_account_put(struct turn_account *account);

/** turn_account_name() - the name given to turn_account_open() */
const char *turn_account_name(const struct turn_account *account);

/** turn_account_claim() - claim @n allocations unless the total would exceed @max; 0: no limit */
bool turn_account_claim(struct turn_account *account, uint32_t n, uint32_t max);

/** turn_account_return() - return @n allocations that were claimed */
void turn_account_return(struct turn_account *account, uint32_t n);

#endif /* TURNPIKE_TURN_STATE_ACCOUNT_H */
