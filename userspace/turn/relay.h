/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file relay.h
 * Application data from clients; the way from peers is turn_server_peer_input().
 */
#ifndef TURNPIKE_TURN_RELAY_H
#define TURNPIKE_TURN_RELAY_H

#include "stun/message.h"
#include "turn/server.h"

/** turn_relay_channel_data() - relay a ChannelData message, or discard it */
void turn_relay_channel_data(struct turn_server *server, const struct turn_tuple *tuple,
			     const struct turn_packet *packet, uint64_t now);

/** turn_relay_send_indication() - relay the DATA of a Send indication, or discard it */
void turn_relay_send_indication(struct turn_server *server, const struct turn_tuple *tuple,
				const struct stun_message *msg, uint64_t now);

#endif /* TURNPIKE_TURN_RELAY_H */
