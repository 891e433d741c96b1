/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TURNPIKE_CONTROL_REPORT_FLOWS_H
#define TURNPIKE_CONTROL_REPORT_FLOWS_H

#include "control/control.h"

/**
 * report_flows() - begin the list of the flows; see control_command.begin
 * @arg: a struct report_source
 *
 * It is no snapshot: each flow is as it was when its piece was made. A flow that exists from the
 * request to the end of the answer is listed once.
 */
struct control_answer *report_flows(void *arg, const json_t *request);

#endif /* TURNPIKE_CONTROL_REPORT_FLOWS_H */
