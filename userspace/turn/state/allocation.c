/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "turn/state/account.h"
#include "turn/state/lookup.h"
#include "turn/state/state.h"
#include "turn/state/user.h"
#include "turn/state/walks.h"

static bool has_relay(const struct turn_allocation *alloc)
{
	for (size_t i = 0; i < TURN_RELAYS_MAX; i++) {
		if (alloc->relays[i])
			return true;
	}
	return false;
}

static void expire_relay(struct turn_server *server, struct turn_timer *timer, uint64_t now)
{
	struct turn_relay *relay =
		(struct turn_relay *)((char *)timer - offsetof(struct turn_relay, timer));

	turn_allocation_end_relay(server, relay, "expired", now);
}

/** One of two relays is enough: RFC 8656 section 7.2, 9th check. */
static int open_relays(struct turn_server *server, struct turn_allocation *alloc,
		       const struct turn_allocation_params *params, uint64_t now)
{
	struct turn_relay_params relay = {
		.ports = params->ports,
		.reservation = params->reservation,
		.expiry_ns = now + params->lifetime * TURN_NS_PER_S,
		.on_expiry = expire_relay,
	};
	int err = 0, result = 0;

	alloc->address_error = params->address_error;
	for (size_t i = 0; i < params->n_families; i++) {
		relay.family = params->families[i];
		err = turn_relay_new(server, alloc, &relay, now);
		if (!err)
			continue;
		result = err;
		alloc->address_error = (struct turn_address_error){
			.family = relay.family,
			.code = TURN_INSUFFICIENT_CAPACITY,
		};
	}
	return has_relay(alloc) ? 0 : result;
}

static int link_allocation(struct turn_server *server, struct turn_allocation *alloc,
			   const struct turn_allocation_params *params, uint64_t now)
{
	int err = turn_allocation_insert(server, alloc);

	if (err)
		return err;
	err = server->ops.limit(server->ctx, turn_account_name(alloc->user->account),
				&alloc->limits);
	if (err)
		goto remove;
	err = open_relays(server, alloc, params, now);
	if (err)
		goto unlimit;
	server->stats.allocations++;
	server->stats.by_transport[alloc->tuple.transport]++;
	return 0;
unlimit:
	if (alloc->limits)
		server->ops.unlimit(server->ctx, alloc->limits);
remove:
	HASH_DELETE(hh, server->allocations, alloc);
	return err;
}

int turn_allocation_new(struct turn_server *server, const struct turn_tuple *tuple,
			struct turn_user *user, const struct turn_allocation_params *params,
			uint64_t now, struct turn_allocation **alloc)
{
	struct turn_allocation *result = calloc(1, sizeof(*result));
	int err;

	if (!result)
		return -ENOMEM;
	result->id = ++server->shared->last_id;
	result->tuple = *tuple;
	result->user = turn_user_get(user);
	memcpy(result->transaction, params->transaction, STUN_TRANSACTION_LEN);
	err = link_allocation(server, result, params, now);
	if (err) {
		turn_user_put(user);
		free(result);
		return err;
	}
	*alloc = result;
	return 0;
}

void turn_allocation_end(struct turn_server *server, struct turn_allocation *alloc, const char *why,
			 uint64_t now)
{
	turn_walks_leave_allocation(server, alloc);
	for (size_t i = 0; i < TURN_RELAYS_MAX; i++) {
		if (alloc->relays[i])
			turn_relay_end(server, alloc->relays[i], why, now);
	}
	if (alloc->limits)
		server->ops.unlimit(server->ctx, alloc->limits);
	HASH_DELETE(hh, server->allocations, alloc);
	turn_user_put(alloc->user);
	server->stats.allocations--;
	server->stats.by_transport[alloc->tuple.transport]--;
	free(alloc);
}

size_t turn_allocations_end(struct turn_server *server,
			    bool (*ends)(struct turn_server *server,
					 const struct turn_allocation *alloc, void *arg),
			    void *arg, const char *why, uint64_t now)
{
	struct turn_allocation *alloc, *next;
	size_t n = 0;

	HASH_ITER(hh, server->allocations, alloc, next) {
		if (!ends(server, alloc, arg))
			continue;
		turn_allocation_end(server, alloc, why, now);
		n++;
	}
	return n;
}

void turn_allocation_end_relay(struct turn_server *server, struct turn_relay *relay,
			       const char *why, uint64_t now)
{
	struct turn_allocation *alloc = relay->alloc;

	turn_relay_end(server, relay, why, now);
	if (!has_relay(alloc))
		turn_allocation_end(server, alloc, why, now);
}
