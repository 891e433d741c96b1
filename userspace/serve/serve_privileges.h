/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file serve_privileges.h
 * What the server does with its privileges: before it opens anything, two processes get those that
 * are needed later, and when everything is open, the server gives up its own.
 *
 *	turnpike     none; reads from the network
 *	tp-helper    attaches and detaches (turnpike_helper())
 *	tp-broker    binds low ports, enlarges receive buffers (net/broker.h)
 */
#ifndef TURNPIKE_SERVE_SERVE_PRIVILEGES_H
#define TURNPIKE_SERVE_SERVE_PRIVILEGES_H

#include "config/serve_config.h"
#include "datapath/datapath.h"
#include "process/privileges.h"

/** struct serve_privileges - @config: NULL: the process has none; @user: that the processes become
 */
struct serve_privileges {
	struct serve_config *config;
	struct privileges user;
};

/** serve_privileges_for_broker() - has this process a capability that a broker could use? */
bool serve_privileges_for_broker(void);

/** serve_privileges_of_broker() - begin() of struct broker_plan; the argument is
 * struct serve_privileges */
int serve_privileges_of_broker(void *privileges);

/** serve_privileges_of_helper() - the same for the helper of libturnpike */
int serve_privileges_of_helper(const struct turnpike_helper_info *helper, void *arg);

/**
 * serve_privileges_open() - choose the user, and start broker and helper, or plan them
 * @privileges: must live as long as the helper
 * @config:     its options of datapath_open() get the helper
 *
 * Call it before anything is open. Errors are logged. Return: 0 or a negative errno.
 */
int serve_privileges_open(struct serve_privileges *privileges, struct serve_config *config);

/**
 * serve_privileges_drop() - switch the user, drop all capabilities, restrict the system calls
 *
 * Call it before there are threads. Where the kernel allows the elements of maps only with CAP_BPF,
 * this capability is kept. Files that a reload could not read any more get a warning. Errors are
 * logged. Return: 0 or a negative errno.
 */
int serve_privileges_drop(const struct serve_privileges *privileges, struct datapath *datapath);

#endif /* TURNPIKE_SERVE_SERVE_PRIVILEGES_H */
