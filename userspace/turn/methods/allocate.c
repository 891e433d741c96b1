/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include "turn/methods/attrs.h"
#include "turn/methods/checks.h"
#include "turn/methods/methods.h"
#include "turn/state/account.h"
#include "turn/state/event.h"
#include "turn/state/home.h"
#include "turn/state/state.h"

static enum turn_reason check_transport(const struct stun_message *msg)
{
	struct stun_attr attr;
	uint32_t value;

	if (stun_find_attr(msg, STUN_ATTR_REQUESTED_TRANSPORT, &attr) ||
	    stun_attr_u32(&attr, &value))
		return TURN_REASON_BAD_REQUEST;
	/* RFC 8656 section 18.8: the other 24 bits are ignored. */
	return value >> 24 == TURN_TRANSPORT_UDP ? TURN_REASON_NONE
						 : TURN_REASON_UNSUPPORTED_TRANSPORT;
}

/* Without any relay address at the moment, the error is that of a full server. */
static bool has_family(const struct turn_request *request, unsigned int family)
{
	if (request->server->pools->n_offered == 0)
		return true;
	return turn_home_has_family(request->server, &request->tuple->server, family);
}

static bool has_attr(const struct stun_message *msg, enum stun_attr_type type)
{
	struct stun_attr attr;

	return stun_find_attr(msg, type, &attr) == 0;
}

/** The 5th check, except whether the token is valid: turn_reservation_take() finds that out. */
static enum turn_reason find_token(const struct stun_message *msg, const uint8_t **token)
{
	struct stun_attr attr;

	if (stun_find_attr(msg, STUN_ATTR_RESERVATION_TOKEN, &attr))
		return TURN_REASON_NONE;
	if (attr.len != TURN_RESERVATION_TOKEN_LEN || has_attr(msg, STUN_ATTR_EVEN_PORT) ||
	    has_attr(msg, STUN_ATTR_REQUESTED_ADDRESS_FAMILY) ||
	    has_attr(msg, STUN_ATTR_ADDITIONAL_ADDRESS_FAMILY))
		return TURN_REASON_BAD_REQUEST;
	*token = attr.value;
	return TURN_REASON_NONE;
}

/** The 6th and 7th check: the only requested family, or the first of two. */
static enum turn_reason choose_family(const struct turn_request *request,
				      struct turn_allocation_params *params)
{
	uint32_t asked = STUN_FAMILY_IPV4;
	unsigned int family;

	if (has_attr(request->msg, STUN_ATTR_REQUESTED_ADDRESS_FAMILY) &&
	    has_attr(request->msg, STUN_ATTR_ADDITIONAL_ADDRESS_FAMILY))
		return TURN_REASON_BAD_REQUEST;
	if (turn_find_family(request->msg, STUN_ATTR_REQUESTED_ADDRESS_FAMILY, &asked) == -EINVAL)
		return TURN_REASON_BAD_REQUEST;
	family = turn_family_of(asked);
	if (!family || !has_family(request, family))
		return TURN_REASON_UNSUPPORTED_FAMILY;
	params->families[params->n_families++] = family;
	return TURN_REASON_NONE;
}

/**
 * The 8th check. Section 18.7: the first bit of the one byte reserves the next port as well. That
 * excludes two families, since the response has room for one token.
 */
static enum turn_reason check_even_port(const struct stun_message *msg, enum turn_port_kind *ports)
{
	struct stun_attr attr;

	if (stun_find_attr(msg, STUN_ATTR_EVEN_PORT, &attr))
		return TURN_REASON_NONE;
	if (attr.len != 1)
		return TURN_REASON_BAD_REQUEST;
	*ports = attr.value[0] & 0x80 ? TURN_PORT_PAIR : TURN_PORT_EVEN;
	if (*ports == TURN_PORT_PAIR && has_attr(msg, STUN_ATTR_ADDITIONAL_ADDRESS_FAMILY))
		return TURN_REASON_BAD_REQUEST;
	return TURN_REASON_NONE;
}

