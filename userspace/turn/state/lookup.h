/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file lookup.h
 * The hash tables of a server, all under its secret key: clients choose what is looked up.
 *
 * Finding returns NULL if there is no such thing, adding -ENOMEM (and changes nothing) if there is
 * no memory.
 */
#ifndef TURNPIKE_TURN_STATE_LOOKUP_H
#define TURNPIKE_TURN_STATE_LOOKUP_H

#include "turn/state/server.h"

/** turn_user_find() - a user by name and the algorithm of the key */
struct turn_user *turn_user_find(const struct turn_server *server, const char *name,
				 enum stun_password_algorithm algorithm);
/** turn_user_insert() - add a user whose name and algorithm are set */
int turn_user_insert(struct turn_server *server, struct turn_user *user);

/** turn_allocation_find() - an allocation by the client's 5-tuple */
struct turn_allocation *turn_allocation_find(const struct turn_server *server,
					     const struct turn_tuple *tuple);
/** turn_allocation_insert() - add an allocation whose tuple is set */
int turn_allocation_insert(struct turn_server *server, struct turn_allocation *alloc);

/** turn_permission_find() - the permission of @relay for the IP address of @peer, expired or not */
struct turn_permission *turn_permission_find(const struct turn_server *server,
					     const struct turn_relay *relay,
					     const struct turnpike_addr *peer);
/** turn_permission_insert() - add a permission whose key is set */
int turn_permission_insert(struct turn_server *server, struct turn_permission *permission);

/** turn_channel_find_peer() - the channel of @relay that is bound to @peer, expired or not */
struct turn_channel *turn_channel_find_peer(const struct turn_server *server,
					    const struct turn_relay *relay,
					    const struct turnpike_addr *peer);
/** turn_channel_find_number() - the channel of the client at @tuple with a number, expired or not
 */
struct turn_channel *turn_channel_find_number(const struct turn_server *server,
					      const struct turn_tuple *tuple, uint16_t number);
/** turn_channel_insert() - add a channel whose keys are set */
int turn_channel_insert(struct turn_server *server, struct turn_channel *channel);
/** turn_channel_remove() - take a channel out of the tables */
void turn_channel_remove(struct turn_server *server, struct turn_channel *channel);

#endif /* TURNPIKE_TURN_STATE_LOOKUP_H */
