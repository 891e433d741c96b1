/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <string.h>

#include "turn/state/lookup.h"

static unsigned int hash(const struct turn_server *server, const void *key, size_t len)
{
	return (unsigned int)siphash(server->hash_key, key, len);
}

static size_t table_of(enum stun_password_algorithm algorithm)
{
	return algorithm == STUN_PASSWORD_MD5 ? 0 : 1;
}

struct turn_user *turn_user_find(const struct turn_server *server, const char *name,
				 enum stun_password_algorithm algorithm)
{
	struct turn_user *const users = server->users[table_of(algorithm)];
	size_t len = strlen(name);
	struct turn_user *user;

	HASH_FIND_BYHASHVALUE(hh, users, name, len, hash(server, name, len), user);
	return user;
}

int turn_user_insert(struct turn_server *server, struct turn_user *user)
{
	struct turn_user **users = &server->users[table_of(user->algorithm)];
	size_t len = strlen(user->name);

	HASH_ADD_KEYPTR_BYHASHVALUE(hh, *users, user->name, len, hash(server, user->name, len),
				    user);
	return user->hh.tbl ? 0 : -ENOMEM;
}

struct turn_allocation *turn_allocation_find(const struct turn_server *server,
					     const struct turn_tuple *tuple)
{
	struct turn_allocation *alloc;

	HASH_FIND_BYHASHVALUE(hh, server->allocations, tuple, sizeof(*tuple),
			      hash(server, tuple, sizeof(*tuple)), alloc);
	return alloc;
}

int turn_allocation_insert(struct turn_server *server, struct turn_allocation *alloc)
{
	HASH_ADD_BYHASHVALUE(hh, server->allocations, tuple, sizeof(alloc->tuple),
			     hash(server, &alloc->tuple, sizeof(alloc->tuple)), alloc);
	return alloc->hh.tbl ? 0 : -ENOMEM;
}

struct turn_permission *turn_permission_find(const struct turn_server *server,
					     const struct turn_relay *relay,
					     const struct turnpike_addr *peer)
{
	struct turn_peer_key key = { .relay = relay->addr, .peer = addr_without_port(peer) };
	struct turn_permission *permission;

	HASH_FIND_BYHASHVALUE(hh, server->permissions, &key, sizeof(key),
			      hash(server, &key, sizeof(key)), permission);
	return permission;
}

int turn_permission_insert(struct turn_server *server, struct turn_permission *permission)
{
	HASH_ADD_BYHASHVALUE(hh, server->permissions, key, sizeof(permission->key),
			     hash(server, &permission->key, sizeof(permission->key)), permission);
	return permission->hh.tbl ? 0 : -ENOMEM;
}

struct turn_peer *turn_peer_find(const struct turn_server *server, const struct turn_relay *relay,
				 const struct turnpike_addr *addr)
{
	struct turn_peer_key key = { .relay = relay->addr, .peer = *addr };
	struct turn_peer *peer;

	HASH_FIND_BYHASHVALUE(hh, server->peers, &key, sizeof(key), hash(server, &key, sizeof(key)),
			      peer);
	return peer;
}

int turn_peer_insert(struct turn_server *server, struct turn_peer *peer)
{
	HASH_ADD_BYHASHVALUE(hh, server->peers, key, sizeof(peer->key),
			     hash(server, &peer->key, sizeof(peer->key)), peer);
	return peer->hh.tbl ? 0 : -ENOMEM;
}

struct turn_channel *turn_channel_find(const struct turn_server *server,
				       const struct turn_tuple *tuple, uint16_t number)
{
	struct turn_number_key key = { .tuple = *tuple, .number = number };
	struct turn_channel *channel;

	HASH_FIND_BYHASHVALUE(hh, server->channels, &key, sizeof(key),
			      hash(server, &key, sizeof(key)), channel);
	return channel;
}

int turn_channel_insert(struct turn_server *server, struct turn_channel *channel)
{
	HASH_ADD_BYHASHVALUE(hh, server->channels, key, sizeof(channel->key),
			     hash(server, &channel->key, sizeof(channel->key)), channel);
	return channel->hh.tbl ? 0 : -ENOMEM;
}
