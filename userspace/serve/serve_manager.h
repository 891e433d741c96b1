/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file serve_manager.h
 * Tells the service manager in one line what the server does, and that it works.
 *
 * Now and then, all workers are visited, one after the other. Once each has answered, the status is
 * renewed (STATUS=) and, if the manager wants that, its watchdog is calmed (WATCHDOG=1). A worker
 * that hangs keeps both from it, and the manager ends the server.
 */
#ifndef TURNPIKE_SERVE_SERVE_MANAGER_H
#define TURNPIKE_SERVE_SERVE_MANAGER_H

#include "control/report.h"

struct serve_manager;

/**
 * serve_manager_open() - begin, in the main thread
 * @base:    its loop
 * @reports: borrowed
 *
 * Return: 0; *@ret is NULL if there is no manager. -ENOMEM.
 */
int serve_manager_open(struct event_base *base, const struct report_source *reports,
		       struct serve_manager **ret);

/** serve_manager_close() - after workers_close(), as it may be on a tour; accepts NULL */
void serve_manager_close(struct serve_manager *manager);

#endif /* TURNPIKE_SERVE_SERVE_MANAGER_H */
