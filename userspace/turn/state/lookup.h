/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file lookup.h
 * The hash tables of a server. Clients choose the keys, so all are hashed with the server's secret.
 *
 * Find functions return NULL if there is no such object. Insert functions return 0, or -ENOMEM and
 * change nothing.
 */
#ifndef TURNPIKE_TURN_STATE_LOOKUP_H
#define TURNPIKE_TURN_STATE_LOOKUP_H

#include "turn/state/server.h"

/** turn_user_find() - find a user by name and by the algorithm of its key */
struct turn_user *turn_user_find(const struct turn_server *server, const char *name,
				 enum stun_password_algorithm algorithm);
/** turn_user_insert() - insert a user whose name and algorithm are set */
int turn_user_insert(struct turn_server *server, struct turn_user *user);

/** turn_allocation_find() - find an allocation by the client's 5-tuple */
struct turn_allocation *turn_allocation_find(const struct turn_server *server,
					     const struct turn_tuple *tuple);
/** turn_allocation_insert() - insert an allocation whose tuple is set */
int turn_allocation_insert(struct turn_server *server, struct turn_allocation *alloc);

/** turn_permission_find() - find a permission of @relay by the IP of @peer; may be expired */
struct turn_permission *turn_permission_find(const struct turn_server *server,
					     const struct turn_relay *relay,
					     const struct turnpike_addr *peer);
/** turn_permission_insert() - insert a permission whose key is set */
int turn_permission_insert(struct turn_server *server, struct turn_permission *permission);

/** turn_peer_find() - find the peer of @relay at @addr */
struct turn_peer *turn_peer_find(const struct turn_server *server, const struct turn_relay *relay,
				 const struct turnpike_addr *addr);
/** turn_peer_insert() - insert a peer whose key is set */
int turn_peer_insert(struct turn_server *server, struct turn_peer *peer);

/** turn_channel_find() - find a channel of the client at @tuple; may be expired */
struct turn_channel *turn_channel_find(const struct turn_server *server,
				       const struct turn_tuple *tuple, uint16_t number);
/** turn_channel_insert() - insert a channel whose key is set */
int turn_channel_insert(struct turn_server *server, struct turn_channel *channel);

#endif /* TURNPIKE_TURN_STATE_LOOKUP_H */
