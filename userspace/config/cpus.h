/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file cpus.h
 * The CPUs that the server may use, and those of its workers.
 */
#ifndef TURNPIKE_CONFIG_CPUS_H
#define TURNPIKE_CONFIG_CPUS_H

#include "config/serve_config.h"

/** cpus_usable() - how many CPUs this process may use, or could before any thread was pinned */
uint32_t cpus_usable(void);

/** set_worker_cpus() - a setter of an option, see serve_setters.h */
int set_worker_cpus(void *target, char *value);

/** cpus_check() - whether the process may use the CPUs of @config; errors are logged */
enum cli_status cpus_check(const struct serve_config *config);

#endif /* TURNPIKE_CONFIG_CPUS_H */
