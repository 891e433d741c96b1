/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file block_commands.h
 * The commands about users and clients that are blocked; see control_command.begin. @source is a
 * struct report_source.
 */
#ifndef TURNPIKE_CONTROL_BLOCK_COMMANDS_H
#define TURNPIKE_CONTROL_BLOCK_COMMANDS_H

#include "control/control.h"

/** begin_block() - refuse what is new, and end what exists */
struct control_answer *begin_block(void *source, const json_t *json);

/** begin_unblock() - allow it again */
struct control_answer *begin_unblock(void *source, const json_t *json);

/** begin_blocked() - list the blocks */
struct control_answer *begin_blocked(void *source, const json_t *json);

#endif /* TURNPIKE_CONTROL_BLOCK_COMMANDS_H */
