/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file data.h
 * Application data of clients. For data of peers, see turn_server_peer_input().
 */
#ifndef TURNPIKE_TURN_DATA_H
#define TURNPIKE_TURN_DATA_H

#include "stun/message.h"
#include "turn/state/server.h"

/** turn_data_from_channel() - relay a ChannelData message, or drop it and count why */
void turn_data_from_channel(struct turn_server *server, const struct turn_tuple *tuple,
			    const struct turn_packet *packet, uint64_t now);

/**
 * turn_data_from_indication() - relay the DATA of a Send indication, or drop it and count why
 * @packet: the message
 * @msg:    the same, parsed
 */
void turn_data_from_indication(struct turn_server *server, const struct turn_tuple *tuple,
			       const struct turn_packet *packet, const struct stun_message *msg,
			       uint64_t now);

#endif /* TURNPIKE_TURN_DATA_H */
