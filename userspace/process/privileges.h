/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file privileges.h
 * Who the server is once everything is open, and what it may still do.
 */
#ifndef TURNPIKE_PROCESS_PRIVILEGES_H
#define TURNPIKE_PROCESS_PRIVILEGES_H

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

/** struct privileges - the user and group to become; (uid_t)-1, (gid_t)-1: nobody else */
struct privileges {
	uid_t uid;
	gid_t gid;
};

/**
 * privileges_find() - look a user up
 * @run_as: USER or USER:GROUP, by name or number, or NULL: stay who we are
 *
 * A user alone comes with the group of the account. On error a sentence has been said.
 *
 * Return: 0 or a negative errno.
 */
int privileges_find(const char *run_as, struct privileges *ret);

/**
 * privileges_drop() - become that user, and keep only the capabilities that serving needs
 * @in_kernel: packets are or may be relayed in the kernel: needs CAP_NET_ADMIN, CAP_BPF,
 * CAP_PERFMON for programs and maps, and CAP_NET_RAW for ICMP errors and trials
 * @low_ports: sockets are to be bound to ports below 1024: needs CAP_NET_BIND_SERVICE
 *
 * Of these, those are kept that there were. Capabilities are each thread's own: threads that are
 * made afterwards have the same. No program that is executed from now on gets any more.
 *
 * On error a sentence has been said, and the process has to end. Return: 0 or a negative errno.
 */
int privileges_drop(const struct privileges *privileges, bool in_kernel, bool low_ports);

/** privileges_report() - {"uid": NUMBER, "capabilities": [NAME...]} of this thread */
json_t *privileges_report(void);

#endif /* TURNPIKE_PROCESS_PRIVILEGES_H */
