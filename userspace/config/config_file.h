/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file config_file.h
 * The configuration file: "key = value" lines whose keys are long options.
 *
 * Double quotes preserve white space; everything between the first and the last quote is literal.
 * Lines that begin with # are comments. A later # belongs to the value, since passwords may contain
 * one.
 */
#ifndef TURNPIKE_CONFIG_CONFIG_FILE_H
#define TURNPIKE_CONFIG_CONFIG_FILE_H

#include "config/options.h"

/**
 * config_file_read() - read a file into @target; errors are logged
 *
 * If the file contains secrets, see lines_check_access().
 */
enum cli_status config_file_read(const char *path, const struct cli_option *options, void *target);

/**
 * config_file_take() - like config_file_read(), for text in memory
 * @name: for messages
 * @text: @len bytes and a terminating zero; wiped
 */
enum cli_status config_file_take(const char *name, char *text, size_t len,
				 const struct cli_option *options, void *target);

#endif /* TURNPIKE_CONFIG_CONFIG_FILE_H */
