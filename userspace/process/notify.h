/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file notify.h
 * Notifies the service manager, as sd_notify(3) does, if $NOTIFY_SOCKET is set.
 */
#ifndef TURNPIKE_PROCESS_NOTIFY_H
#define TURNPIKE_PROCESS_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

/** notify_has_manager() - whether there is a service manager to notify */
bool notify_has_manager(void);

/**
 * notify_watchdog_us() - the microseconds within which the manager expects WATCHDOG=1
 *
 * Return: that time, see sd_watchdog_enabled(3); 0: it does not.
 */
uint64_t notify_watchdog_us(void);

/** notify_manager() - send VARIABLE=VALUE lines; does nothing without a service manager */
__attribute__((format(printf, 1, 2))) void notify_manager(const char *format, ...);

#endif /* TURNPIKE_PROCESS_NOTIFY_H */
