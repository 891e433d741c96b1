/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file system_calls.h
 * The system calls that a server needs after its start, and no others.
 */
#ifndef TURNPIKE_PROCESS_SYSTEM_CALLS_H
#define TURNPIKE_PROCESS_SYSTEM_CALLS_H

#include <sys/types.h>

/**
 * system_calls_restrict() - let all threads of this process, now and later, use only these calls
 * @helper: the one process that may be killed; 0: none
 *
 * Any other fails with EPERM. It does not end the process: a call that a library makes in a rare
 * case is not worth the calls of all users, and it is refused in either case.
 *
 * Needs no_new_privs, see privileges_drop(). A kernel without such filters gets a warning. Errors
 * are logged. Return: 0 or a negative errno.
 */
int system_calls_restrict(pid_t helper);

#endif /* TURNPIKE_PROCESS_SYSTEM_CALLS_H */
