/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>

#include "turn/methods/attrs.h"
#include "turn/methods/checks.h"
#include "turn/methods/methods.h"
#include "turn/state/event.h"
#include "turn/state/state.h"
#include "turn/state/user.h"

/** Finds the one family that the request is for; 0: all of them (RFC 8656 section 8.1). */
static enum turn_reason find_wanted(const struct turn_request *request, unsigned int *family)
{
	uint32_t asked;
	int err = turn_find_family(request->msg, STUN_ATTR_REQUESTED_ADDRESS_FAMILY, &asked);

	*family = 0;
	if (err)
		return err == -EINVAL ? TURN_REASON_BAD_REQUEST : TURN_REASON_NONE;
	*family = turn_family_of(asked);
	if (*family && turn_relay_for(request->alloc, *family))
		return TURN_REASON_NONE;
	return TURN_REASON_OTHER_FAMILY;
}

static void refresh_relays(const struct turn_request *request, unsigned int family,
			   uint32_t lifetime)
{
	for (size_t i = 0; i < TURN_RELAYS_MAX; i++) {
		struct turn_relay *relay = request->alloc->relays[i];

		if (!relay || (family && relay->addr.family != family))
			continue;
		turn_relay_refresh(request->server, relay, lifetime, request->now);
		turn_notify_relay(request->server, TURN_EVENT_REFRESHED, relay, lifetime);
	}
}

/** The allocation lives as long as the last key that has proved a right to it. */
static void remember_key(const struct turn_request *request)
{
	struct turn_user *before = request->alloc->user;

	if (before->account != request->user->account)
		return;
	request->alloc->user = turn_user_get(request->user);
	turn_user_put(before);
}

static void end_relays(const struct turn_request *request, unsigned int family)
{
	struct turn_server *server = request->server;

	if (family)
		turn_allocation_end_relay(server, turn_relay_for(request->alloc, family), "refresh",
					  request->now);
	else
		turn_allocation_end(server, request->alloc, "refresh", request->now);
	turn_retransmit_cache_add(&server->retransmits, server->hash_key, request->tuple,
				  request->msg->transaction, request->now);
}

/** Returns whether the first copy of this request has ended the relays already. */
static bool is_retransmission(const struct turn_request *request)
{
	const struct turn_server *server = request->server;

	return turn_retransmit_cache_has(&server->retransmits, server->hash_key, request->tuple,
					 request->msg->transaction, request->now);
}

enum turn_reason turn_refresh(struct turn_request *request, struct stun_writer *response)
{
	unsigned int family;
	uint32_t lifetime;
	bool is_zero;
	enum turn_reason reason;

	if (is_retransmission(request)) {
		stun_write_u32(response, STUN_ATTR_LIFETIME, 0);
		return TURN_REASON_NONE;
	}
	reason = turn_check_allocation(request);
	if (!reason)
		reason = find_wanted(request, &family);
	if (!reason)
		reason = turn_find_lifetime(request->msg, &request->server->limits, &lifetime,
					    &is_zero);
	/* If the owner keeps allocations of removed users, then until they expire. */
	if (!reason && !is_zero && !turn_user_is_current(request->server, request->user))
		reason = TURN_REASON_REVOKED;
	if (reason)
		return reason;
	if (is_zero) {
		end_relays(request, family);
		lifetime = 0;
	} else {
		refresh_relays(request, family, lifetime);
		remember_key(request);
	}
	stun_write_u32(response, STUN_ATTR_LIFETIME, lifetime);
	return TURN_REASON_NONE;
}
