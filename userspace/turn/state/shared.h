/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file shared.h
 * The state that the servers of one relay share. Any thread.
 */
#ifndef TURNPIKE_TURN_STATE_SHARED_H
#define TURNPIKE_TURN_STATE_SHARED_H

#include <pthread.h>

#include "turn/auth/unauth_limit.h"
#include "turn/state/account.h"
#include "turn/state/pools.h"
#include "turn/state/port_rest.h"
#include "turn/state/quota.h"
#include "turn/state/reservation.h"
#include "turn/turn.h"

/**
 * struct turn_shared - see turn_shared_new()
 * @lock:         protects @pools
 * @pools:        relay addresses, a reference; the servers have references of their own
 * @port_lo:      first port of all pools
 * @port_hi:      last port
 * @unauth_limit: rate limit on unauthenticated requests
 * @relays:       relayed transport addresses, in use or reserved
 * @accounts:     all accounts with a user, a reservation or a port at rest
 * @reservations: all reservations
 * @rests:        all ports at rest
 * @last_id:      of the allocations; see struct turn_allocation
 */
struct turn_shared {
	pthread_mutex_t lock;
	struct turn_pools *pools;
	uint16_t port_lo;
	uint16_t port_hi;
	struct turn_unauth_limit *unauth_limit;
	struct turn_quota relays;
	struct turn_accounts accounts;
	struct turn_reservations reservations;
	struct turn_rests rests;
	_Atomic uint64_t last_id;
};

/** turn_shared_pools() - the current relay addresses, a reference */
struct turn_pools *turn_shared_pools(struct turn_shared *shared);

#endif /* TURNPIKE_TURN_STATE_SHARED_H */
