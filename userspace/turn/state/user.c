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
		turn_account_put(user->account);
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

/** RFC 8489 section 9.2.4: if both attributes are present, only the stronger one is checked. */
static int check(const struct stun_message *msg, struct turn_user *user)
{
	enum stun_integrity kind =
		msg->integrity_sha256 ? STUN_INTEGRITY_SHA256 : STUN_INTEGRITY_SHA1;
	struct stun_hmac *hmac = turn_user_hmac(user, kind);

	return hmac ? stun_check_integrity(msg, hmac) : -ENOMEM;
}

const char *turn_user_account(const struct turn_server *server, const char *name)
{
	const char *account = name;
	uint64_t expiry;

	if (server->credentials && !turn_credentials_has_user(server->credentials, name))
		turn_rest_parse(name, &expiry, &account);
	return account;
}

int turn_user_new_decoy(struct turn_server *server)
{
	struct turn_user *decoy = calloc(1, sizeof(*decoy) + 1);

	if (!decoy)
		return -ENOMEM;
	decoy->references = 1;
	decoy->key.len = sizeof(decoy->key.bytes);
	server->ops.random(server->ctx, decoy->key.bytes, sizeof(decoy->key.bytes));
	server->decoy = decoy;
	return 0;
}

static struct turn_user *new_user(const struct turn_server *server, const struct turn_claim *claim,
				  const struct stun_key *key)
{
	const size_t len = strlen(claim->username);
	struct turn_user *user = calloc(1, sizeof(*user) + len + 1);

	if (!user)
		return NULL;
	memcpy(user->name, claim->username, len + 1);
	user->references = 1;
	user->generation = server->generation;
	user->algorithm = claim->algorithm;
	user->key = *key;
	return user;
}

/** Finishes a user whose key has matched, so that failed attempts stay cheap. */
static int set_up(struct turn_server *server, struct turn_user *user)
{
	user->account =
		turn_account_open(&server->shared->accounts, turn_user_account(server, user->name));
	if (!user->account)
		return -ENOMEM;
	if (!turn_credentials_has_user(server->credentials, user->name))
		return 0;
	if (turn_user_insert(server, user))
		return -ENOMEM;
	turn_user_get(user);
	return 0;
}

static int try_key(struct turn_server *server, const struct turn_claim *claim,
		   const struct stun_key *key, const struct stun_message *msg,
		   struct turn_user **ret)
{
	struct turn_user *user = new_user(server, claim, key);
	int err;

	if (!user)
		return -ENOMEM;
	err = check(msg, user);
	if (!err)
		err = set_up(server, user);
	if (err)
		turn_user_put(user);
	else
		*ret = user;
	return err;
}

static bool is_expired(const struct turn_server *server, const char *name)
{
	uint64_t expiry;
	const char *account;

	return !turn_credentials_has_user(server->credentials, name) &&
	       turn_rest_parse(name, &expiry, &account) &&
	       expiry <= server->ops.unix_time(server->ctx);
}

static int try_keys(struct turn_server *server, const struct turn_claim *claim,
		    const struct stun_message *msg, struct turn_user **ret)
{
	const char *name = claim->username;
	struct stun_key key = { 0 };
	int err = -EBADMSG;

	if (!server->credentials || is_expired(server, name) || !stun_is_utf8(name, strlen(name)))
		return -EBADMSG;
	for (size_t i = 0; err == -EBADMSG; i++) {
		err = turn_credentials_key(server->credentials, name, claim->algorithm, i, &key);
		if (err == -ENOENT && i == 0) {
			key = server->decoy->key;
			err = 0;
		}
		if (!err)
			err = try_key(server, claim, &key, msg, ret);
		if (!err && !turn_credentials_has_user(server->credentials, name))
			(*ret)->secret_id = turn_credentials_secret_id(server->credentials, i,
								       server->hash_key);
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

static bool is_claimed(const struct turn_user *user, const struct turn_claim *claim)
{
	return user->algorithm == claim->algorithm && strcmp(user->name, claim->username) == 0;
}

int turn_user_authenticate(struct turn_server *server, const struct turn_allocation *alloc,
			   const struct turn_claim *claim, const struct stun_message *msg,
			   struct turn_user **ret)
{
	struct turn_user *known;
	int err = -EBADMSG;

	if (alloc && is_claimed(alloc->user, claim))
		err = try_user(alloc->user, msg, ret);
	if (err != -EBADMSG)
		return err;
	known = turn_user_find(server, claim->username, claim->algorithm);
	/* A user has one key per algorithm, a time-limited username may have several. */
	err = known ? try_user(known, msg, ret) : try_keys(server, claim, msg, ret);
	if (err != -EBADMSG && err != -ENOENT)
		return err;
	/* A wrong key takes both, whether the user is known here, known elsewhere or unknown. */
	err = known ? try_keys(server, claim, msg, ret) : try_user(server->decoy, msg, ret);
	return err == -EBADMSG || err == -ENOENT ? -EACCES : err;
}

enum turn_reason turn_user_why_denied(const struct turn_server *server, const char *name)
{
	const struct turn_credentials *credentials = server->credentials;
	const bool is_user = credentials && turn_credentials_has_user(credentials, name);
	const bool has_secrets =
		credentials && turn_credentials_secret_id(credentials, 0, server->hash_key);
	uint64_t expiry;
	const char *account;
	const bool is_timed = turn_rest_parse(name, &expiry, &account) && has_secrets;
	const bool is_live = is_timed && expiry > server->ops.unix_time(server->ctx);

	if (is_user || is_live)
		return TURN_REASON_WRONG_PASSWORD;
	return is_timed ? TURN_REASON_EXPIRED : TURN_REASON_UNKNOWN_USER;
}

static bool has_secret(const struct turn_server *server, uint64_t secret_id)
{
	uint64_t id;

	for (size_t i = 0;; i++) {
		id = turn_credentials_secret_id(server->credentials, i, server->hash_key);
		if (!id || id == secret_id)
			return id;
	}
}

/* Comparing secrets instead of deriving keys: a reload asks for all allocations at once. */
static bool has_proof(const struct turn_server *server, const struct turn_user *user)
{
	if (user->secret_id && !turn_credentials_has_user(server->credentials, user->name))
		return has_secret(server, user->secret_id);
	return turn_credentials_has_key(server->credentials, user->name, user->algorithm,
					&user->key);
}

bool turn_user_is_current(const struct turn_server *server, struct turn_user *user)
{
	if (user->generation != server->generation && server->credentials &&
	    has_proof(server, user))
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
