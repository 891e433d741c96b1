/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file check_start.h
 * --check-config: whether the server would start, without starting it.
 */
#ifndef TURNPIKE_SERVE_CHECK_START_H
#define TURNPIKE_SERVE_CHECK_START_H

#include "config/serve_config.h"

/**
 * check_start() - check what depends on this host, and print what would be served
 *
 * That is users, certificates, addresses, devices and modes, and with --as the files that this user
 * can read. If a server with the same control socket runs, its addresses and devices are in use, so
 * only their existence is checked. Errors are logged.
 *
 * Return: CLI_OK, or CLI_USAGE for everything that is wrong.
 */
enum cli_status check_start(const struct serve_config *config);

#endif /* TURNPIKE_SERVE_CHECK_START_H */
