/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file events.h
 * Logs the events of the TURN core, and shows them to whoever watches. Any thread.
 *
 * Allocations are logged at level info, other events at debug. Failed authentications, and refusals
 * by a rule or a limit (codes 300, 403, 486 and 508), are logged at info as well. Since clients can
 * cause those at will, only some of either kind are logged per period and client, and the others
 * are counted.
 */
#ifndef TURNPIKE_PROCESS_EVENTS_H
#define TURNPIKE_PROCESS_EVENTS_H

#include "turn/turn.h"

/** Failed authentications, and such refusals, of a client that are logged per period. */
#define EVENTS_FAILURES_LOGGED 10

/** events_show_addresses() - whether to log the addresses of clients, relays and peers */
void events_show_addresses(bool show);

/** events_note() - log and show an event of turn_ops.event */
void events_note(const struct turn_event *event);

/** events_name() - the name of a kind in the log */
const char *events_name(enum turn_event_kind kind);

/** events_end_period() - log the count, and start a new period; call it every minute and at exit */
void events_end_period(void);

#endif /* TURNPIKE_PROCESS_EVENTS_H */
