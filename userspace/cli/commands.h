/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file commands.h
 * The sub-commands. argv[0] is the name of the sub-command.
 */
#ifndef TURNPIKE_CLI_COMMANDS_H
#define TURNPIKE_CLI_COMMANDS_H

#include "config/options.h"

enum cli_status command_key(int argc, char **argv);
enum cli_status command_status(int argc, char **argv);
enum cli_status command_stats(int argc, char **argv);
enum cli_status command_flows(int argc, char **argv);
enum cli_status command_sessions(int argc, char **argv);
enum cli_status command_top(int argc, char **argv);
enum cli_status command_monitor(int argc, char **argv);
enum cli_status command_why(int argc, char **argv);
enum cli_status command_users(int argc, char **argv);
enum cli_status command_kick(int argc, char **argv);
enum cli_status command_block(int argc, char **argv);
enum cli_status command_unblock(int argc, char **argv);
enum cli_status command_blocked(int argc, char **argv);
enum cli_status command_drain(int argc, char **argv);
/** command_check() - returns an enum check_status instead, as monitoring plugins do */
enum cli_status command_check(int argc, char **argv);
enum cli_status command_mode(int argc, char **argv);
enum cli_status command_probe(int argc, char **argv);
enum cli_status command_pass(int argc, char **argv);
enum cli_status command_verify(int argc, char **argv);

#endif /* TURNPIKE_CLI_COMMANDS_H */
