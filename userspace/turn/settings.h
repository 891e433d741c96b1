/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file settings.h
 * The part of a server's configuration that can change while it runs.
 */
#ifndef TURNPIKE_TURN_SETTINGS_H
#define TURNPIKE_TURN_SETTINGS_H

#include "turn/state/server.h"

/**
 * turn_settings_apply() - set limits, SOFTWARE, alternate servers and policy of @server to
 * @config's
 * @peers_changed: whether the policy differs from the previous one
 *
 * Return: 0, or -ENOMEM and nothing has changed.
 */
int turn_settings_apply(struct turn_server *server, const struct turn_config *config,
			bool *peers_changed);

/** turn_settings_free() - free what turn_settings_apply() has allocated */
void turn_settings_free(struct turn_server *server);

#endif /* TURNPIKE_TURN_SETTINGS_H */
