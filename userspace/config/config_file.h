/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file config_file.h
 * The config file: lines of "key = value", where the keys are long options.
 *
 * A value in double quotes keeps its white space; all between the first and the last quote is
 * meant literally. Lines that begin with # are comments; a # further on belongs to the value, since
 * passwords may have one.
 */
#ifndef TURNPIKE_CONFIG_CONFIG_FILE_H
#define TURNPIKE_CONFIG_CONFIG_FILE_H

#include "config/options.h"

/**
 * config_file_read() - put a file into @target; on error a sentence has been said
 *
 * Warns if there are secrets in it and everybody may read it.
 */
enum cli_status config_file_read(const char *path, const struct cli_option *options, void *target);

/**
 * config_file_take() - the same for text in memory
 * @name: for messages
 * @text: @len bytes and a zero; wiped
 */
enum cli_status config_file_take(const char *name, char *text, size_t len,
				 const struct cli_option *options, void *target);

#endif /* TURNPIKE_CONFIG_CONFIG_FILE_H */
