/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file turn_users.h
 * Credentials of a server, and requests of users other than alice.
 */
#ifndef TURNPIKE_TURN_USERS_H
#define TURNPIKE_TURN_USERS_H

#include "turn_fixture.h"

/** no_users() - credentials without users, to be filled and passed to use_credentials() */
struct turn_credentials *no_users(void);

/** with_secret() - credentials that accept time-limited usernames of a shared secret */
struct turn_credentials *with_secret(const char *secret);

/** use_credentials() - replace the server's credentials, and drop the caller's reference */
void use_credentials(struct fixture *f, struct turn_credentials *credentials);

/* Whole transactions; allocate_at() sends from another port. */
void allocate_at(struct fixture *f, uint16_t port, const struct credentials *user);
void refresh_as(struct fixture *f, const struct credentials *user, uint32_t lifetime);
void permit_as(struct fixture *f, const struct credentials *user);

/** expect_signed_error() - the response is an error that @user's key protects */
void expect_signed_error(struct fixture *f, const struct credentials *user, int code);

#endif /* TURNPIKE_TURN_USERS_H */
