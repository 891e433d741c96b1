/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include "process/event_fields.h"

#include <stdio.h>

#include "base/clock.h"

static void add_text(struct event_fields *fields, const char *name, const char *text)
{
	fields->list[fields->n++] = (struct log_field){ .name = name, .text = text };
}

static void add_number(struct event_fields *fields, const char *name, uint64_t number)
{
	fields->list[fields->n++] = (struct log_field){ .name = name, .number = number };
}

static void add_address(struct event_fields *fields, const char *name,
			const struct turnpike_addr *addr, char text[ADDR_TEXT_MAX])
{
	if (addr)
		add_text(fields, name, addr_format(addr, text));
}

/* What accounting needs. */
static void add_accounting(struct event_fields *fields, const struct turn_event *event)
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

static void add_refusal(struct event_fields *fields, const struct turn_event *event)
{
	add_text(fields, "method", turn_method_names[event->method]);
	add_number(fields, "code", (uint64_t)event->code);
}

static void add_icmp(struct event_fields *fields, const struct turn_icmp *icmp)
{
	add_number(fields, "icmp_type", icmp->type);
	add_number(fields, "icmp_code", icmp->code);
	if (icmp->mtu)
		add_number(fields, "mtu", icmp->mtu);
}

/* What some kinds of events have. */
static void add_details(struct event_fields *fields, const struct turn_event *event)
{
	if (event->kind == TURN_EVENT_ALLOCATED || event->kind == TURN_EVENT_REFRESHED)
		add_number(fields, "lifetime", event->lifetime);
	if (event->kind == TURN_EVENT_BOUND) {
		snprintf(fields->channel, sizeof(fields->channel), "0x%04X", event->channel);
		add_text(fields, "channel", fields->channel);
	}
	if (event->kind == TURN_EVENT_REFUSED)
		add_refusal(fields, event);
	if (event->kind == TURN_EVENT_REFUSED || event->kind == TURN_EVENT_DROPPED)
		add_text(fields, "reason", turn_reasons[event->reason].name);
	if (event->icmp)
		add_icmp(fields, event->icmp);
	if (event->why)
		add_text(fields, "why", event->why);
	if (event->kind == TURN_EVENT_ENDED || event->kind == TURN_EVENT_INTERIM)
		add_accounting(fields, event);
}

void event_fields(const struct turn_event *event, bool addresses, struct event_fields *ret)
{
	ret->n = 0;
	if (event->id)
		add_number(ret, "id", event->id);
	if (*event->username)
		add_text(ret, "user", event->username);
	add_text(ret, "transport", turn_transport_names[event->tuple->transport]);
	add_details(ret, event);
	if (!addresses)
		return;
	add_address(ret, "client", &event->tuple->client, ret->client);
	add_address(ret, "relay", event->relay, ret->relay);
	add_address(ret, "peer", event->peer, ret->peer);
}
