/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "turn/methods/checks.h"
#include "turn/methods/methods.h"
#include "turn/state/event.h"
#include "turn/state/lookup.h"
#include "turn/state/self_addr.h"
#include "turn/state/state.h"

/** Iterates over the peers of a request that has passed check_syntax(); false at the end. */
static bool next_peer(const struct stun_message *msg, struct stun_attr *attr,
		      struct turnpike_addr *peer)
{
	while (stun_next_attr(msg, attr)) {
		if (attr->type == STUN_ATTR_XOR_PEER_ADDRESS)
			return stun_attr_xor_addr(msg, attr, peer) == 0;
	}
	return false;
}

static enum turn_reason check_syntax(const struct stun_message *msg)
{
	struct stun_attr attr = { 0 };
	struct turnpike_addr peer;
	bool any = false;

	while (stun_next_attr(msg, &attr)) {
		if (attr.type != STUN_ATTR_XOR_PEER_ADDRESS)
			continue;
		if (stun_attr_xor_addr(msg, &attr, &peer))
			return TURN_REASON_BAD_REQUEST;
		any = true;
	}
	return any ? TURN_REASON_NONE : TURN_REASON_BAD_REQUEST;
}

static enum turn_reason check_all(const struct turn_request *request)
{
	struct stun_attr attr = { 0 };
	struct turnpike_addr peer;
	enum turn_reason reason = check_syntax(request->msg);

	while (!reason && next_peer(request->msg, &attr, &peer))
		reason = turn_check_peer(request, &peer);
	return reason;
}

/** The same after check_all(): returns @peer as bound, and the @relay that reaches it. */
static bool next_bound(const struct turn_request *request, struct stun_attr *attr,
		       struct turn_relay **relay, struct turnpike_addr *peer)
{
	if (!next_peer(request->msg, attr, peer))
		return false;
	*peer = turn_self_to_bound(request->server, peer);
	*relay = turn_relay_for(request->alloc, peer->family);
	return true;
}

/** Creates the missing permissions, still expired: the only step that can fail. */
static enum turn_reason make_all(const struct turn_request *request)
{
	struct turn_permission *permission;
	struct stun_attr attr = { 0 };
	struct turnpike_addr peer;
	struct turn_relay *relay;
	int err;

	while (next_bound(request, &attr, &relay, &peer)) {
		err = turn_permission_get(request->server, relay, &peer, &permission);
		if (err)
			return turn_why_not_made(err, TURN_REASON_MAX_PERMISSIONS);
	}
	return TURN_REASON_NONE;
}

static void drop_all_unused(const struct turn_request *request)
{
	struct turn_permission *permission;
	struct stun_attr attr = { 0 };
	struct turnpike_addr peer;
	struct turn_relay *relay;

	while (next_bound(request, &attr, &relay, &peer)) {
		permission = turn_permission_find(request->server, relay, &peer);
		if (permission)
			turn_permission_drop_unused(request->server, permission, request->now);
	}
}

static void refresh_all(const struct turn_request *request)
{
	struct turn_permission *permission;
	struct stun_attr attr = { 0 };
	struct turnpike_addr peer;
	struct turn_relay *relay;

	while (next_bound(request, &attr, &relay, &peer)) {
		permission = turn_permission_find(request->server, relay, &peer);
		turn_permission_refresh(request->server, permission, request->now);
		turn_notify_permission(request->server, permission);
	}
}

enum turn_reason turn_create_permission(struct turn_request *request, struct stun_writer *response)
{
	enum turn_reason reason = check_all(request);

	(void)response;
	if (reason)
		return reason;
	reason = make_all(request);
	if (reason)
		drop_all_unused(request);
	else
		refresh_all(request);
	return reason;
}
