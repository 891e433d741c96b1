/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef TURNPIKE_CLI_CHECK_LOCAL_H
#define TURNPIKE_CLI_CHECK_LOCAL_H

#include "check/report.h"
#include "cli/query.h"

/**
 * check_local_add() - add what a server on this machine says of itself
 * @query:  its control socket; nothing is added if no server answers
 * @report: nothing is added, either, if none of the addresses in its rows is that server's
 */
void check_local_add(const struct query *query, json_t *report);

#endif /* TURNPIKE_CLI_CHECK_LOCAL_H */
