/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file help.h
 * Prints --help from a table of options, in the order and the groups of the table.
 */
#ifndef TURNPIKE_CONFIG_HELP_H
#define TURNPIKE_CONFIG_HELP_H

#include <stdio.h>

#include "config/options.h"

/** help_print() - @target: holds the defaults, which are printed as well */
void help_print(FILE *file, const struct cli_syntax *syntax, const void *target);

#endif /* TURNPIKE_CONFIG_HELP_H */
