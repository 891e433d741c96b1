/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file shared.h
 * What the servers of one relay have in common. All of this is for any thread.
 */
#ifndef TURNPIKE_TURN_STATE_SHARED_H
#define TURNPIKE_TURN_STATE_SHARED_H

#include <pthread.h>
#include <stdatomic.h>

#include "turn/auth/unauth_limit.h"
#include "turn/state/port_pool.h"
#include "turn/turn.h"

struct turn_account;
struct turn_reservation;

/** struct turn_pool - a relay address and its ports */
struct turn_pool {
	struct turn_relay_address address;
	struct turn_ports *ports;
};

/**
 * struct turn_shared - see turn_shared_new()
 * @pools:               never change
 * @guard:               of what strangers may ask
 * @relays:              relayed transport addresses there are, and those that are reserved
 * @reservations_expire: when the first of @reservations does
 * @lock:                of what follows
 * @accounts:            table by name
 * @reservations:        table by token
 */
struct turn_shared {
	struct turn_pool *pools;
	size_t n_pools;
	struct turn_unauth_limit *unauth_limit;
	atomic_uint relays;
	_Atomic uint64_t reservations_expire;
	pthread_mutex_t lock;
	struct turn_account *accounts;
	struct turn_reservation *reservations;
};

/** turn_shared_fits() - whether @config has the relay addresses and ports that this was made of */
bool turn_shared_fits(const struct turn_shared *shared, const struct turn_config *config);

/** turn_shared_claim_relay() - count one more relay, unless there are @max; 0: no limit */
bool turn_shared_claim_relay(struct turn_shared *shared, uint32_t max);

/** turn_shared_return_relay() - there is one less */
void turn_shared_return_relay(struct turn_shared *shared);

/** turn_account_get() - a reference to an account, made if need be; NULL without memory */
struct turn_account *turn_account_get(struct turn_shared *shared, const char *name);

/** turn_account_hold() - take another reference */
void turn_account_hold(struct turn_shared *shared, struct turn_account *account);

/** turn_account_put() - give a reference back; the account ends with the last one */
void turn_account_put(struct turn_shared *shared, struct turn_account *account);

/** turn_account_name() - as turn_account_get() was told */
const char *turn_account_name(const struct turn_account *account);

/** turn_account_claim() - count @n more allocations of a user, up to @max in all; 0: no limit */
bool turn_account_claim(struct turn_account *account, uint32_t n, uint32_t max);

/** turn_account_return() - there are @n less */
void turn_account_return(struct turn_account *account, uint32_t n);

#endif /* TURNPIKE_TURN_STATE_SHARED_H */
