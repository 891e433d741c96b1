/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/**
 * @file turn_model.h
 * A model of a TURN server: from the events that it raises, the model derives which relays,
 * permissions and channels are live (RFC 8656 sections 6, 9 and 12), and so what happens to data.
 * It uses plain lists and none of the server's code.
 */
#ifndef TURNPIKE_FUZZ_TURN_MODEL_H
#define TURNPIKE_FUZZ_TURN_MODEL_H

#include "turn/turn.h"

#define MODEL_MAX 4096

struct model_relay {
	struct turnpike_addr addr;
	struct turn_tuple tuple;
	uint64_t expiry;
};

/* A permission (peer without port) or a channel. */
struct model_peer {
	struct turnpike_addr relay;
	struct turnpike_addr peer;
	uint16_t channel; /* 0: a permission */
	uint64_t expiry;
};

struct model {
	struct model_relay relays[64];
	size_t n_relays;
	struct model_peer peers[MODEL_MAX];
	size_t n_peers;
	unsigned long long refused;
	unsigned long long events[TURN_EVENT_KINDS];
	bool draining;
};

/** model_event() - apply an event; aborts if it contradicts earlier ones */
void model_event(struct model *model, const struct turn_event *event, uint64_t now);

/** model_deny() - remove permissions and channels of a peer IP address */
void model_deny(struct model *model, const struct turnpike_addr *ip);

/** model_has_permission() - whether @relay has a live permission for @peer */
bool model_has_permission(const struct model *model, const struct turnpike_addr *relay,
			  const struct turnpike_addr *peer, uint64_t now);

/** model_channel_of() - the live channel bound to @peer, or NULL */
const struct model_peer *model_channel_of(const struct model *model,
					  const struct turnpike_addr *relay,
					  const struct turnpike_addr *peer, uint64_t now);

/** model_channel() - the live channel of a client by number, or NULL */
const struct model_peer *model_channel(const struct model *model, const struct turn_tuple *tuple,
				       uint16_t number, uint64_t now);

/** model_relay() - a live relay, or NULL */
const struct model_relay *model_relay(const struct model *model, const struct turnpike_addr *addr,
				      uint64_t now);

#endif /* TURNPIKE_FUZZ_TURN_MODEL_H */
