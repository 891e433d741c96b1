/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file notify.h
 * What the service manager is told (sd_notify(3)), if it has asked for that by $NOTIFY_SOCKET.
 */
#ifndef TURNPIKE_PROCESS_NOTIFY_H
#define TURNPIKE_PROCESS_NOTIFY_H

/** notify_manager() - tell it VARIABLE=VALUE, one a line; nothing happens if nobody listens */
__attribute__((format(printf, 1, 2))) void notify_manager(const char *format, ...);

#endif /* TURNPIKE_PROCESS_NOTIFY_H */
