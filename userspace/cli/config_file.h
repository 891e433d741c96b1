/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file config_file.h
 * The config file: lines of "key = value", where the keys are long options; '#' begins a comment
 * line.
 */
#ifndef TURNPIKE_CLI_CONFIG_FILE_H
#define TURNPIKE_CLI_CONFIG_FILE_H

#include "cli/options.h"

/** config_file_read() - put a file into @target; on error a sentence has been said */
enum cli_status config_file_read(const char *path, const struct cli_option *options, void *target);

#endif /* TURNPIKE_CLI_CONFIG_FILE_H */
