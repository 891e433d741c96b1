/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file commands.h
 * The commands of the control socket.
 */
#ifndef TURNPIKE_CONTROL_COMMANDS_H
#define TURNPIKE_CONTROL_COMMANDS_H

#include "control/control.h"

/** control_commands - for control_open(); their argument is a struct report_source */
extern const struct control_command control_commands[];

#endif /* TURNPIKE_CONTROL_COMMANDS_H */
