/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file user.h
 * Those who have proved to a server who they are: a name, a key, and the HMACs made ready for it,
 * which belong to one thread, unlike struct turn_credentials.
 *
 * A user of the credentials in force is kept from the first success on, so that the next request
 * finds everything ready. Of a time-limited name, or of credentials that have been replaced, there
 * is one as long as a request or an allocation has it.
 */
#ifndef TURNPIKE_TURN_STATE_USER_H
#define TURNPIKE_TURN_STATE_USER_H

#include "stun/message.h"
#include "turn/state/server.h"

/**
 * turn_user_prove() - find the user whose key protects a message
 * @alloc:     of the message's 5-tuple, or NULL
 * @name:      as the message says
 * @algorithm: the same
 * @ret:       for turn_user_put()
 *
 * The user of @alloc counts whatever has happened to the credentials since: to a user who is gone,
 * and to a name whose time is over. So do those in force, if the name's time is not over.
 *
 * Return: 0, -EACCES if there is none, -ENOMEM, -EIO if the library fails.
 */
int turn_user_prove(struct turn_server *server, const struct turn_allocation *alloc,
		    const char *name, enum stun_password_algorithm algorithm,
		    const struct stun_message *msg, struct turn_user **ret);

/** turn_user_get() - take another reference */
struct turn_user *turn_user_get(struct turn_user *user);

/** turn_user_put() - give a reference back; NULL is fine */
void turn_user_put(struct turn_user *user);

/** turn_user_hmac() - the HMAC for an attribute; NULL without memory */
struct stun_hmac *turn_user_hmac(struct turn_user *user, enum stun_integrity kind);

/**
 * turn_user_is_current() - whether the credentials in force have the user's key
 *
 * They have that of a time-limited name as long as they have its secret, even when its time is
 * over: the name says until when somebody may begin to relay. A call that lasts longer must not be
 * cut off, and its client has no means to change names in the middle of an allocation; coturn, too,
 * looks at the time only once a session.
 */
bool turn_user_is_current(const struct turn_server *server, struct turn_user *user);

/** turn_users_forget() - the credentials have been replaced */
void turn_users_forget(struct turn_server *server);

#endif /* TURNPIKE_TURN_STATE_USER_H */
