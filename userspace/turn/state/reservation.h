/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file reservation.h
 * Ports reserved for a user's next allocation (RFC 8656 sections 7.2, 18.7 and 18.10), which
 * another server of the relay may get. Any thread.
 *
 * A reservation counts as a relayed transport address and as an allocation of its account, as if it
 * were in use already: it evades no limit. Only its account can use it.
 */
#ifndef TURNPIKE_TURN_STATE_RESERVATION_H
#define TURNPIKE_TURN_STATE_RESERVATION_H

#include "private/hash.h"
#include "stun/protocol.h"
#include "turn/state/account.h"
#include "turn/state/pools.h"
#include "turn/state/quota.h"

/** RFC 8656 section 7.2 requires 30 s, which clients count from the response. */
#define TURN_RESERVATION_NS 60000000000ull

/**
 * struct turn_reservation - a reserved port
 * @token:     identifies it
 * @account:   has one allocation claimed for it; a reference
 * @pool:      pool of @port; a reference
 * @port:      in host byte order, taken from @pool
 * @expiry_ns: when it expires
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
 * struct turn_reservations - the reservations of a relay
 * @relays:         has one relay claimed for each reservation
 * @next_expiry_ns: when the first reservation expires, or TURN_NEVER
 * @lock:           protects @table
 * @table:          by token, in order of creation
 */
struct turn_reservations {
	struct turn_quota *relays;
	_Atomic uint64_t next_expiry_ns;
	pthread_mutex_t lock;
	struct turn_reservation *table;
};

/** turn_reservations_init() - initialize an empty table that returns claims to @relays */
void turn_reservations_init(struct turn_reservations *reservations, struct turn_quota *relays);

/** turn_reservations_destroy() - end all reservations and destroy the table */
void turn_reservations_destroy(struct turn_reservations *reservations);

/**
 * turn_reservation_add() - reserve a port
 * @wanted: copied, except its expiry. The reservation takes references to account and pool
 *
 * On success the port and the two claims (of the account and of the relays) belong to the
 * reservation.
 *
 * Return: 0, -EEXIST if the token is in use, -ENOMEM.
 */
int turn_reservation_add(struct turn_reservations *reservations,
			 const struct turn_reservation *wanted, uint64_t now);

/**
 * turn_reservation_take() - take the reservation with a token out of the table
 * @account: only a reservation of this account is returned
 *
 * The caller ends it with turn_reservation_use() or puts it back with turn_reservation_return().
 *
 * Return: the reservation, or NULL if there is none.
 */
struct turn_reservation *turn_reservation_take(struct turn_reservations *reservations,
					       const uint8_t token[TURN_RESERVATION_TOKEN_LEN],
					       const struct turn_account *account, uint64_t now);

/** turn_reservation_use() - free @reservation; its port and claims now belong to the caller */
void turn_reservation_use(struct turn_reservation *reservation);

/** turn_reservation_return() - put @reservation back unused */
void turn_reservation_return(struct turn_reservations *reservations,
			     struct turn_reservation *reservation);

/** turn_reservations_expire() - end all expired reservations, return their ports and claims */
void turn_reservations_expire(struct turn_reservations *reservations, uint64_t now);

/** turn_reservations_next_expiry() - when the first one expires, or TURN_NEVER; takes no lock */
uint64_t turn_reservations_next_expiry(const struct turn_reservations *reservations);

#endif /* TURNPIKE_TURN_STATE_RESERVATION_H */
