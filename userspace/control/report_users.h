/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TURNPIKE_CONTROL_REPORT_USERS_H
#define TURNPIKE_CONTROL_REPORT_USERS_H

#include "control/control.h"

/**
 * report_users() - begin the list of the users with allocations; see control_command.begin
 * @arg: a struct report_source
 *
 * Time-limited usernames with the same name are one user.
 */
struct control_answer *report_users(void *arg, const json_t *request);

#endif /* TURNPIKE_CONTROL_REPORT_USERS_H */