/** The 9th check. Section 18.11: the additional family must be IPv6. */
static enum turn_reason add_family(const struct turn_request *request,
				   struct turn_allocation_params *params)
{
	uint32_t asked;
	int err = turn_find_family(request->msg, STUN_ATTR_ADDITIONAL_ADDRESS_FAMILY, &asked);

	if (err)
		return err == -EINVAL ? TURN_REASON_BAD_REQUEST : TURN_REASON_NONE;
	if (asked != STUN_FAMILY_IPV6)
		return TURN_REASON_BAD_REQUEST;
	if (has_family(request, TURNPIKE_IPV6))
		params->families[params->n_families++] = TURNPIKE_IPV6;
	else
		params->address_error = (struct turn_address_error){
			.family = TURNPIKE_IPV6,
			.code = TURN_ADDRESS_FAMILY_NOT_SUPPORTED,
		};
	return TURN_REASON_NONE;
}

/** The 6th to 9th check: which relayed transport addresses the client asks for. */
static enum turn_reason check_relays(const struct turn_request *request,
				     struct turn_allocation_params *params)
{
	enum turn_reason reason = choose_family(request, params);

	if (!reason)
		reason = check_even_port(request->msg, &params->ports);
	if (!reason)
		reason = add_family(request, params);
	return reason;
}

/** The checks of RFC 8656 section 7.2 from the third on, in their order. */
static enum turn_reason check_request(const struct turn_request *request,
				      struct turn_allocation_params *params)
{
	bool is_zero;
	enum turn_reason reason;

	/* RFC 8656 section 21.4 */
	if (turn_policy_is_tunnel(&request->tuple->client))
		return TURN_REASON_TUNNELLED_CLIENT;
	reason = check_transport(request->msg);
	if (!reason)
		reason = find_token(request->msg, &params->token);
	if (!reason && !params->token)
		reason = check_relays(request, params);
	if (!reason)
		reason = turn_find_lifetime(request->msg, &request->server->limits,
					    &params->lifetime, &is_zero);
	return reason;
}

static bool is_retransmission(const struct turn_request *request)
{
	const struct turn_allocation *alloc = request->alloc;

	return strcmp(alloc->user->name, request->user->name) == 0 &&
	       memcmp(alloc->transaction, request->msg->transaction, STUN_TRANSACTION_LEN) == 0;
}

/** Two relays may have been refreshed separately; LIFETIME is that of the first to expire. */
static uint64_t first_expiry(const struct turn_allocation *alloc)
{
	uint64_t expiry = TURN_NEVER;

	for (size_t i = 0; i < TURN_RELAYS_MAX; i++) {
		if (alloc->relays[i] && alloc->relays[i]->timer.when < expiry)
			expiry = alloc->relays[i]->timer.when;
	}
	return expiry;
}

static void write_success(const struct turn_request *request, struct stun_writer *response)
{
	const struct turn_allocation *alloc = request->alloc;
	uint64_t left = first_expiry(alloc) - request->now;

	for (size_t i = 0; i < TURN_RELAYS_MAX; i++) {
		if (alloc->relays[i])
			stun_write_xor_addr(response, STUN_ATTR_XOR_RELAYED_ADDRESS,
					    &alloc->relays[i]->external);
	}
	if (alloc->address_error.family)
		stun_write_address_error(response, alloc->address_error.family,
					 alloc->address_error.code);
	stun_write_u32(response, STUN_ATTR_LIFETIME, (uint32_t)(left / TURN_NS_PER_S));
	if (alloc->has_token)
		stun_write_bytes(response, STUN_ATTR_RESERVATION_TOKEN, alloc->token,
				 sizeof(alloc->token));
	stun_write_xor_addr(response, STUN_ATTR_XOR_MAPPED_ADDRESS, &request->tuple->client);
}

/** The share of the user's quota: a reservation counts as an allocation of its own. */
static uint32_t quota_share(const struct turn_allocation_params *params)
{
	return params->ports == TURN_PORT_PAIR ? 2 : 1;
}

