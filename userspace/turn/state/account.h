/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file account.h
 * Accounts: the allocations of one user, or of all time-limited usernames with one name, over all
 * servers of a relay. Any thread.
 *
 * An account lives as long as a user who has authenticated, a reservation or a port at rest refers
 * to it. So there are at most as many as users with a password and ports.
 */
#ifndef TURNPIKE_TURN_STATE_ACCOUNT_H
#define TURNPIKE_TURN_STATE_ACCOUNT_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

/** How long an empty bucket of new allocations takes to fill. */
#define TURN_ACCOUNT_FILL_NS UINT64_C(60000000000)

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

/** turn_account_used() - number of allocations that are claimed */
uint32_t turn_account_used(const struct turn_account *account);

/**
 * turn_account_charge() - charge @n new allocations to a token bucket
 * @rate: allocations a minute, and at once; may change from call to call. 0: no limit
 *
 * The bucket is full again TURN_ACCOUNT_FILL_NS after the last charge at the latest. An account
 * lives longer after its last allocation, see port_rest.h, so that nobody gets a full bucket sooner
 * by a new account.
 *
 * Return: true, or false and nothing is charged.
 */
bool turn_account_charge(struct turn_account *account, uint32_t n, uint32_t rate, uint64_t now);

/** turn_account_refund() - undo turn_account_charge(), whose allocations have not been made */
void turn_account_refund(struct turn_account *account, uint32_t n, uint32_t rate);

#endif /* TURNPIKE_TURN_STATE_ACCOUNT_H */
