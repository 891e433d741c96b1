/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TURNPIKE_CONTROL_REPORT_SESSIONS_H
#define TURNPIKE_CONTROL_REPORT_SESSIONS_H

#include "control/control.h"

/**
 * report_sessions() - begin the list of the allocations; see control_command.begin
 * @arg: a struct report_source
 *
 * It is no snapshot, like report_flows().
 */
struct control_answer *report_sessions(void *arg, const json_t *request);

#endif /* TURNPIKE_CONTROL_REPORT_SESSIONS_H */
