/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file shared.h
 * The state that the servers of one relay share. Any thread.
 */
#ifndef TURNPIKE_TURN_STATE_SHARED_H
#define TURNPIKE_TURN_STATE_SHARED_H

#include "turn/auth/unauth_limit.h"
#include "turn/state/account.h"
#include "turn/state/port_pool.h"
#include "turn/state/quota.h"
#include "turn/state/reservation.h"
#include "turn/turn.h"

/**
 * struct turn_shared - see turn_shared_new()
 * @pools:        one per relay address; the array never changes
 * @n_pools:      number of @pools
 * @unauth_limit: rate limit on unauthenticated requests
 * @relays:       relayed transport addresses, in use or reserved
 * @accounts:     all accounts with a user or a reservation
 * @reservations: all reservations
 */
struct turn_shared {
	struct turn_pool *pools;
	size_t n_pools;
	struct turn_unauth_limit *unauth_limit;
	struct turn_quota relays;
	struct turn_accounts accounts;
	struct turn_reservations reservations;
};

/** turn_shared_fits() - whether @config has the relay addresses and ports that @shared has */
bool turn_shared_fits(const struct turn_shared *shared, const struct turn_config *config);

#endif /* TURNPIKE_TURN_STATE_SHARED_H */
