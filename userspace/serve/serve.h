/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file serve.h
 * The sub-command `turnpike serve`.
 */
#ifndef TURNPIKE_SERVE_SERVE_H
#define TURNPIKE_SERVE_SERVE_H

#include "config/options.h"

/** command_serve() - run the server until a signal ends it; argv[0] is "serve" */
enum cli_status command_serve(int argc, char **argv);
enum cli_status command_helper(int argc, char **argv);

#endif /* TURNPIKE_SERVE_SERVE_H */
