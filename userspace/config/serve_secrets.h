/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file serve_secrets.h
 * Users and shared secrets: options, files and environment variables that hold them.
 */
#ifndef TURNPIKE_CONFIG_SERVE_SECRETS_H
#define TURNPIKE_CONFIG_SERVE_SECRETS_H

#include "config/serve_config.h"

/** EXPECTS_USER, EXPECTS_SECRET - what set_user() and set_auth_secret() accept */
#define EXPECTS_USER                                                                      \
	"a name and a password such as alice:secret, or a name and a key from 'turnpike " \
	"key' such as alice:0x..."
#define EXPECTS_SECRET "a secret of at least one byte"

/**
 * serve_secrets_from_environment() - add TURNPIKE_USER and TURNPIKE_AUTH_SECRET; logs errors
 *
 * Then it wipes the variables and removes them.
 */
enum cli_status serve_secrets_from_environment(struct serve_config *config);

/** serve_secrets_mark_given() - all users and secrets so far are given, see struct serve_config */
void serve_secrets_mark_given(void *config);

/** serve_secrets_copy_given() - add those that are given in @from. Return: 0 or -ENOMEM. */
int serve_secrets_copy_given(const struct serve_config *from, struct serve_config *to);

/** serve_user_seal() - replace the password of @user by @keys, from malloc(), and wipe it */
void serve_user_seal(struct serve_user *user, uint8_t *keys, size_t len);

/** serve_users_free() - wipe and free users with their passwords and keys */
void serve_users_free(struct serve_user *users, size_t n);

/** serve_secrets_free() - wipe and free secrets */
void serve_secrets_free(char **secrets, size_t n);

#endif /* TURNPIKE_CONFIG_SERVE_SECRETS_H */
