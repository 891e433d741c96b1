/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file notify.h
 * Notifies the service manager, as sd_notify(3) does, if $NOTIFY_SOCKET is set.
 */
#ifndef TURNPIKE_PROCESS_NOTIFY_H
#define TURNPIKE_PROCESS_NOTIFY_H

/** notify_manager() - send VARIABLE=VALUE lines; does nothing without a service manager */
__attribute__((format(printf, 1, 2))) void notify_manager(const char *format, ...);

#endif /* TURNPIKE_PROCESS_NOTIFY_H */
