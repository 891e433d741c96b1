/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file serve_credentials.h
 * The users and secrets of a configuration, as TURN servers take them.
 */
#ifndef TURNPIKE_CONFIG_SERVE_CREDENTIALS_H
#define TURNPIKE_CONFIG_SERVE_CREDENTIALS_H

#include "config/serve_config.h"
#include "turn/auth/credentials.h"

/**
 * serve_credentials() - make credentials of the realm, the users and the secrets in @config
 * @ret: for turn_credentials_put()
 *
 * On error a sentence has been said. Return: 0 or a negative errno.
 */
int serve_credentials(const struct serve_config *config, struct turn_credentials **ret);

#endif /* TURNPIKE_CONFIG_SERVE_CREDENTIALS_H */
