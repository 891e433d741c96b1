/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file events.h
 * Says what the TURN core tells of. Any thread.
 *
 * Allocations at level info, all else at debug; but failed authentications at info, too, which
 * strangers can bring about: so many are said in a period, and of the others the number.
 */
#ifndef TURNPIKE_PROCESS_EVENTS_H
#define TURNPIKE_PROCESS_EVENTS_H

#include "turn/turn.h"

/** Failed authentications that are said of one period. */
#define EVENTS_FAILURES_SAID 10

/** events_show_addresses() - say the addresses of clients, relays and peers, too, or not any more
 */
void events_show_addresses(bool show);

/** events_note() - say one, as turn_ops.event gets it */
void events_note(const struct turn_event *event);

/** events_end_period() - begin another one: to be called each minute, and at the end */
void events_end_period(void);

#endif /* TURNPIKE_PROCESS_EVENTS_H */
