/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file serve_helper.h
 * A server whose helper is a process of its own (--helper): see cmd_helper.c.
 */
#ifndef TURNPIKE_SERVE_SERVE_HELPER_H
#define TURNPIKE_SERVE_SERVE_HELPER_H

#include "config/serve_config.h"

/**
 * serve_helper_connect() - connect to the helper, and use the broker that it starts
 * @ret: the connection, for turnpike_open()
 *
 * Errors are logged. Return: 0 or a negative errno.
 */
int serve_helper_connect(const struct serve_config *config, int *ret);

/** serve_helper_check() - could it connect? Errors are logged. Return: 0 or a negative errno. */
int serve_helper_check(const char *path);

#endif /* TURNPIKE_SERVE_SERVE_HELPER_H */
