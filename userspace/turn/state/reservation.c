/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>

#include "turn/state/reservation.h"

static struct turn_reservation *find(const struct turn_shared *shared, const uint8_t *token)
{
	struct turn_reservation *found;

	HASH_FIND(hh, shared->reservations, token, TURN_RESERVATION_TOKEN_LEN, found);
	return found;
}

/** The table is in the order of their coming, so the first one mostly ends first. */
static void note_next_expiry(struct turn_shared *shared)
{
	const struct turn_reservation *first = shared->reservations;

	atomic_store(&shared->reservations_expire, first ? first->expiry_ns : TURN_NEVER);
}

static int insert(struct turn_shared *shared, struct turn_reservation *reservation)
{
	if (find(shared, reservation->token))
		return -EEXIST;
	HASH_ADD(hh, shared->reservations, token, TURN_RESERVATION_TOKEN_LEN, reservation);
	if (!reservation->hh.tbl)
		return -ENOMEM;
	note_next_expiry(shared);
	return 0;
}

static void delete (struct turn_shared *shared, struct turn_reservation *reservation)
{
	HASH_DELETE(hh, shared->reservations, reservation);
	note_next_expiry(shared);
}

/** That nobody used the port, so that it need not rest. */
static void end(struct turn_shared *shared, struct turn_reservation *reservation)
{
	turn_ports_give(reservation->pool->ports, reservation->port, reservation->expiry_ns);
	turn_account_return(reservation->account, 1);
	turn_account_put(shared, reservation->account);
	turn_shared_return_relay(shared);
	free(reservation);
}

int turn_reservation_make(struct turn_shared *shared, const struct turn_reservation *wanted,
			  uint64_t now)
{
	struct turn_reservation *reservation = malloc(sizeof(*reservation));
	int err;

	if (!reservation)
		return -ENOMEM;
	*reservation = *wanted;
	reservation->expiry_ns = now + TURN_RESERVATION_NS;
	turn_account_hold(shared, wanted->account);
	pthread_mutex_lock(&shared->lock);
	err = insert(shared, reservation);
	pthread_mutex_unlock(&shared->lock);
	if (err) {
		turn_account_put(shared, wanted->account);
		free(reservation);
	}
	return err;
}

struct turn_reservation *turn_reservation_take(struct turn_shared *shared,
					       const uint8_t token[TURN_RESERVATION_TOKEN_LEN],
					       const struct turn_account *account, uint64_t now)
{
	struct turn_reservation *found;

	pthread_mutex_lock(&shared->lock);
	found = find(shared, token);
	if (found && (found->account != account || found->expiry_ns <= now))
		found = NULL;
	if (found)
		delete (shared, found);
	pthread_mutex_unlock(&shared->lock);
	return found;
}

void turn_reservation_use(struct turn_shared *shared, struct turn_reservation *reservation)
{
	turn_account_put(shared, reservation->account);
	free(reservation);
}

void turn_reservation_return(struct turn_shared *shared, struct turn_reservation *reservation)
{
	int err;

	pthread_mutex_lock(&shared->lock);
	err = insert(shared, reservation);
	pthread_mutex_unlock(&shared->lock);
	if (err)
		end(shared, reservation);
}

/** Or NULL, mostly without the lock. */
static struct turn_reservation *take_expired(struct turn_shared *shared, uint64_t now)
{
	struct turn_reservation *first;

	if (turn_reservations_next_expiry(shared) > now)
		return NULL;
	pthread_mutex_lock(&shared->lock);
	first = shared->reservations;
	if (first && first->expiry_ns > now)
		first = NULL;
	if (first)
		delete (shared, first);
	pthread_mutex_unlock(&shared->lock);
	return first;
}

void turn_reservations_expire(struct turn_shared *shared, uint64_t now)
{
	struct turn_reservation *expired;

	while ((expired = take_expired(shared, now)))
		end(shared, expired);
}

uint64_t turn_reservations_next_expiry(const struct turn_shared *shared)
{
	return atomic_load(&shared->reservations_expire);
}
