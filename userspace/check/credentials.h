/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TURNPIKE_CHECK_CREDENTIALS_H
#define TURNPIKE_CHECK_CREDENTIALS_H

#include <stdint.h>

#include "check/check.h"
#include "stun/protocol.h"
#include "turn/auth/rest.h"

/** struct check_credentials - @user: NULL: none */
struct check_credentials {
	const char *user;
	const char *password;
	char rest_user[STUN_USERNAME_MAX + 1];
	char rest_password[TURN_REST_PASSWORD_SIZE];
};

/**
 * check_credentials_make() - those of the options, or time-limited ones if they have a secret
 * @seconds: how long these are valid
 *
 * Return: 0 or -EIO.
 */
int check_credentials_make(const struct check_options *options, uint32_t seconds,
			   struct check_credentials *credentials);

/** check_credentials_age() - seconds since a time-limited name has expired; 0: it has not */
uint64_t check_credentials_age(const char *user);

#endif /* TURNPIKE_CHECK_CREDENTIALS_H */
