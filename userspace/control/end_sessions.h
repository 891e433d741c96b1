/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file end_sessions.h
 * The commands that end allocations.
 */
#ifndef TURNPIKE_CONTROL_END_SESSIONS_H
#define TURNPIKE_CONTROL_END_SESSIONS_H

#include "control/control.h"

/** end_sessions() - begin "kick"; see control_command.begin; @arg: a struct report_source */
struct control_answer *end_sessions(void *arg, const json_t *request);

#endif /* TURNPIKE_CONTROL_END_SESSIONS_H */
