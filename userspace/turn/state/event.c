/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>

#include "turn/state/event.h"
#include "turn/state/self_addr.h"

static struct turn_event event_of(enum turn_event_kind kind, const struct turn_relay *relay)
{
	return (struct turn_event){
		.kind = kind,
		.id = relay->alloc->id,
		.tuple = &relay->alloc->tuple,
		.username = relay->alloc->user->name,
		.relay = &relay->external,
	};
}

void turn_notify_relay(const struct turn_server *server, enum turn_event_kind kind,
		       const struct turn_relay *relay, uint32_t lifetime)
{
	struct turn_event event = event_of(kind, relay);

	event.lifetime = lifetime;
	server->ops.event(server->ctx, &event);
}

static struct turn_event event_with_account(enum turn_event_kind kind,
					    const struct turn_relay *relay,
					    const struct turn_traffic in_kernel[TURN_DIRECTIONS],
					    uint64_t now)
{
	struct turn_event event = event_of(kind, relay);

	event.age_ns = now - relay->begin_ns;
	memcpy(event.traffic, relay->traffic, sizeof(event.traffic));
	memcpy(event.in_kernel, in_kernel, sizeof(event.in_kernel));
	return event;
}

void turn_notify_end(const struct turn_server *server, const struct turn_relay *relay,
		     const char *why, uint64_t now)
{
	struct turn_event event =
		event_with_account(TURN_EVENT_ENDED, relay, relay->in_kernel, now);

	event.why = why;
	server->ops.event(server->ctx, &event);
}

void turn_notify_interim(const struct turn_server *server, const struct turn_relay *relay,
			 const struct turn_traffic in_kernel[static TURN_DIRECTIONS], uint64_t now)
{
	const struct turn_event event =
		event_with_account(TURN_EVENT_INTERIM, relay, in_kernel, now);

	server->ops.event(server->ctx, &event);
}

void turn_notify_permission(const struct turn_server *server,
			    const struct turn_permission *permission)
{
	struct turn_event event = event_of(TURN_EVENT_PERMITTED, permission->relay);
	struct turnpike_addr peer = turn_self_to_external(server, &permission->key.peer);

	event.peer = &peer;
	server->ops.event(server->ctx, &event);
}

void turn_notify_channel(const struct turn_server *server, const struct turn_channel *channel)
{
	struct turn_event event = event_of(TURN_EVENT_BOUND, channel->peer->permission->relay);
	struct turnpike_addr peer = turn_self_to_external(server, &channel->peer->key.peer);

	event.peer = &peer;
	event.channel = channel->key.number;
	server->ops.event(server->ctx, &event);
}

void turn_notify_icmp(const struct turn_server *server, const struct turn_relay *relay,
		      const struct turnpike_addr *peer, const struct turn_icmp *icmp)
{
	struct turnpike_addr external = turn_self_to_external(server, peer);
	struct turn_event event;

	if (!server->ops.is_watched(server->ctx))
		return;
	event = event_of(TURN_EVENT_ICMP, relay);
	event.peer = &external;
	event.icmp = icmp;
	server->ops.event(server->ctx, &event);
}

void turn_drop_message(struct turn_server *server, const struct turn_tuple *tuple,
		       enum turn_reason reason)
{
	const struct turn_event event = {
		.kind = TURN_EVENT_DROPPED,
		.tuple = tuple,
		.username = "",
		.reason = reason,
	};

	server->stats.dropped[reason]++;
	if (server->ops.is_watched(server->ctx))
		server->ops.event(server->ctx, &event);
}

void turn_drop_data(struct turn_server *server, const struct turn_relay *relay,
		    const struct turnpike_addr *peer, enum turn_reason reason)
{
	struct turnpike_addr external;
	struct turn_event event;

	server->stats.dropped[reason]++;
	if (!server->ops.is_watched(server->ctx))
		return;
	external = turn_self_to_external(server, peer);
	event = event_of(TURN_EVENT_DROPPED, relay);
	event.peer = &external;
	event.reason = reason;
	server->ops.event(server->ctx, &event);
}
