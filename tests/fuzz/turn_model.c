/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#include <string.h>

#include "base/addr.h"
#include "fuzz.h"
#include "turn_model.h"

#define SECOND     1000000000ull
#define PERMISSION (300 * SECOND)
#define CHANNEL    (600 * SECOND)
#define REBIND     (300 * SECOND)

static struct model_relay *find_relay(struct model *model, const struct turnpike_addr *addr)
{
	for (size_t i = 0; i < model->n_relays; i++)
		if (addr_equal(&model->relays[i].addr, addr))
			return &model->relays[i];
	return NULL;
}

const struct model_relay *model_relay(const struct model *model, const struct turnpike_addr *addr,
				      uint64_t now)
{
	for (size_t i = 0; i < model->n_relays; i++)
		if (addr_equal(&model->relays[i].addr, addr) && model->relays[i].expiry > now)
			return &model->relays[i];
	return NULL;
}

static void allocated(struct model *model, const struct turn_event *event, uint64_t now)
{
	must(!model->draining, "a draining server allocates nothing");
	must(!find_relay(model, event->relay), "no two relays have the same address");
	must(model->n_relays < 64, "there are no more relays than ports");
	model->relays[model->n_relays++] = (struct model_relay){
		.addr = *event->relay,
		.tuple = *event->tuple,
		.expiry = now + event->lifetime * SECOND,
	};
}

static void refreshed(struct model *model, const struct turn_event *event, uint64_t now)
{
	struct model_relay *relay = find_relay(model, event->relay);

	must(relay && relay->expiry > now, "only live relays are refreshed");
	relay->expiry = now + event->lifetime * SECOND;
}

static void ended(struct model *model, const struct turn_event *event, uint64_t now)
{
	struct model_relay *relay = find_relay(model, event->relay);
	size_t kept = 0;

	must(relay, "only known relays end");
	/* turn_server_free() and turn_server_client_gone() may find expired relays. */
	must((relay->expiry <= now) == !strcmp(event->why, "expired") ||
		     !strcmp(event->why, "stopping") || !strcmp(event->why, "client gone"),
	     "relays expire at their expiry and not before");
	*relay = model->relays[--model->n_relays];
	for (size_t i = 0; i < model->n_peers; i++)
		if (!addr_equal(&model->peers[i].relay, event->relay))
			model->peers[kept++] = model->peers[i];
	model->n_peers = kept;
}

static struct model_peer *get_peer(struct model *model, const struct turnpike_addr *relay,
				   const struct turnpike_addr *peer, uint16_t channel)
{
	struct model_peer *entry;

	for (size_t i = 0; i < model->n_peers; i++) {
		entry = &model->peers[i];
		if (addr_equal(&entry->relay, relay) && addr_equal(&entry->peer, peer) &&
		    entry->channel == channel)
			return entry;
	}
	must(model->n_peers < MODEL_MAX, "there are no more entries than requests");
	entry = &model->peers[model->n_peers++];
	*entry = (struct model_peer){ .relay = *relay, .peer = *peer, .channel = channel };
	return entry;
}

static void permitted(struct model *model, const struct turn_event *event, uint64_t now)
{
	const struct turnpike_addr ip = addr_without_port(event->peer);

	must(model_relay(model, event->relay, now), "permissions belong to a live relay");
	get_peer(model, event->relay, &ip, 0)->expiry = now + PERMISSION;
}

/* RFC 8656 section 12: across both relays of an allocation. */
static void check_binding(const struct model *model, const struct turn_event *event, uint64_t now)
{
	for (size_t i = 0; i < model->n_peers; i++) {
		const struct model_peer *other = &model->peers[i];
		const struct model_relay *relay = model_relay(model, &other->relay, now);
		bool same_peer = addr_equal(&other->relay, event->relay) &&
				 addr_equal(&other->peer, event->peer);

		if (!other->channel || !relay ||
		    memcmp(&relay->tuple, event->tuple, sizeof(relay->tuple)) != 0)
			continue;
		must((other->channel == event->channel) == same_peer ||
			     other->expiry + REBIND <= now,
		     "neither channel nor peer is rebound too early");
	}
}

static void bound(struct model *model, const struct turn_event *event, uint64_t now)
{
	must(event->channel >= 0x4000 && event->channel <= 0x7fff, "the channel number is valid");
	permitted(model, event, now);
	check_binding(model, event, now);
	get_peer(model, event->relay, event->peer, event->channel)->expiry = now + CHANNEL;
}

void model_event(struct model *model, const struct turn_event *event, uint64_t now)
{
	model->events[event->kind]++;
	switch (event->kind) {
	case TURN_EVENT_ALLOCATED:
		allocated(model, event, now);
		break;
	case TURN_EVENT_REFRESHED:
		refreshed(model, event, now);
		break;
	case TURN_EVENT_ENDED:
		ended(model, event, now);
		break;
	case TURN_EVENT_INTERIM:
		must(model_relay(model, event->relay, now), "interim records are of live relays");
		break;
	case TURN_EVENT_PERMITTED:
		permitted(model, event, now);
		break;
	case TURN_EVENT_BOUND:
		bound(model, event, now);
		break;
	case TURN_EVENT_REFUSED:
		model->refused++;
		break;
	case TURN_EVENT_DROPPED:
	case TURN_EVENT_ICMP:
	case TURN_EVENT_KINDS:
		must(false, "nobody watches");
	}
}

void model_deny(struct model *model, const struct turnpike_addr *ip)
{
	size_t kept = 0;

	for (size_t i = 0; i < model->n_peers; i++) {
		const struct turnpike_addr denied = addr_without_port(&model->peers[i].peer);

		if (!addr_equal(&denied, ip))
			model->peers[kept++] = model->peers[i];
	}
	model->n_peers = kept;
}

bool model_has_permission(const struct model *model, const struct turnpike_addr *relay,
			  const struct turnpike_addr *peer, uint64_t now)
{
	const struct turnpike_addr ip = addr_without_port(peer);

	for (size_t i = 0; i < model->n_peers; i++) {
		const struct model_peer *entry = &model->peers[i];

		if (!entry->channel && entry->expiry > now && addr_equal(&entry->relay, relay) &&
		    addr_equal(&entry->peer, &ip))
			return model_relay(model, relay, now) != NULL;
	}
	return false;
}

const struct model_peer *model_channel_of(const struct model *model,
					  const struct turnpike_addr *relay,
					  const struct turnpike_addr *peer, uint64_t now)
{
	for (size_t i = 0; i < model->n_peers; i++) {
		const struct model_peer *entry = &model->peers[i];

		if (entry->channel && entry->expiry > now && addr_equal(&entry->relay, relay) &&
		    addr_equal(&entry->peer, peer))
			return entry;
	}
	return NULL;
}

const struct model_peer *model_channel(const struct model *model, const struct turn_tuple *tuple,
				       uint16_t number, uint64_t now)
{
	for (size_t i = 0; i < model->n_peers; i++) {
		const struct model_peer *entry = &model->peers[i];
		const struct model_relay *relay;

		if (entry->channel != number || entry->expiry <= now)
			continue;
		relay = model_relay(model, &entry->relay, now);
		if (relay && memcmp(&relay->tuple, tuple, sizeof(*tuple)) == 0)
			return entry;
	}
	return NULL;
}
