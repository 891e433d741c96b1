/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file host_monitor.h
 * Follows the addresses of this host.
 */
#ifndef TURNPIKE_HOST_HOST_MONITOR_H
#define TURNPIKE_HOST_HOST_MONITOR_H

#include <event2/event.h>

#include "host/host_addresses.h"

struct host_monitor;

/**
 * host_monitor_open() - read the addresses, and follow their changes
 * @base:    its loop receives the notifications
 * @changed: called by the loop when an address, its state or its link has changed. Changes within
 *           100 ms are reported at once
 *
 * Return: 0 or a negative errno.
 */
int host_monitor_open(struct event_base *base,
		      void (*changed)(void *arg, const struct host_addresses *now), void *arg,
		      struct host_monitor **ret);

/** host_monitor_addresses() - as last read; valid until the loop runs again */
const struct host_addresses *host_monitor_addresses(const struct host_monitor *monitor);

/** host_monitor_close() - stop following; call it before the loop is freed; accepts NULL */
void host_monitor_close(struct host_monitor *monitor);

#endif /* TURNPIKE_HOST_HOST_MONITOR_H */
