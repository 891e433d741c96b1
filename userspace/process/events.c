/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/random.h"
#include "base/siphash.h"
#include "process/events.h"
#include "stun/protocol.h"

/** The largest number of fields of an event. */
#define FIELDS_MAX 17

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
	[TURN_EVENT_PERMITTED] = { LOG_DEBUG, "permitted", "permission installed" },
	[TURN_EVENT_BOUND] = { LOG_DEBUG, "bound", "channel bound" },
	[TURN_EVENT_REFUSED] = { LOG_DEBUG, "refused", "request refused" },
};

/* Sources share a budget if their hashes say so, which nobody can foresee. */
#define SHARES 16

/**
 * struct budget - events of a kind that clients can cause at will, in the current period
 * @logged: by share, so that one source cannot hide what others do
 */
struct budget {
	struct kind kind;
	unsigned int logged[SHARES];
	uint64_t suppressed;
};

static struct budget failures = { .kind = { LOG_INFO, "unauthenticated",
					    "authentication failed" } };
static struct budget refusals = { .kind = { LOG_INFO, "refused", "request refused" } };
static pthread_mutex_t budget_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t share_once = PTHREAD_ONCE_INIT;
static uint8_t share_key[SIPHASH_KEY_LEN];

static atomic_bool shows_addresses;

void events_show_addresses(bool show)
{
	shows_addresses = show;
}

/** struct fields - the fields of one line, with the memory of formatted values */
struct fields {
	struct log_field list[FIELDS_MAX];
	size_t n;
	char client[ADDR_TEXT_MAX];
	char relay[ADDR_TEXT_MAX];
	char peer[ADDR_TEXT_MAX];
	char channel[8];
};

static void add_text(struct fields *fields, const char *name, const char *text)
{
	fields->list[fields->n++] = (struct log_field){ .name = name, .text = text };
}

static void add_number(struct fields *fields, const char *name, uint64_t number)
{
	fields->list[fields->n++] = (struct log_field){ .name = name, .number = number };
}

static void add_address(struct fields *fields, const char *name, const struct turnpike_addr *addr,
			char text[ADDR_TEXT_MAX])
{
	if (addr && shows_addresses)
		add_text(fields, name, addr_format(addr, text));
}

/* Of an allocation that ends: what accounting needs. */
static void add_accounting(struct fields *fields, const struct turn_event *event)
{
	const struct turn_traffic *user_space = event->traffic, *kernel = event->in_kernel;

	add_number(fields, "seconds", event->age_ns / NS_PER_S);
	add_number(fields, "kernel_to_peer_packets", kernel[TURN_TO_PEER].packets);
	add_number(fields, "kernel_to_peer_bytes", kernel[TURN_TO_PEER].bytes);
	add_number(fields, "kernel_to_client_packets", kernel[TURN_TO_CLIENT].packets);
	add_number(fields, "kernel_to_client_bytes", kernel[TURN_TO_CLIENT].bytes);
	add_number(fields, "userspace_to_peer_packets", user_space[TURN_TO_PEER].packets);
	add_number(fields, "userspace_to_peer_bytes", user_space[TURN_TO_PEER].bytes);
	add_number(fields, "userspace_to_client_packets", user_space[TURN_TO_CLIENT].packets);
	add_number(fields, "userspace_to_client_bytes", user_space[TURN_TO_CLIENT].bytes);
}

static void collect(const struct turn_event *event, struct fields *fields)
{
	if (event->id)
		add_number(fields, "id", event->id);
	if (*event->username)
		add_text(fields, "user", event->username);
	add_text(fields, "transport", turn_transport_names[event->tuple->transport]);
	if (event->kind == TURN_EVENT_ALLOCATED || event->kind == TURN_EVENT_REFRESHED)
		add_number(fields, "lifetime", event->lifetime);
	if (event->kind == TURN_EVENT_BOUND) {
		snprintf(fields->channel, sizeof(fields->channel), "0x%04X", event->channel);
		add_text(fields, "channel", fields->channel);
	}
	if (event->kind == TURN_EVENT_REFUSED) {
		add_text(fields, "method", turn_method_names[event->method]);
		add_number(fields, "code", (uint64_t)event->code);
		add_text(fields, "reason", turn_reasons[event->reason].name);
	}
	if (event->why)
		add_text(fields, "why", event->why);
	if (event->kind == TURN_EVENT_ENDED)
		add_accounting(fields, event);
	add_address(fields, "client", &event->tuple->client, fields->client);
	add_address(fields, "relay", event->relay, fields->relay);
	add_address(fields, "peer", event->peer, fields->peer);
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
static struct budget *budget_of(const struct turn_event *event)
{
	if (is_failure(event))
		return &failures;
	return is_decision(event) ? &refusals : NULL;
}

static void make_share_key(void)
{
	random_fill(share_key, sizeof(share_key));
}

static size_t share_of(const struct turnpike_addr *client)
{
	const struct turnpike_addr source = addr_source(client);

	pthread_once(&share_once, make_share_key);
	return siphash(share_key, &source, sizeof(source)) % SHARES;
}

static bool may_log(struct budget *budget, const struct turnpike_addr *client)
{
	const size_t share = share_of(client);
	bool may;

	pthread_mutex_lock(&budget_lock);
	may = budget->logged[share] < EVENTS_FAILURES_LOGGED;
	if (may)
		budget->logged[share]++;
	else
		budget->suppressed++;
	pthread_mutex_unlock(&budget_lock);
	return may;
}

void events_log(const struct turn_event *event)
{
	struct budget *budget = budget_of(event);
	const struct kind *kind = budget ? &budget->kind : &kinds[event->kind];
	struct fields fields = { 0 };

	if (!log_is_enabled(kind->level) || (budget && !may_log(budget, &event->tuple->client)))
		return;
	collect(event, &fields);
	log_event(kind->level, kind->event, kind->message, fields.list, fields.n);
}

static void end_period(struct budget *budget)
{
	struct log_field count = { .name = "more" };

	pthread_mutex_lock(&budget_lock);
	count.number = budget->suppressed;
	memset(budget->logged, 0, sizeof(budget->logged));
	budget->suppressed = 0;
	pthread_mutex_unlock(&budget_lock);
	if (count.number)
		log_event(budget->kind.level, budget->kind.event, budget->kind.message, &count, 1);
}

void events_end_period(void)
{
	end_period(&failures);
	end_period(&refusals);
}
