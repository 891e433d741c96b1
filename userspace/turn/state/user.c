/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "stun/opaque_string.h"
#include "turn/auth/credentials.h"
#include "turn/auth/rest.h"
#include "turn/state/lookup.h"
#include "turn/state/user.h"

static void free_user(struct turn_user *user)
{
	for (size_t i = 0; i < 2; i++)
		stun_hmac_free(user->hmacs[i]);
	if (user->account)
		turn_account_put(user->shared, user->account);
	OPENSSL_cleanse(&user->key, sizeof(user->key));
	free(user);
}

struct turn_user *turn_user_get(struct turn_user *user)
{
	user->references++;
	return user;
}

void turn_user_put(struct turn_user *user)
{
	if (user && --user->references == 0)
		free_user(user);
}

struct stun_hmac *turn_user_hmac(struct turn_user *user, enum stun_integrity kind)
{
	if (!user->hmacs[kind])
		user->hmacs[kind] = stun_hmac_new(kind, user->key.bytes, user->key.len);
	return user->hmacs[kind];
}

/** RFC 8489 section 9.2.4: of the two, the better one is checked. */
static int check(const struct stun_message *msg, struct turn_user *user)
{
	enum stun_integrity kind =
		msg->integrity_sha256 ? STUN_INTEGRITY_SHA256 : STUN_INTEGRITY_SHA1;
	struct stun_hmac *hmac = turn_user_hmac(user, kind);

	return hmac ? stun_check_integrity(msg, hmac) : -ENOMEM;
}

/** All names of one account count together; only those from secrets have an account in them. */
static const char *account_of(const struct turn_server *server, const char *name)
{
	const char *account = name;
	uint64_t expiry;

	if (!turn_credentials_has_user(server->credentials, name))
		turn_rest_parse(name, &expiry, &account);
	return account;
}

static int new_user(struct turn_server *server, const char *name,
		    enum stun_password_algorithm algorithm, const struct stun_key *key,
		    struct turn_user **ret)
{
	const size_t len = strlen(name);
	struct turn_user *user = calloc(1, sizeof(*user) + len + 1);

	if (!user)
		return -ENOMEM;
	memcpy(user->name, name, len + 1);
	user->references = 1;
	user->generation = server->generation;
	user->algorithm = algorithm;
	user->key = *key;
	*ret = user;
	return 0;
}

/** What only those need who have proved who they are. */
static int settle(struct turn_server *server, struct turn_user *user)
{
	user->shared = server->shared;
	user->account = turn_account_get(server->shared, account_of(server, user->name));
	if (!user->account)
		return -ENOMEM;
	if (!turn_credentials_has_user(server->credentials, user->name))
		return 0;
	if (turn_user_insert(server, user))
		return -ENOMEM;
	turn_user_get(user);
	return 0;
}

static int try_key(struct turn_server *server, const char *name,
		   enum stun_password_algorithm algorithm, const struct stun_key *key,
		   const struct stun_message *msg, struct turn_user **ret)
{
	struct turn_user *user;
	int err = new_user(server, name, algorithm, key, &user);

	if (err)
		return err;
	err = check(msg, user);
	if (!err)
		err = settle(server, user);
	if (err)
		turn_user_put(user);
	else
		*ret = user;
	return err;
}

static bool is_over(const struct turn_server *server, const char *name)
{
	uint64_t expiry;
	const char *account;

	return !turn_credentials_has_user(server->credentials, name) &&
	       turn_rest_parse(name, &expiry, &account) &&
	       expiry <= server->ops.unix_time(server->ctx);
}

static int try_keys(struct turn_server *server, const char *name,
		    enum stun_password_algorithm algorithm, const struct stun_message *msg,
		    struct turn_user **ret)
{
	struct stun_key key = { 0 };
	int err = -EBADMSG;

	if (!server->credentials || is_over(server, name) || !stun_is_utf8(name, strlen(name)))
		return -EBADMSG;
	for (size_t i = 0; err == -EBADMSG; i++) {
		err = turn_credentials_key(server->credentials, name, algorithm, i, &key);
		if (!err)
			err = try_key(server, name, algorithm, &key, msg, ret);
	}
	OPENSSL_cleanse(&key, sizeof(key));
	return err;
}

static int try_user(struct turn_user *user, const struct stun_message *msg, struct turn_user **ret)
{
	int err = check(msg, user);

	if (!err)
		*ret = turn_user_get(user);
	return err;
}

int turn_user_prove(struct turn_server *server, const struct turn_allocation *alloc,
		    const char *name, enum stun_password_algorithm algorithm,
		    const struct stun_message *msg, struct turn_user **ret)
{
	struct turn_user *known;
	int err = -EBADMSG;

	if (alloc && alloc->user->algorithm == algorithm && strcmp(alloc->user->name, name) == 0)
		err = try_user(alloc->user, msg, ret);
	if (err != -EBADMSG)
		return err;
	known = turn_user_find(server, name, algorithm);
	/* Of a user there is one key, of a time-limited name there may be more. */
	err = known ? try_user(known, msg, ret) : try_keys(server, name, algorithm, msg, ret);
	return err == -EBADMSG || err == -ENOENT ? -EACCES : err;
}

bool turn_user_is_current(const struct turn_server *server, struct turn_user *user)
{
	if (user->generation != server->generation && server->credentials &&
	    turn_credentials_has_key(server->credentials, user->name, user->algorithm, &user->key))
		user->generation = server->generation;
	return user->generation == server->generation;
}

void turn_users_forget(struct turn_server *server)
{
	struct turn_user *user, *next;

	for (size_t i = 0; i < TURN_USER_TABLES; i++) {
		HASH_ITER(hh, server->users[i], user, next) {
			HASH_DELETE(hh, server->users[i], user);
			turn_user_put(user);
		}
	}
}
