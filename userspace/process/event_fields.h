/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file event_fields.h
 * The details of an event of the TURN core, as fields of a line.
 */
#ifndef TURNPIKE_PROCESS_EVENT_FIELDS_H
#define TURNPIKE_PROCESS_EVENT_FIELDS_H

#include "base/addr.h"
#include "base/log_line.h"
#include "turn/turn.h"

/** The largest number of fields of an event. */
#define EVENT_FIELDS_MAX 20

/** struct event_fields - the fields of one line, with the memory of formatted values */
struct event_fields {
	struct log_field list[EVENT_FIELDS_MAX];
	size_t n;
	char client[ADDR_TEXT_MAX];
	char relay[ADDR_TEXT_MAX];
	char peer[ADDR_TEXT_MAX];
	char channel[8];
};

/** event_fields() - collect the details of @event; @addresses: also those of client, relay and peer
 */
void event_fields(const struct turn_event *event, bool addresses, struct event_fields *ret);

#endif /* TURNPIKE_PROCESS_EVENT_FIELDS_H */
