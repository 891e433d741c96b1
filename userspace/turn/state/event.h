/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file event.h
 * Raise events for the owner's log: see struct turn_event.
 */
#ifndef TURNPIKE_TURN_STATE_EVENT_H
#define TURNPIKE_TURN_STATE_EVENT_H

#include "turn/state/server.h"

/** turn_notify_relay() - @relay was allocated or refreshed for @lifetime seconds */
void turn_notify_relay(const struct turn_server *server, enum turn_event_kind kind,
		       const struct turn_relay *relay, uint32_t lifetime);

/** turn_notify_end() - @relay ended; @why as in struct turn_event */
void turn_notify_end(const struct turn_server *server, const struct turn_relay *relay,
		     const char *why, uint64_t now);

/** turn_notify_interim() - @relay goes on; @in_kernel: what the kernel has relayed so far */
void turn_notify_interim(const struct turn_server *server, const struct turn_relay *relay,
			 const struct turn_traffic in_kernel[static TURN_DIRECTIONS], uint64_t now);

/** turn_notify_permission() - @permission was created or refreshed */
void turn_notify_permission(const struct turn_server *server,
			    const struct turn_permission *permission);

/** turn_notify_icmp() - an ICMP error of @peer was reported to the client */
void turn_notify_icmp(const struct turn_server *server, const struct turn_relay *relay,
		      const struct turnpike_addr *peer, const struct turn_icmp *icmp);

/** turn_drop_message() - count a message that is dropped, and raise an event if that is wanted */
void turn_drop_message(struct turn_server *server, const struct turn_tuple *tuple,
		       enum turn_reason reason);

/** turn_drop_data() - likewise, of data from or to @peer, as bound */
void turn_drop_data(struct turn_server *server, const struct turn_relay *relay,
		    const struct turnpike_addr *peer, enum turn_reason reason);

/** turn_notify_channel() - @channel was bound or refreshed */
void turn_notify_channel(const struct turn_server *server, const struct turn_channel *channel);

#endif /* TURNPIKE_TURN_STATE_EVENT_H */
