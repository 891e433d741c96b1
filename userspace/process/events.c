/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <stdatomic.h>

#include "base/log.h"
#include "process/event_budget.h"
#include "process/event_fields.h"
#include "process/events.h"
#include "process/watchers.h"
#include "stun/protocol.h"

/** struct kind - how events of a kind are logged */
struct kind {
	enum log_level level;
	const char *event;
	const char *message;
};

static const struct kind kinds[] = {
	[TURN_EVENT_ALLOCATED] = { LOG_INFO, "allocated", "allocation made" },
	[TURN_EVENT_REFRESHED] = { LOG_DEBUG, "refreshed", "allocation refreshed" },
	[TURN_EVENT_ENDED] = { LOG_INFO, "ended", "allocation ended" },
	[TURN_EVENT_INTERIM] = { LOG_INFO, "interim", "allocation goes on" },
	[TURN_EVENT_PERMITTED] = { LOG_DEBUG, "permitted", "permission installed" },
	[TURN_EVENT_BOUND] = { LOG_DEBUG, "bound", "channel bound" },
	[TURN_EVENT_REFUSED] = { LOG_DEBUG, "refused", "request refused" },
	/* For watchers. */
	[TURN_EVENT_DROPPED] = { LOG_DEBUG, "dropped", "message or data dropped" },
	[TURN_EVENT_ICMP] = { LOG_DEBUG, "icmp", "ICMP error reported to the client" },
};

/** struct limited - events of a kind that clients can cause at will */
struct limited {
	struct kind kind;
	struct event_budget budget;
};

static struct limited failures = { .kind = { LOG_INFO, "unauthenticated", "authentication failed" },
				   .budget = EVENT_BUDGET_INIT };
static struct limited refusals = { .kind = { LOG_INFO, "refused", "request refused" },
				   .budget = EVENT_BUDGET_INIT };

static atomic_bool shows_addresses;

void events_show_addresses(bool show)
{
	shows_addresses = show;
}

/*
 * The first request of a client has no credentials, and is rejected to request them (RFC 8489
 * section 9.2.3). Only a request that names a user is a failed authentication.
 */
static bool is_failure(const struct turn_event *event)
{
	return event->kind == TURN_EVENT_REFUSED && *event->username &&
	       (event->code == STUN_UNAUTHENTICATED || event->code == TURN_WRONG_CREDENTIALS);
}

/* Codes by which a configured limit, a rule of the operator or the host refuses a valid request. */
static bool is_decision(const struct turn_event *event)
{
	switch (event->code) {
	case STUN_TRY_ALTERNATE:
	case TURN_FORBIDDEN:
	case TURN_ALLOCATION_QUOTA_REACHED:
	case TURN_INSUFFICIENT_CAPACITY:
		return event->kind == TURN_EVENT_REFUSED;
	}
	return false;
}

/* NULL: each one is logged. */
static struct limited *limited_of(const struct turn_event *event)
{
	if (is_failure(event))
		return &failures;
	return is_decision(event) ? &refusals : NULL;
}

static void log_it(const struct turn_event *event)
{
	struct limited *limited = limited_of(event);
	const struct kind *kind = limited ? &limited->kind : &kinds[event->kind];
	struct event_fields fields;

	if (!log_is_enabled(kind->level) ||
	    (limited &&
	     !event_budget_take(&limited->budget, &event->tuple->client, EVENTS_FAILURES_LOGGED)))
		return;
	event_fields(event, shows_addresses, &fields);
	log_event(kind->level, kind->event, kind->message, fields.list, fields.n);
}

/* Whoever watches sees each event, with addresses. */
static void show(const struct turn_event *event)
{
	const struct kind *kind = &kinds[event->kind];
	struct event_fields fields;
	struct log_line line = {
		.level = kind->level,
		.event = kind->event,
		.message = kind->message,
	};

	event_fields(event, true, &fields);
	line.fields = fields.list;
	line.n_fields = fields.n;
	watchers_show(event, &line);
}

void events_note(const struct turn_event *event)
{
	if (watchers_exist())
		show(event);
	if (event->kind != TURN_EVENT_DROPPED && event->kind != TURN_EVENT_ICMP)
		log_it(event);
}

const char *events_name(enum turn_event_kind kind)
{
	return kinds[kind].event;
}

static void end_period(struct limited *limited)
{
	const struct log_field count = { .name = "more",
					 .number = event_budget_renew(&limited->budget) };

	if (count.number)
		log_event(limited->kind.level, limited->kind.event, limited->kind.message, &count,
			  1);
}

void events_end_period(void)
{
	end_period(&failures);
	end_period(&refusals);
}
