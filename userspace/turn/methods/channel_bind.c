/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "turn/methods/checks.h"
#include "turn/methods/methods.h"
#include "turn/state/event.h"
#include "turn/state/lookup.h"
#include "turn/state/self_addr.h"
#include "turn/state/state.h"

/**
 * struct binding - what a ChannelBind request asks for
 * @number:  channel number
 * @peer:    peer as the client knows it
 * @bound:   the same after turn_self_to_bound()
 * @channel: the channel of @number and @bound, or NULL if both are free
 */
struct binding {
	uint16_t number;
	struct turnpike_addr peer;
	struct turnpike_addr bound;
	struct turn_channel *channel;
};

static enum turn_reason parse_binding(const struct stun_message *msg, struct binding *binding)
{
	struct stun_attr number_attr, peer_attr;
	uint32_t value;

	if (stun_find_attr(msg, STUN_ATTR_CHANNEL_NUMBER, &number_attr) ||
	    stun_find_attr(msg, STUN_ATTR_XOR_PEER_ADDRESS, &peer_attr) ||
	    stun_attr_u32(&number_attr, &value) ||
	    stun_attr_xor_addr(msg, &peer_attr, &binding->peer))
		return TURN_REASON_BAD_REQUEST;
	/* RFC 8656 section 18.1: the other 16 bits are ignored. */
	binding->number = (uint16_t)(value >> 16);
	if (binding->number < TURN_CHANNEL_MIN || binding->number > TURN_CHANNEL_MAX)
		return TURN_REASON_BAD_REQUEST;
	/* Nothing can be sent to port 0. */
	return binding->peer.port != 0 ? TURN_REASON_NONE : TURN_REASON_BAD_REQUEST;
}

static struct turn_channel *find_channel_of(const struct turn_request *request,
					    const struct turnpike_addr *addr)
{
	const struct turn_relay *relay = turn_relay_for(request->alloc, addr->family);
	const struct turn_peer *peer = relay ? turn_peer_find(request->server, relay, addr) : NULL;

	return peer ? peer->channel : NULL;
}

/** The checks of RFC 8656 section 12.2, in their order. */
static enum turn_reason check_binding(const struct turn_request *request, struct binding *binding)
{
	enum turn_reason reason = parse_binding(request->msg, binding);

	if (reason)
		return reason;
	binding->bound = turn_self_to_bound(request->server, &binding->peer);
	binding->channel = turn_channel_find(request->server, request->tuple, binding->number);
	if (binding->channel != find_channel_of(request, &binding->bound))
		return TURN_REASON_CHANNEL_IN_USE;
	reason = turn_check_peer(request, &binding->peer);
	if (!reason && turn_self_is_relay_ip(request->server, &binding->bound) &&
	    !turn_self_is_live_relay(request->server, &binding->bound, request->now))
		return TURN_REASON_NO_RELAY;
	return reason;
}

/** Finds or makes the permission and the channel, still expired: the only step that can fail. */
static enum turn_reason make(const struct turn_request *request, struct binding *binding,
			     struct turn_permission **permission)
{
	struct turn_server *server = request->server;
	struct turn_relay *relay = turn_relay_for(request->alloc, binding->bound.family);
	int err = turn_permission_get(server, relay, &binding->bound, permission);

	if (err)
		return turn_why_not_made(err, TURN_REASON_MAX_PERMISSIONS);
	if (binding->channel)
		return TURN_REASON_NONE;
	err = turn_channel_new(server, *permission, binding->number, &binding->bound,
			       &binding->channel);
	if (!err)
		return TURN_REASON_NONE;
	turn_permission_drop_unused(server, *permission, request->now);
	return turn_why_not_made(err, TURN_REASON_MAX_CHANNELS);
}

enum turn_reason turn_channel_bind(struct turn_request *request, struct stun_writer *response)
{
	struct turn_server *server = request->server;
	struct turn_permission *permission;
	struct binding binding;
	enum turn_reason reason = check_binding(request, &binding);

	(void)response;
	if (!reason)
		reason = make(request, &binding, &permission);
	if (reason)
		return reason;
	turn_channel_refresh(server, binding.channel, request->now);
	turn_permission_refresh(server, permission, request->now);
	turn_notify_channel(server, binding.channel);
	return TURN_REASON_NONE;
}
