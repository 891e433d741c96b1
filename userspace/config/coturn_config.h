/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file coturn_config.h
 * coturn's turnserver.conf in place of a config file of ours.
 *
 * What coturn_keys.h knows the same of is taken; all else is named with file and line.
 */
#ifndef TURNPIKE_CONFIG_COTURN_CONFIG_H
#define TURNPIKE_CONFIG_COTURN_CONFIG_H

#include "config/options.h"

/**
 * coturn_config_read() - put a turnserver.conf into @target
 * @options: of `turnpike serve`
 *
 * On error a sentence has been said for each key that cannot be taken over.
 */
enum cli_status coturn_config_read(const char *path, const struct cli_option *options,
				   void *target);

/**
 * coturn_config_take() - the same for text in memory
 * @name: for messages, and files are relative to its folder
 * @text: @len bytes and a zero; wiped
 */
enum cli_status coturn_config_take(const char *name, char *text, size_t len,
				   const struct cli_option *options, void *target);

#endif /* TURNPIKE_CONFIG_COTURN_CONFIG_H */