/** Claims and charges the user's account, as one or not at all. */
static enum turn_reason claim(const struct turn_request *request, uint32_t n)
{
	const struct turn_limits *limits = &request->server->limits;
	struct turn_account *account = request->user->account;

	if (!turn_account_claim(account, n, limits->user_quota))
		return TURN_REASON_USER_QUOTA;
	if (turn_account_charge(account, n, limits->user_allocations, request->now))
		return TURN_REASON_NONE;
	turn_account_return(account, n);
	return TURN_REASON_USER_ALLOCATIONS;
}

static void unclaim(const struct turn_request *request, uint32_t n)
{
	turn_account_return(request->user->account, n);
	turn_account_refund(request->user->account, n, request->server->limits.user_allocations);
}

/** For a new allocation, where each limit has an errno of its own. */
static enum turn_reason why_full(int err)
{
	switch (err) {
	case -EDQUOT:
		return TURN_REASON_PORT_SHARE;
	case -EUSERS:
		return TURN_REASON_MAX_ALLOCATIONS;
	}
	return turn_why_not_made(err, TURN_REASON_NO_PORT);
}

static enum turn_reason allocate_new(struct turn_request *request,
				     const struct turn_allocation_params *params)
{
	const uint32_t n = quota_share(params);
	const enum turn_reason reason = claim(request, n);
	int err;

	if (reason)
		return reason;
	err = turn_allocation_new(request->server, request->tuple, request->user, params,
				  request->now, &request->alloc);
	if (!err)
		return TURN_REASON_NONE;
	unclaim(request, n);
	return why_full(err);
}

/** Everything was claimed and charged when the reservation was made. */
static enum turn_reason allocate_reserved(struct turn_request *request,
					  struct turn_allocation_params *params)
{
	struct turn_reservations *reservations = &request->server->shared->reservations;

	params->reservation = turn_reservation_take(reservations, params->token,
						    request->user->account, request->now);
	if (!params->reservation)
		return TURN_REASON_NO_RESERVATION;
	params->families[params->n_families++] = params->reservation->pool->address.addr.family;
	if (turn_allocation_new(request->server, request->tuple, request->user, params,
				request->now, &request->alloc)) {
		turn_reservation_return(reservations, params->reservation);
		return TURN_REASON_NO_RESERVATION;
	}
	turn_reservation_use(params->reservation);
	return TURN_REASON_NONE;
}

static bool is_blocked(const struct turn_request *request)
{
	const struct turn_server *server = request->server;
	const struct turn_user *user = request->user;

	return !server->ops.admits(server->ctx, user->name, turn_account_name(user->account));
}

static enum turn_reason allocate(struct turn_request *request,
				 struct turn_allocation_params *params)
{
	enum turn_reason reason;

	if (is_blocked(request))
		return TURN_REASON_BLOCKED;
	if (request->server->is_draining)
		return TURN_REASON_DRAINING;
	reason = params->token ? allocate_reserved(request, params) : allocate_new(request, params);
	if (reason)
		return reason;
	for (size_t i = 0; i < TURN_RELAYS_MAX; i++) {
		if (request->alloc->relays[i])
			turn_notify_relay(request->server, TURN_EVENT_ALLOCATED,
					  request->alloc->relays[i], params->lifetime);
	}
	return TURN_REASON_NONE;
}

enum turn_reason turn_allocate(struct turn_request *request, struct stun_writer *response)
{
	struct turn_allocation_params params = { .transaction = request->msg->transaction };
	enum turn_reason reason;

	if (request->alloc) {
		if (!is_retransmission(request))
			return TURN_REASON_HAS_ALLOCATION;
		write_success(request, response);
		return TURN_REASON_NONE;
	}
	reason = check_request(request, &params);
	if (!reason)
		reason = allocate(request, &params);
	if (!reason)
		write_success(request, response);
	return reason;
}
