/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file reservation.h
 * Ports that are held for somebody's next allocation (RFC 8656 sections 7.2, 18.7 and 18.10), which
 * may come to another server of the relay. For any thread.
 *
 * A reservation counts as the relay and as the allocation that may become of it. So nobody gets
 * more ports by reservations than by allocations, and only who has made one can use it.
 */
#ifndef TURNPIKE_TURN_STATE_RESERVATION_H
#define TURNPIKE_TURN_STATE_RESERVATION_H

#define HASH_NONFATAL_OOM 1
#include <uthash.h>

#include "stun/protocol.h"
#include "turn/state/shared.h"

/** RFC 8656 section 7.2 asks for 30 s, which a client counts from when it hears of it. */
#define TURN_RESERVATION_NS 60000000000ull

/**
 * struct turn_reservation - one of them
 * @token:     names it
 * @account:   of which an allocation is claimed; a reference
 * @pool:      where @port comes from
 * @port:      in host order, taken
 * @expiry_ns: when it ends
 */
struct turn_reservation {
	UT_hash_handle hh;
	uint8_t token[TURN_RESERVATION_TOKEN_LEN];
	struct turn_account *account;
	struct turn_pool *pool;
	uint16_t port;
	uint64_t expiry_ns;
};

/**
 * turn_reservation_make() - hold a port
 * @wanted: copied; its expiry does not matter. If this succeeds, then the port, and what is claimed
 *          of the account and of the relays, belong to the reservation
 *
 * Return: 0, -EEXIST if the token names another one, -ENOMEM.
 */
int turn_reservation_make(struct turn_shared *shared, const struct turn_reservation *wanted,
			  uint64_t now);

/**
 * turn_reservation_take() - find the reservation that a token names and make it one's own
 * @account: whose it has to be
 *
 * It ends with turn_reservation_use() or lives on with turn_reservation_return().
 *
 * Return: NULL if there is none.
 */
struct turn_reservation *turn_reservation_take(struct turn_shared *shared,
					       const uint8_t token[TURN_RESERVATION_TOKEN_LEN],
					       const struct turn_account *account, uint64_t now);

/** turn_reservation_use() - its port and what was claimed belong to the caller now */
void turn_reservation_use(struct turn_shared *shared, struct turn_reservation *reservation);

/** turn_reservation_return() - it was of no use as yet */
void turn_reservation_return(struct turn_shared *shared, struct turn_reservation *reservation);

/** turn_reservations_expire() - give back what reservations hold that have ended */
void turn_reservations_expire(struct turn_shared *shared, uint64_t now);

/** turn_reservations_next_expiry() - when the first one ends, or TURN_NEVER; asks for no lock */
uint64_t turn_reservations_next_expiry(const struct turn_shared *shared);

#endif /* TURNPIKE_TURN_STATE_RESERVATION_H */
