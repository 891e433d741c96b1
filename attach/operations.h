/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * All operations that need privileges.
 */
#ifndef TURNPIKE_ATTACH_OPERATIONS_H
#define TURNPIKE_ATTACH_OPERATIONS_H

#include "privileged/privileged.h"

/** operations - by enum operation_id */
extern const struct operation *const operations[N_OPERATIONS];

/** operations_end() - where operations run: undo all that is left of them */
void operations_end(struct privileged *privileged);

#endif /* TURNPIKE_ATTACH_OPERATIONS_H */
