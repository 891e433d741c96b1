/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file user.h
 * Authenticated users of a server: name, key and prepared HMACs. Unlike struct turn_credentials,
 * they belong to the server's thread.
 *
 * A user of the current credentials stays in a table after its first request, so that further ones
 * need no setup. A time-limited username, or a user of replaced credentials, lives only as long as
 * a request or an allocation refers to it.
 */
#ifndef TURNPIKE_TURN_STATE_USER_H
#define TURNPIKE_TURN_STATE_USER_H

#include "stun/message.h"
#include "turn/outcome.h"
#include "turn/state/server.h"

/**
 * struct turn_claim - an identity that a request claims, not verified yet
 * @username:  NUL-terminated, otherwise as sent
 * @algorithm: what the key is made with
 */
struct turn_claim {
	char username[STUN_USERNAME_MAX + 1];
	enum stun_password_algorithm algorithm;
};

/**
 * turn_user_authenticate() - find the user whose key protects @msg
 * @alloc: the allocation of the message's 5-tuple, or NULL
 * @claim: the identity in @msg
 * @ret:   the result, to be released with turn_user_put()
 *
 * The user of @alloc is accepted even if the current credentials lack it or its time-limited
 * username has expired. Any other user must be in the current credentials and not expired.
 *
 * If no user matches, it takes as long whether there is such a user or not.
 *
 * Return: 0, -EACCES if no user matches, -ENOMEM, -EIO if OpenSSL fails.
 */
int turn_user_authenticate(struct turn_server *server, const struct turn_allocation *alloc,
			   const struct turn_claim *claim, const struct stun_message *msg,
			   struct turn_user **ret);

/**
 * turn_user_why_denied() - why turn_user_authenticate() has found no match, for the operator only
 *
 * It takes as long for any name.
 */
enum turn_reason turn_user_why_denied(const struct turn_server *server, const char *name);

/** turn_user_new_decoy() - make @server's decoy. Return: 0, -ENOMEM. */
int turn_user_new_decoy(struct turn_server *server);

/**
 * turn_user_account() - the account of a username, which need not exist
 *
 * Time-limited usernames with the same name share an account; a user has its own.
 *
 * Return: a part of @name.
 */
const char *turn_user_account(const struct turn_server *server, const char *name);

/** turn_user_get() - take a reference */
struct turn_user *turn_user_get(struct turn_user *user);

/** turn_user_put() - drop a reference; NULL is allowed */
void turn_user_put(struct turn_user *user);

/** turn_user_hmac() - the HMAC of @user for an attribute; NULL if out of memory */
struct stun_hmac *turn_user_hmac(struct turn_user *user, enum stun_integrity kind);

/**
 * turn_user_is_current() - whether the current credentials still have the user's key
 *
 * An expired time-limited username is current as long as its secret is: the expiry limits when an
 * allocation may begin, and a client cannot change its username during one. coturn, too, checks the
 * expiry only once per session.
 */
bool turn_user_is_current(const struct turn_server *server, struct turn_user *user);

/** turn_users_forget() - empty the table; called when the credentials have been replaced */
void turn_users_forget(struct turn_server *server);

#endif /* TURNPIKE_TURN_STATE_USER_H */
