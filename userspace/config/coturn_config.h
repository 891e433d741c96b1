/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file coturn_config.h
 * Reads coturn's turnserver.conf in place of our own configuration file.
 *
 * Keys with an equivalent in coturn_keys.h are applied. Every other key is logged with file and
 * line.
 */
#ifndef TURNPIKE_CONFIG_COTURN_CONFIG_H
#define TURNPIKE_CONFIG_COTURN_CONFIG_H

#include "config/options.h"

/**
 * coturn_config_read() - read a turnserver.conf into @target
 * @options: of `turnpike serve`
 *
 * Logs an error for each key that cannot be converted.
 */
enum cli_status coturn_config_read(const char *path, const struct cli_option *options,
				   void *target);

/**
 * coturn_config_take() - like coturn_config_read(), for text in memory
 * @name: for messages; file names in the text are relative to its directory
 * @text: @len bytes and a terminating zero; wiped
 */
enum cli_status coturn_config_take(const char *name, char *text, size_t len,
				   const struct cli_option *options, void *target);

#endif /* TURNPIKE_CONFIG_COTURN_CONFIG_H */
