/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TURNPIKE_CONTROL_MONITOR_H
#define TURNPIKE_CONTROL_MONITOR_H

#include "control/control.h"

/** monitor_begin() - see control_command.begin; @arg is a struct report_source: the command
 * "monitor": events as they happen, until the client leaves */
struct control_answer *monitor_begin(void *arg, const json_t *request);

/** monitor_shows() - whether @event is the name of events that a request may ask for */
bool monitor_shows(const char *event);

#endif /* TURNPIKE_CONTROL_MONITOR_H */
