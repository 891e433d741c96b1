/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file privileges.h
 * The user and the capabilities of the server after the start-up.
 */
#ifndef TURNPIKE_PROCESS_PRIVILEGES_H
#define TURNPIKE_PROCESS_PRIVILEGES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/** struct privileges - the user and group to switch to; (uid_t)-1, (gid_t)-1: do not switch */
struct privileges {
	uid_t uid;
	gid_t gid;
};

/**
 * privileges_find() - look up a user and a group
 * @option: name of the option, for messages
 * @run_as: USER or USER:GROUP, by name or number; NULL: do not switch
 *
 * Without GROUP, the group is that of the account. Errors are logged.
 *
 * Return: 0 or a negative errno.
 */
int privileges_find(const char *option, const char *run_as, struct privileges *ret);

/**
 * privileges_find_group() - look up a group by name or number
 * @option: name of the option, for messages
 *
 * Errors are logged. Return: 0 or a negative errno.
 */
int privileges_find_group(const char *option, const char *name, gid_t *ret);

/**
 * privileges_choose() - the user of a server
 * @run_as: of --run-as, see privileges_find(); NULL: for root, the user turnpike, or nobody where
 *          it does not exist, or number 65534
 *
 * A server that remains root gets a warning. Errors are logged. Return: 0 or a negative errno.
 */
int privileges_choose(const char *run_as, struct privileges *ret);

/**
 * privileges_drop() - switch the user, and drop all capabilities but some
 * @kept: a bit for each of <linux/capability.h>; only those that the process has are kept
 *
 * Capabilities are per thread; threads created later inherit them. Programs executed later cannot
 * gain privileges. The process does not dump core, and only root can trace it.
 *
 * Return: 0; a negative errno after logging the error, and then the process must exit.
 */
int privileges_drop(const struct privileges *privileges, uint64_t kept);

/** privileges_effective() - the capabilities of the calling thread, a bit for each */
uint64_t privileges_effective(void);

/** privileges_names() - [NAME...] of capabilities, a bit for each */
json_t *privileges_names(uint64_t capabilities);

/** privileges_report() - {"uid": NUMBER, "capabilities": [NAME...]} of the calling thread */
json_t *privileges_report(void);

#endif /* TURNPIKE_PROCESS_PRIVILEGES_H */
