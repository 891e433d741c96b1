/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stdlib.h>

#include "turn/state/reservation.h"

static struct turn_reservation *find(const struct turn_reservations *reservations,
				     const uint8_t *token)
{
	struct turn_reservation *found;

	HASH_FIND(hh, reservations->table, token, TURN_RESERVATION_TOKEN_LEN, found);
	return found;
}

/** All live equally long, so the first of the table expires first, but for returned ones. */
static void update_next_expiry(struct turn_reservations *reservations)
{
	const struct turn_reservation *first = reservations->table;

	atomic_store(&reservations->next_expiry_ns, first ? first->expiry_ns : TURN_NEVER);
}

static int insert(struct turn_reservations *reservations, struct turn_reservation *reservation)
{
	if (find(reservations, reservation->token))
		return -EEXIST;
	HASH_ADD(hh, reservations->table, token, TURN_RESERVATION_TOKEN_LEN, reservation);
	if (!reservation->hh.tbl)
		return -ENOMEM;
	update_next_expiry(reservations);
	return 0;
}

static void unlink_reservation(struct turn_reservations *reservations,
			       struct turn_reservation *reservation)
{
	HASH_DELETE(hh, reservations->table, reservation);
	update_next_expiry(reservations);
}

/** The port needs no rest, since nobody has used it. */
static void end(struct turn_reservations *reservations, struct turn_reservation *reservation)
{
	turn_ports_give(reservation->pool->ports, reservation->port);
	turn_pool_put(reservation->pool);
	turn_account_return(reservation->account, 1);
	turn_account_put(reservation->account);
	turn_quota_return(reservations->relays, 1);
	free(reservation);
}

void turn_reservations_init(struct turn_reservations *reservations, struct turn_quota *relays)
{
	reservations->relays = relays;
	reservations->table = NULL;
	atomic_store(&reservations->next_expiry_ns, TURN_NEVER);
	pthread_mutex_init(&reservations->lock, NULL);
}

void turn_reservations_destroy(struct turn_reservations *reservations)
{
	turn_reservations_expire(reservations, TURN_NEVER - 1);
	pthread_mutex_destroy(&reservations->lock);
}

int turn_reservation_add(struct turn_reservations *reservations,
			 const struct turn_reservation *wanted, uint64_t now)
{
	struct turn_reservation *reservation = malloc(sizeof(*reservation));
	int err;

	if (!reservation)
		return -ENOMEM;
	*reservation = *wanted;
	reservation->expiry_ns = now + TURN_RESERVATION_NS;
	turn_account_get(wanted->account);
	turn_pool_get(wanted->pool);
	pthread_mutex_lock(&reservations->lock);
	err = insert(reservations, reservation);
	pthread_mutex_unlock(&reservations->lock);
	if (err) {
		turn_account_put(wanted->account);
		turn_pool_put(wanted->pool);
		free(reservation);
	}
	return err;
}

struct turn_reservation *turn_reservation_take(struct turn_reservations *reservations,
					       const uint8_t token[TURN_RESERVATION_TOKEN_LEN],
					       const struct turn_account *account, uint64_t now)
{
	struct turn_reservation *found;

	pthread_mutex_lock(&reservations->lock);
	found = find(reservations, token);
	if (found && (found->account != account || found->expiry_ns <= now))
		found = NULL;
	if (found)
		unlink_reservation(reservations, found);
	pthread_mutex_unlock(&reservations->lock);
	return found;
}

void turn_reservation_use(struct turn_reservation *reservation)
{
	turn_account_put(reservation->account);
	turn_pool_put(reservation->pool);
	free(reservation);
}

void turn_reservation_return(struct turn_reservations *reservations,
			     struct turn_reservation *reservation)
{
	int err;

	pthread_mutex_lock(&reservations->lock);
	err = insert(reservations, reservation);
	pthread_mutex_unlock(&reservations->lock);
	if (err)
		end(reservations, reservation);
}

/** Returns NULL if none has expired, in most cases without the lock. */
static struct turn_reservation *take_expired(struct turn_reservations *reservations, uint64_t now)
{
	struct turn_reservation *first;

	if (turn_reservations_next_expiry(reservations) > now)
		return NULL;
	pthread_mutex_lock(&reservations->lock);
	first = reservations->table;
	if (first && first->expiry_ns > now)
		first = NULL;
	if (first)
		unlink_reservation(reservations, first);
	pthread_mutex_unlock(&reservations->lock);
	return first;
}

void turn_reservations_expire(struct turn_reservations *reservations, uint64_t now)
{
	struct turn_reservation *expired;

	while ((expired = take_expired(reservations, now)))
		end(reservations, expired);
}

uint64_t turn_reservations_next_expiry(const struct turn_reservations *reservations)
{
	return atomic_load(&reservations->next_expiry_ns);
}
