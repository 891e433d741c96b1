/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file event.h
 * What the owner is told of for its log: see struct turn_event.
 */
#ifndef TURNPIKE_TURN_STATE_EVENT_H
#define TURNPIKE_TURN_STATE_EVENT_H

#include "turn/methods/request.h"
#include "turn/state/server.h"

/** turn_notify_relay() - it was allocated or refreshed for @lifetime seconds */
void turn_notify_relay(const struct turn_server *server, enum turn_event_kind kind,
		       const struct turn_relay *relay, uint32_t lifetime);

/** turn_notify_end() - @relay has ended; @why as in struct turn_event */
void turn_notify_end(const struct turn_server *server, const struct turn_relay *relay,
		     const char *why);

/** turn_notify_permission() - it was granted, or once more */
void turn_notify_permission(const struct turn_server *server,
			    const struct turn_permission *permission);

/** turn_notify_channel() - it was bound, or once more */
void turn_notify_channel(const struct turn_server *server, const struct turn_channel *channel);

/** turn_notify_refusal() - @request gets an error response with @code */
void turn_notify_refusal(const struct turn_request *request, int code);

#endif /* TURNPIKE_TURN_STATE_EVENT_H */
