/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file state.h
 * How allocations, permissions, channels and flows come into being, are refreshed and end.
 *
 * Errors are negative errno: -ENOMEM, -ENOSPC (a limit of the configuration, or no free port), or
 * one of open_relay. On error nothing has changed.
 */
#ifndef TURNPIKE_TURN_STATE_H
#define TURNPIKE_TURN_STATE_H

#include "turn/server.h"

/**
 * struct turn_wish - what an Allocate request asks for
 * @family:      of the relayed transport address
 * @even_port:   with an even port
 * @lifetime:    in seconds
 * @transaction: STUN_TRANSACTION_LEN bytes of the request
 */
struct turn_wish {
	enum turnpike_family family;
	bool even_port;
	uint32_t lifetime;
	const uint8_t *transaction;
};

/** turn_allocation_new() - open a relay and make an allocation of it */
int turn_allocation_new(struct turn_server *server, const struct turn_tuple *tuple,
			struct turn_user *user, const struct turn_wish *wish, uint64_t now,
			struct turn_allocation **alloc);

/** turn_allocation_refresh() - let @alloc live for @lifetime seconds from @now */
void turn_allocation_refresh(struct turn_server *server, struct turn_allocation *alloc,
			     uint32_t lifetime, uint64_t now);

/** turn_allocation_end() - end @alloc and all that belongs to it; the relay is closed last */
void turn_allocation_end(struct turn_server *server, struct turn_allocation *alloc, uint64_t now);

/** turn_permission_get() - find the permission for the IP address of @peer, or make an expired one
 */
int turn_permission_get(struct turn_server *server, struct turn_allocation *alloc,
			const struct turnpike_addr *peer, struct turn_permission **permission);

/** turn_permission_refresh() - grant @permission for 300 s from @now, in the kernel too */
void turn_permission_refresh(struct turn_server *server, struct turn_permission *permission,
			     uint64_t now);

/** turn_permission_drop_unused() - end @permission if it is expired at @now and has no channels */
void turn_permission_drop_unused(struct turn_server *server, struct turn_permission *permission,
				 uint64_t now);

/** turn_permission_end() - end @permission and its channels */
void turn_permission_end(struct turn_server *server, struct turn_permission *permission);

/** turn_channel_new() - make an expired channel for a number and a peer that are both free */
int turn_channel_new(struct turn_server *server, struct turn_permission *permission,
		     uint16_t number, const struct turnpike_addr *peer,
		     struct turn_channel **channel);

/** turn_channel_refresh() - let @channel be bound for 600 s from @now; the flow is not touched */
void turn_channel_refresh(struct turn_server *server, struct turn_channel *channel, uint64_t now);

/** turn_channel_end() - end @channel, not its permission */
void turn_channel_end(struct turn_server *server, struct turn_channel *channel);

/** turn_flow_install() - bring the kernel up to date with @channel, if it is bound at @now */
void turn_flow_install(struct turn_server *server, struct turn_channel *channel, uint64_t now);

/** turn_flow_remove() - take @channel out of the kernel, if it is there */
void turn_flow_remove(struct turn_server *server, struct turn_channel *channel);

#endif /* TURNPIKE_TURN_STATE_H */
