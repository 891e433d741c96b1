/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>

#include "turn/state/event.h"
#include "turn/state/self_addr.h"

/** What is common to all that is about an allocation. */
static struct turn_event about(enum turn_event_kind kind, const struct turn_relay *relay)
{
	return (struct turn_event){
		.kind = kind,
		.tuple = &relay->alloc->tuple,
		.username = relay->alloc->user->name,
		.relay = &relay->external,
	};
}

static void tell(const struct turn_server *server, const struct turn_event *event)
{
	server->ops.event(server->ctx, event);
}

void turn_notify_relay(const struct turn_server *server, enum turn_event_kind kind,
		       const struct turn_relay *relay, uint32_t lifetime)
{
	struct turn_event event = about(kind, relay);

	event.lifetime = lifetime;
	tell(server, &event);
}

void turn_notify_end(const struct turn_server *server, const struct turn_relay *relay,
		     const char *why)
{
	struct turn_event event = about(TURN_EVENT_ENDED, relay);

	event.why = why;
	tell(server, &event);
}

void turn_notify_permission(const struct turn_server *server,
			    const struct turn_permission *permission)
{
	struct turn_event event = about(TURN_EVENT_PERMITTED, permission->relay);
	struct turnpike_addr peer = turn_self_to_external(server, &permission->key.peer);

	event.peer = &peer;
	tell(server, &event);
}

void turn_notify_channel(const struct turn_server *server, const struct turn_channel *channel)
{
	struct turn_event event = about(TURN_EVENT_BOUND, channel->permission->relay);
	struct turnpike_addr peer = turn_self_to_external(server, &channel->by_peer.peer);

	event.peer = &peer;
	event.channel = channel->by_number.number;
	tell(server, &event);
}

/** What the client says who it is, true or not; @name has room for a name of any user and a NUL. */
static void copy_claimed_name(const struct stun_message *msg, char *name)
{
	struct stun_attr attr;
	size_t len = 0;

	if (stun_find_attr(msg, STUN_ATTR_USERNAME, &attr) == 0)
		len = attr.len < STUN_USERNAME_MAX ? attr.len : STUN_USERNAME_MAX;
	if (len > 0)
		memcpy(name, attr.value, len);
	name[len] = '\0';
}

void turn_notify_refusal(const struct turn_request *request, int code)
{
	char claimed[STUN_USERNAME_MAX + 1];
	struct turn_event event = {
		.kind = TURN_EVENT_REFUSED,
		.tuple = request->tuple,
		.username = request->user ? request->user->name : claimed,
		.method = request->msg->method,
		.code = code,
	};

	copy_claimed_name(request->msg, claimed);
	tell(request->server, &event);
}
