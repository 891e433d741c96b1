/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file serve_credentials.h
 * Converts the users and secrets of a configuration for the TURN core.
 */
#ifndef TURNPIKE_CONFIG_SERVE_CREDENTIALS_H
#define TURNPIKE_CONFIG_SERVE_CREDENTIALS_H

#include "config/serve_config.h"
#include "turn/auth/credentials.h"

/**
 * serve_credentials() - make credentials from the realm, users and secrets of @config
 *
 * Replaces the passwords of the users by keys, and wipes them.
 *
 * @ret: release it with turn_credentials_put()
 *
 * Errors are logged. Return: 0 or a negative errno.
 */
int serve_credentials(const struct serve_config *config, struct turn_credentials **ret);

#endif /* TURNPIKE_CONFIG_SERVE_CREDENTIALS_H */
